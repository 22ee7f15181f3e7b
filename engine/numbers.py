"""Numbers as people are told them."""


def rounded(value: float) -> float:
    """A number for people, and short on the pipe: three significant digits."""
    return float(f"{value:.3g}")
