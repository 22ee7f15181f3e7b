"""The channel of webhooks: signed calls to programs, as Standard Webhooks defines them."""
