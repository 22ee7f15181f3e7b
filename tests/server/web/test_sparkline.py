"""The last day of an incident as small bars."""

from server.web.pages.sparkline import HEIGHT, Spark, draw_spark


def test_the_highest_bar_is_as_high_as_the_chart_and_the_least_is_still_seen() -> None:
    assert draw_spark([0, 1, 0, 1_000, 500]) == Spark(
        [(3, 1.5), (9, HEIGHT), (12, HEIGHT / 2)],
        "1,501 events in the last day, at most 1,000 in an hour",
    )


def test_one_event_is_one() -> None:
    spark = draw_spark([0, 1])
    assert spark is not None
    assert spark.words == "1 event in the last day, at most 1 in an hour"


def test_nothing_is_drawn_where_nothing_came() -> None:
    assert draw_spark([0] * 24) is None
