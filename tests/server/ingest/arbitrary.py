"""What property tests of the parsers draw from, and the patience that they need."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

PATIENT = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
"""How fast an example is depends on the machine's other work."""

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["{{ default }}", "9" * 5000, "2025-03-04T09:00:00Z", "\x00", "\ud83d"])
)
JSON = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=10,
)
"""Anything that `json.dumps` writes, including NaN and halves of surrogate pairs."""
