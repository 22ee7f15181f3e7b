"""The parts of `scripts/chaos`: a server under load, what is done to it, and what must be true."""
