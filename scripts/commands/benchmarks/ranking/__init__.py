"""How often the suspected commit is the right one."""
