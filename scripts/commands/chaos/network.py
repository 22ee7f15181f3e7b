"""A network for servers, from which each can be cut off: Linux, as root.

Each server is in a network namespace of its own. A bridge connects them with this machine, where
PostgreSQL is. Nothing leads out of it.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

_NETWORKS = 256
_HERE = 254
"""The last number in the address of this machine."""


class Namespace:
    """Where one server is."""

    def __init__(self, network: int, number: int) -> None:
        self.name = f"plc{network}-{number}"
        self.bridge = _bridge(network)
        self.host = _address(network, number)
        self.inside: tuple[str, ...] = ("nsenter", f"--net=/run/netns/{self.name}")
        self._database_at = _address(network, _HERE)

    def database(self, url: str) -> str:
        """Return the address of a database of this machine, as the server reaches it."""
        return f"{url.partition('?')[0]}?host={self._database_at}"

    async def cut(self, seconds: float) -> None:
        """Lose all that is sent to it and by it for so long; neither side is told."""
        await asyncio.to_thread(_ip, "link", "set", self.name, "nomaster")
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.to_thread(_ip, "link", "set", self.name, "master", self.bridge)


class Network:
    """The bridge, and the address of this machine on it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.host = _address(number, _HERE)
        self.all_hosts = f"{_address(number, 0)}/24"

    @contextlib.contextmanager
    def namespace(self, number: int) -> Iterator[Namespace]:
        """Yield a namespace on the bridge; `number` is one of 1 to 253."""
        made = Namespace(self.number, number)
        name = made.name
        # A run that was killed left its own.
        _remove(name)
        _ip("netns", "add", name)
        try:
            _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", name, "master", made.bridge, "up")
            _ip("-n", name, "address", "add", f"{made.host}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", name, "link", "set", "lo", "up")
            yield made
        finally:
            _remove(name)


@contextlib.contextmanager
def open_network() -> Iterator[Network | None]:
    """Yield a network, or None where making one is not allowed."""
    number = _make_bridge()
    if number is None:
        yield None
        return
    network = Network(number)
    try:
        _ip("address", "add", f"{network.host}/24", "dev", _bridge(number))
        _ip("link", "set", _bridge(number), "up")
        yield network
    finally:
        _ip("link", "delete", _bridge(number))


def _make_bridge() -> int | None:
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        return None
    for number in range(_NETWORKS):
        # Another run of this program may have some.
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip("link", "add", _bridge(number), "type", "bridge")
            return number
    return None


def _remove(namespace: str) -> None:
    # The link goes with its namespace, but only some time later.
    for kind in ("link", "netns"):
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip(kind, "delete", namespace)


def _bridge(network: int) -> str:
    return f"plc{network}"


def _address(network: int, number: int) -> str:
    # Of the block that RFC 2544 reserves for tests of networks.
    return f"198.18.{network}.{number}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
