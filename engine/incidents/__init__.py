"""The life of an incident: what opens it, what joins it, what is told of it, what ends it."""
