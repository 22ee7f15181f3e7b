"""Numbers as people are told them."""


def rounded(value: float) -> float:
    """Round to three significant digits, for people and to be short on the pipe."""
    return float(f"{value:.3g}")
