"""Everything that PushLog asks GitHub for."""
