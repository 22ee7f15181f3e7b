"""Name code: frames, functions and messages in the form in which they are compared."""
