"""The sockets: one for each address of the host, and the same ones for the next version."""

import contextlib
import os
import socket
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from server.listening import Listening, listen, listen_early
from server.settings.settings import Settings, read_settings


def settings(**environ: str) -> Settings:
    return read_settings({"PORT": "0", "HOST": "127.0.0.1"} | environ)


@pytest.fixture
def listening() -> Iterator[Listening]:
    made = listen(settings())
    yield made
    made.close()


def test_connections_are_taken_from_the_start(listening: Listening) -> None:
    (one,) = listening.sockets
    with contextlib.closing(socket.create_connection(one.getsockname())):
        pass


def test_the_next_version_goes_on_with_the_same_socket(listening: Listening) -> None:
    (one,) = listening.sockets
    with patch.dict(os.environ, listening.hand_over()):
        inherited = listen(settings())
        assert [each.getsockname() for each in inherited.sockets] == [one.getsockname()]
        listening.close()
        with contextlib.closing(socket.create_connection(one_of(inherited))):
            pass
        assert not any(each.get_inheritable() for each in inherited.sockets)
        # Only once: the engine and a later start have sockets of their own.
        assert not [name for name in os.environ if name.startswith("PUSHLOG_LISTENING")]
    inherited.close()


def one_of(listening: Listening) -> tuple[str, int]:
    host, port, *_ = listening.sockets[0].getsockname()
    return host, port


def test_sockets_of_another_address_are_closed(listening: Listening) -> None:
    with patch.dict(os.environ, listening.hand_over()):
        other = listen(settings(HOST="127.0.0.2"))
    listening_on = [each.getsockname()[0] for each in other.sockets]
    assert listening_on == ["127.0.0.2"]
    assert other.is_for(settings(HOST="127.0.0.2"))
    other.close()


@pytest.mark.parametrize("host", ["not an address", "nowhere.invalid"])
def test_a_host_that_is_none_is_named(host: str) -> None:
    with pytest.raises(OSError, match=f"HOST: {host} is no address of this machine"):
        listen(settings(HOST=host))


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(OSError, match=r"192\.0\.2\.1 port \d+ cannot be used: Cannot assign"):
        listen(settings(HOST="192.0.2.1"))


def test_what_stops_an_early_start_is_left_to_be_said_later() -> None:
    assert listen_early(settings(HOST="nowhere.invalid")) is None
