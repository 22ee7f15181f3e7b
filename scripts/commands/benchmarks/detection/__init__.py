"""What is told as a spike, and what it costs."""
