"""The journal's clock goes on at a sensible pace, whatever is done to the machine's."""

from hypothesis import given
from hypothesis import strategies as st

from server.storage.journal.clock import FAR_FOR_MICROS, FAR_MICROS, STEP_MICROS, Clock

SECOND = 1_000_000
HOUR = 3600 * SECOND
START = 1_700_000_000 * SECOND


class Machine:
    """A wall clock that can be set, and a monotonic one that cannot."""

    def __init__(self) -> None:
        self.wall = START
        self.monotonic = 5 * SECOND

    def pass_time(self, micros: int) -> None:
        self.wall += micros
        self.monotonic += micros

    def clock(self, not_before: int = 0) -> Clock:
        return Clock(lambda: self.wall, lambda: self.monotonic, not_before)


def test_an_undisturbed_clock_shows_the_time_of_the_machine() -> None:
    machine = Machine()
    clock = machine.clock()
    for micros in (0, 1, 1000, SECOND, HOUR):
        machine.pass_time(micros)
        assert clock.now() == machine.wall


@given(
    st.lists(
        st.tuples(st.integers(-400 * 24 * HOUR, 400 * 24 * HOUR), st.integers(0, 2 * HOUR)),
        max_size=50,
    )
)
def test_time_never_goes_back_and_never_stands_still(steps: list[tuple[int, int]]) -> None:
    machine = Machine()
    clock = machine.clock()
    last = clock.now()
    for jump, passed in steps:
        machine.wall += jump
        machine.pass_time(passed)
        now = clock.now()
        assert now - last >= passed // 2
        last = now


@given(
    st.lists(
        st.tuples(st.integers(-FAR_MICROS // 50, FAR_MICROS // 50), st.integers(0, HOUR)),
        max_size=50,
    )
)
def test_no_jump_within_a_day_makes_time_leap(steps: list[tuple[int, int]]) -> None:
    machine = Machine()
    clock = machine.clock()
    last = clock.now()
    for jump, passed in steps:
        machine.wall += jump
        machine.pass_time(passed)
        now = clock.now()
        assert now - last <= max(2 * passed, passed + STEP_MICROS)
        last = now


def test_a_jump_that_is_taken_back_leaves_hardly_a_trace() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += HOUR
    machine.pass_time(10 * SECOND)
    clock.now()
    machine.wall -= HOUR
    machine.pass_time(30 * SECOND)
    assert clock.now() == machine.wall


def test_a_wall_clock_that_is_ahead_for_good_is_reached_at_twice_the_pace() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += HOUR
    for _ in range(3600):
        machine.pass_time(SECOND)
        clock.now()
    assert machine.wall - clock.now() <= STEP_MICROS


def test_a_step_of_a_second_is_followed_at_once_and_a_longer_one_is_approached() -> None:
    for step, is_followed in ((STEP_MICROS, True), (STEP_MICROS + 1, False)):
        machine = Machine()
        clock = machine.clock()
        machine.wall += step
        machine.pass_time(10)
        assert (clock.now() == machine.wall) is is_followed


def test_a_wall_clock_that_is_more_than_a_day_ahead_is_believed_after_a_minute() -> None:
    for ahead, is_believed in ((FAR_MICROS, False), (FAR_MICROS + 1, True)):
        machine = Machine()
        clock = machine.clock()
        machine.wall += ahead
        clock.now()
        machine.monotonic += FAR_FOR_MICROS - 1
        machine.wall = clock.now() + ahead
        assert clock.now() < machine.wall
        machine.monotonic += 1
        assert (clock.now() == machine.wall) is is_believed


def test_the_minute_begins_anew_whenever_the_wall_clock_came_back_in_between() -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(2):
        machine.wall += FAR_MICROS + HOUR
        clock.now()
        machine.pass_time(FAR_FOR_MICROS - SECOND)
        assert clock.now() < machine.wall - FAR_MICROS
        machine.wall -= FAR_MICROS + HOUR
        clock.now()


def test_a_wall_clock_that_was_never_set_is_believed_once_it_is() -> None:
    machine = Machine()
    machine.wall = 0
    clock = machine.clock()
    machine.wall = START
    clock.now()
    assert clock.now() < SECOND
    machine.pass_time(FAR_FOR_MICROS)
    assert clock.now() == machine.wall


def test_time_goes_on_after_the_last_entry_where_the_wall_clock_is_behind_it() -> None:
    machine = Machine()
    last = START + HOUR
    clock = machine.clock(not_before=last)
    machine.pass_time(10 * SECOND)
    assert clock.now() == last + 5 * SECOND
    machine.pass_time(2 * HOUR)
    assert clock.now() == machine.wall
