"""Files beside the databases: locks, keys, crashes."""
