"""What `scripts/doctor` examines, a module for each kind of thing; nothing here changes any."""
