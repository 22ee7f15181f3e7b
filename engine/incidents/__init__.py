"""The life of an incident: what opens it, what joins it, what is told about it, what ends it."""
