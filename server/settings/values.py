"""Read the value of one setting. Each function raises `ValueError` with the rule that it breaks."""

import math
import shlex
import ssl
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit


def port(text: str) -> int:
    """Return a port number."""
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise ValueError(f"must be a port number from 0 to 65535, not {text!r}")
    return int(text)


def count(text: str) -> int:
    """Return a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"must be a whole number above 0, not {text!r}")
    return int(text)


def days(text: str) -> int:
    """Return a number of days, from 1 to 36,500."""
    if not text.isdecimal() or not 1 <= int(text) <= 36_500:
        raise ValueError(f"must be a number of days from 1 to 36500, not {text!r}")
    return int(text)


def per_week(text: str) -> float:
    """Return a number a week, from 0.001 to 1,000."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.001 <= number <= 1_000.0:
        raise ValueError(f"must be a number a week from 0.001 to 1000, not {text!r}")
    return number


def share(text: str) -> float:
    """Return a number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"must be a number from 0 to 1, not {text!r}")
    return number


def megabytes(text: str) -> int:
    """Return a whole number of megabytes, at least 100."""
    # The journal also holds a day of delivery identities, which are not removed sooner.
    if not text.isdecimal() or int(text) < 100:
        raise ValueError(f"must be a whole number of megabytes, at least 100, not {text!r}")
    return int(text)


def flag(text: str) -> bool:
    """Return whether it says true."""
    match text.lower():
        case "true" | "1" | "yes" | "on":
            return True
        case "false" | "0" | "no" | "off":
            return False
    raise ValueError(f"must be true or false, not {text!r}")


def list_of_names(text: str) -> tuple[str, ...]:
    """Return the parts between commas, without blanks around them."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def dsn(text: str) -> str:
    """Return a DSN of Sentry."""
    # Imported here, because most servers do not need it and it takes an eighth of the time to
    # start: see `sentry_reporting`.
    from sentry_sdk.utils import BadDsn, Dsn  # noqa: PLC0415

    try:
        Dsn(text)
    except BadDsn:
        # The message does not repeat the value, because it holds a key.
        raise ValueError(
            "must be a DSN from Sentry, like https://KEY@SENTRY.EXAMPLE/NUMBER"
        ) from None
    return text


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks between commas; an address is a network of one."""
    try:
        return tuple(ip_network(part) for part in list_of_names(text))
    except ValueError as error:
        raise ValueError(f"must be addresses or networks like 10.0.0.0/8: {error}") from None


def command(text: str) -> tuple[str, ...]:
    """Return the words of a command line, as a shell reads them."""
    return tuple(shlex.split(text))


def ca_file(text: str) -> Path:
    """Return the path of a file with certificates."""
    try:
        ssl.create_default_context(cafile=text)
    except OSError as error:
        raise ValueError(f"must be a certificate file (PEM), not {text!r}: {error}") from None
    return Path(text)


def http_url(text: str) -> str:
    """Return a URL of http or https, without a slash at its end."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"must be an http or https URL, not {text!r}")
    return text.rstrip("/")


def without_password(url: str) -> str:
    """Return the URL with nothing of its user."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def database(text: str) -> Path | str:
    """Return the path in a URL like ``sqlite:///data/pushlog.db``, or a URL of PostgreSQL's."""
    scheme, _, rest = text.partition("://")
    if scheme in ("postgresql", "postgres"):
        if not urlsplit(text).path.strip("/"):
            # The URL may hold a password, so it is not repeated.
            raise ValueError("must name a database: postgresql://user:password@host/pushlog")
        return f"postgresql://{rest}"
    path = text.removeprefix("sqlite:///")
    if path == text or not path or path == ":memory:":
        raise ValueError(
            "must be like sqlite:///data/pushlog.db or postgresql://user:password@host/pushlog, "
            f"not {text!r}"
        )
    return Path(path)
