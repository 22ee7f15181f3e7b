"""The sockets on which the server listens: bound before all else, and kept over a reload.

From then on the system takes connections, and they wait until the server is ready for them. Nobody
is refused while it loads its code, which takes half a second.
"""

import os
import socket
from collections.abc import Sequence

from server.settings.settings import Settings

BACKLOG = 1024
"""How many connections may wait. The system has a limit of its own, on Debian 4096."""

_INHERITED = "PUSHLOG_LISTENING_FDS"


class Listening:
    """Sockets that listen on `host` and `port`, as the settings have them."""

    def __init__(self, host: str, port: int, sockets: Sequence[socket.socket]) -> None:
        self.host = host
        self.port = port
        self.sockets = sockets

    def is_for(self, settings: Settings) -> bool:
        """Return whether these are the sockets that the settings ask for."""
        return (self.host, self.port) == (settings.host, settings.port)

    def close(self) -> None:
        """Refuse what waits, and what comes."""
        for each in self.sockets:
            each.close()

    def hand_over(self) -> dict[str, str]:
        """Let the program that this process becomes inherit copies of the sockets.

        Return the variables of the environment from which `listen` knows them there.
        """
        copies = [os.dup(each.fileno()) for each in self.sockets]
        for each in copies:
            os.set_inheritable(each, True)
        return {_INHERITED: ",".join([self.host, str(self.port), *map(str, copies)])}


def listen_early(settings: Settings) -> Listening | None:
    """Listen, or return None if that is not possible: what follows finds out why, and says so."""
    try:
        return listen(settings)
    except OSError:
        return None


def listen(settings: Settings) -> Listening:
    """Listen where the settings say, or go on with what was inherited. Raises `OSError`."""
    found = _inherited()
    if found is not None:
        if found.is_for(settings):
            return found
        found.close()
    return Listening(settings.host, settings.port, _bind(settings.host, settings.port))


def _bind(host: str, port: int) -> list[socket.socket]:
    """Bind each address that `host` stands for."""
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise OSError(f"HOST: {host} is no address of this machine: {error.strerror}") from error
    bound: list[socket.socket] = []
    for family, *_, address in dict.fromkeys(infos):
        try:
            bound.append(socket.create_server(address[:2], family=family, backlog=BACKLOG))
        except OSError as error:
            for each in bound:
                each.close()
            raise OSError(f"{address[0]} port {port} cannot be used: {error.strerror}") from error
    return bound


def _inherited() -> Listening | None:
    """Return the sockets that the program before has left to this process, once."""
    left = os.environ.pop(_INHERITED, None)
    if left is None:
        return None
    host, port, *copies = left.split(",")
    sockets = [socket.socket(fileno=int(each)) for each in copies]
    for each in sockets:
        # The engine must not inherit them.
        each.set_inheritable(False)
    return Listening(host, int(port), sockets)
