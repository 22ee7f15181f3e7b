"""The chart of an incident is drawn in shapes, and said in words."""

import re

import pytest

from server.incidents.rate import Baseline, Rate, RatePoint
from server.keys import DATABASE, JOURNAL
from server.storage.main import decisions
from server.storage.main.deploys import DeployMark
from server.web.pages.rate_chart import HEIGHT, WIDTH, draw
from shared.decisions import Code
from shared.pipe import Decision
from tests.builders import at, event_entry
from tests.server.web.conftest import Client, Open

BASELINE = Baseline(usual=2.0, spike_from=10.0, window_min=2, window_events=12)


def rate(*events: int, baseline: Baseline | None = None) -> Rate:
    return Rate(
        begin=at(-600),
        opened_at=at(0),
        end=at(60 * len(events)),
        step_min=1,
        points=[RatePoint(at(60 * n), count, count >= 1000) for n, count in enumerate(events)],
        baseline=baseline,
        deploys=[DeployMark(at(-300), "a1b2c3d4e5f6a7b8", None)],
    )


def test_bars_stand_on_the_ground_in_their_minute_as_high_as_they_are_many() -> None:
    chart = draw(rate(10, 0, 20), "events")
    first, last = chart.bars
    assert first.x > chart.opened.x
    assert last.x + last.width < WIDTH
    assert first.y + first.height == last.y + last.height == HEIGHT
    assert last.height == pytest.approx(2 * first.height, abs=0.1)
    assert chart.deploys[0].x == pytest.approx(WIDTH * 5 / 13, abs=0.1)
    assert chart.deploys[0].words == "a1b2c3d4e5"


@pytest.mark.parametrize("events", [(0,), (1,), (10**9, 1), (3, 0, 0)])
@pytest.mark.parametrize("baseline", [None, BASELINE, Baseline(0.0, 1e9, 10_000, 1)])
def test_no_shape_leaves_the_picture(events: tuple[int, ...], baseline: Baseline | None) -> None:
    chart = draw(rate(*events, baseline=baseline), "events")
    for bar in [*chart.bars, *([chart.window] if chart.window else [])]:
        assert bar.x >= 0
        assert bar.width > 0
        assert bar.x + bar.width <= WIDTH
        assert 0 <= bar.y < HEIGHT
    for height in (chart.band, chart.usual):
        assert height is None or 0 <= height <= HEIGHT


def test_the_words_say_the_most_what_is_usual_and_where_counting_ended() -> None:
    chart = draw(rate(3, 1000, baseline=BASELINE), "events")
    assert chart.about == (
        "The incident opened at 4 Mar 2025, 09:00:00 UTC. The peak was 1,000 or more events in the "
        "1 min from 4 Mar 2025, 09:01:00 UTC. Usual is 2; a spike starts at about 10."
    )
    assert chart.rows == [(at(0), "3"), (at(60), "1,000 or more")]
    assert chart.window is not None
    assert chart.window.words == "12 events in the 2 min before it opened"


async def test_page_and_api_show_the_events_that_arrived(
    client: Client, open_incident: Open
) -> None:
    entries = [event_entry(None, received=None)] * 3
    seqs = (await client.app[JOURNAL].append(entries, None)).seqs
    opened = await open_incident(1, seq=seqs[0])
    async with client.app[DATABASE].write() as tx:
        await decisions.store(tx, [Decision(seq, Code.IN_INCIDENT, opened) for seq in seqs])
    told = await (await client.get(f"/api/incidents/{opened}/rate")).json()
    assert [point["events"] for point in told["points"]] == [3]
    page = await (await client.get(f"/incidents/{opened}")).text()
    (svg,) = re.findall(r"<svg[^>]*role=\"img\".*?</svg>", page, re.DOTALL)
    assert 'aria-labelledby="rate-title rate-desc"' in svg
    assert '<title id="rate-title">Events over time</title>' in svg
    assert "The peak was 3 events" in svg
    assert svg.count('class="chart-bar"') == 1
    assert "style=" not in page
    assert '<td class="number">3</td>' in page


async def test_without_the_events_of_that_time_the_page_says_so(
    client: Client, open_incident: Open
) -> None:
    opened = await open_incident(1)
    assert (await client.get(f"/api/incidents/{opened}/rate")).status == 404
    assert (await client.get("/api/incidents/inc-0/rate")).status == 404
    response = await client.get(f"/incidents/{opened}")
    assert response.status == 200
    assert "no longer kept" in await response.text()


async def test_the_news_of_a_deploy_has_no_chart(client: Client, open_incident: Open) -> None:
    opened = await open_incident(1, trigger="deploy", trigger_numbers={})
    assert "rate-head" not in await (await client.get(f"/incidents/{opened}")).text()
