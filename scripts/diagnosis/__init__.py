"""What `scripts/doctor` examines, one module for each kind of thing; nothing here changes any."""
