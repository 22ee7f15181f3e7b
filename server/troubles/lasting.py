"""Decide which troubles are open: those whose symptoms last. Pure."""

from collections.abc import Collection, Mapping, Sequence

from server.troubles.kinds import KINDS, Symptom

GONE_FOR_S = 60.0
"""A trouble is over when its symptom has been gone for so long."""

GAP_S = 15.0
"""A symptom that is gone for less than this goes on: an engine that crashes again and again runs
in between."""


class Lasting:
    """Remembers since when there are symptoms; times are in seconds of any clock."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._seen: dict[str, float] = {}

    def judge(
        self, symptoms: Sequence[Symptom], is_open: Collection[str], now: float
    ) -> Mapping[str, str | None]:
        """Return the kinds that are open from now on, with what is wrong; None if it is as it was.

        `is_open` are the kinds that are open so far.
        """
        texts: dict[str, list[str]] = {}
        for symptom in symptoms:
            texts.setdefault(symptom.kind, []).append(symptom.text)
        wanted: dict[str, str | None] = {}
        for kind, about in KINDS.items():
            if kind in texts:
                if now - self._seen.get(kind, now - GAP_S) >= GAP_S:
                    self._since[kind] = now
                self._seen[kind] = now
                if kind in is_open or now - self._since[kind] >= about.after_s:
                    wanted[kind] = "; ".join(texts[kind])
            elif kind in is_open and now - self._seen.setdefault(kind, now) < GONE_FOR_S:
                wanted[kind] = None
        return wanted
