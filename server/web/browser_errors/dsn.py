"""Reads a DSN, with which Sentry says where a project's errors go."""

from urllib.parse import urlsplit

import msgspec


class Dsn(msgspec.Struct, frozen=True):
    """A DSN in its parts: `public` is what pages may know, `envelope_url` takes the errors."""

    public: str
    """``https://KEY@SENTRY.EXAMPLE/NUMBER``, just as the SDK writes it into its envelopes."""

    envelope_url: str


def read_dsn(text: str) -> Dsn:
    """Return the parts of a DSN that the settings accepted.

    Old DSNs have a secret after the key. It stays here: the public part is enough to send errors.
    """
    parts = urlsplit(text)
    account, _, host = parts.netloc.rpartition("@")
    key = account.partition(":")[0]
    *folders, project = (part for part in parts.path.split("/") if part)
    folder = "".join(f"{each}/" for each in folders)
    return Dsn(
        public=f"{parts.scheme}://{key}@{host}/{folder}{project}",
        envelope_url=f"{parts.scheme}://{host}/{folder}api/{project}/envelope/",
    )
