"""How what is to be told comes to its receivers, and how fast."""
