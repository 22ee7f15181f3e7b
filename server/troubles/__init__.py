"""What is wrong with PushLog itself: how it is noticed, and how people hear of it."""
