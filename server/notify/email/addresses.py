"""The addresses that a mail leads to. Pure."""

from server.notify.email.blocks import Address
from server.wording.formats import web_url


def incident_address(incident_id: str, public_url: str) -> Address:
    """Return the address of an incident's page here."""
    return Address(f"{public_url}/incidents/{incident_id}")


def deploy_address(deploy_id: int, public_url: str) -> Address:
    """Return the address of a deploy's page here; `deploy_id` is that in the table."""
    return Address(f"{public_url}/deploys/{deploy_id}")


def safe_address(url: str | None) -> Address | None:
    """Return `url` if it may be a link in a mail: http or https, one line, printable ASCII."""
    found = web_url(url)
    if found is None or not found.isascii() or not found.isprintable() or " " in found:
        return None
    return Address(found)
