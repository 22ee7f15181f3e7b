"""What the API says of one notification in a person's bell."""

from server.storage.main.notifications import Notification
from server.wording.changes import bell_words
from shared.structs import made_of


class NotificationAnswer(Notification, frozen=True, kw_only=True):
    """A notification; `words` are what happened, in a few words."""

    words: str


def notification_answer(told: Notification) -> NotificationAnswer:
    """The same with words for it."""
    return made_of(told, NotificationAnswer, words=bell_words(told.change, told.trigger))
