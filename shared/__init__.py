"""What the server and the engine must agree on: the messages on the pipe, and nothing else."""
