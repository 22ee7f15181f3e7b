"""Takes the secrets out of what is stored and told of an incident. Pure."""

from typing import TypeVar

import msgspec

from server.notify.masking import masked_values

S = TypeVar("S", bound=msgspec.Struct)


def masked(said: S) -> S:
    """Return `said` with every secret in its texts masked, as it is stored and told."""
    return msgspec.convert(masked_values(msgspec.to_builtins(said)), type(said))
