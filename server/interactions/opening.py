"""Opens what hears of presses in Slack, as the settings say."""

import contextlib
from collections.abc import AsyncIterator, Callable

import msgspec

from server.incidents.actions import Actions
from server.interactions.presses import Presses
from server.interactions.socket_mode import SocketMode
from server.notify.slack.api import OF_APP_TOKEN, SlackApi
from server.process.outgoing import Networks, open_session
from server.settings.settings import Slack


class Hearing(msgspec.Struct, frozen=True):
    """What does presses, and the connection over which they come, if there is one."""

    presses: Presses
    socket_mode: SocketMode | None


@contextlib.asynccontextmanager
async def open_hearing(
    slack: Slack,
    actions: Actions,
    report: Callable[[BaseException], None],
    allowed: Networks = (),
) -> AsyncIterator[Hearing]:
    """Yield what hears of presses; nothing is called before it runs.

    `report` is told of defects. `allowed` are the inside networks that may be called.
    """
    async with open_session(allowed) as session:
        presses = Presses(actions, session)
        socket_mode = None
        if slack.app_token is not None:
            api = SlackApi(session, slack.api_url, slack.app_token, meanings=OF_APP_TOKEN)
            socket_mode = SocketMode(api, session, presses, report)
        yield Hearing(presses, socket_mode)
