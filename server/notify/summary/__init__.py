"""What happened in a day or a week, by mail to those who chose it."""
