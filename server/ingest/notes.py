"""What an adapter found missing or had to cut, in short sentences that are kept with the event."""

from server.ingest.text import clean_line

MAX_NOTES = 50
MAX_NOTE = 256


class Notes:
    """The sentences, in order, each once; if too many, the first ones and a count of the rest."""

    def __init__(self) -> None:
        self._sentences: dict[str, None] = {}
        self._left_out = 0

    def add(self, sentence: str) -> None:
        """Keep `sentence`, which gives the path first and then what happened to it."""
        sentence = clean_line(sentence, MAX_NOTE)
        if sentence in self._sentences:
            return
        if len(self._sentences) < MAX_NOTES - 1:
            self._sentences[sentence] = None
        else:
            self._left_out += 1

    def sentences(self) -> list[str]:
        """Return the sentences as `Event.notes` holds them."""
        if not self._left_out:
            return list(self._sentences)
        return [*self._sentences, f"and {self._left_out} more"]
