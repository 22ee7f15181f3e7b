"""The JSON API, by resource."""
