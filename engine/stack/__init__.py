"""How code is named: frames, functions and messages in the form in which they are compared."""
