"""What was raised is shown with the source at each frame, as far as it was sent."""

from server.web.pages.stack_trace import ShownLine, fold_frames
from shared.event import Frame
from shared.event_context import SourceLines
from tests.builders import frame

OURS = frame()
THEIRS = frame("lib/x.py", in_app=False)
UNKNOWN = frame("who/knows.py", in_app=None)


def test_frames_of_libraries_fold_and_those_that_may_be_ours_stand_open() -> None:
    runs = fold_frames([OURS, THEIRS, THEIRS, UNKNOWN, OURS])
    assert [(run.folded, len(run.frames)) for run in runs] == [(False, 1), (True, 2), (False, 2)]


def test_a_trace_of_libraries_only_stands_open() -> None:
    assert [(run.folded, len(run.frames)) for run in fold_frames([THEIRS, THEIRS])] == [(False, 2)]


def test_no_frames_are_no_runs() -> None:
    assert fold_frames([]) == []


def test_lines_have_their_numbers_and_lose_the_indentation_that_all_of_them_have() -> None:
    source = SourceLines(frame=1, before=["    if x:"], line="\t    raise X", after=["", "    y()"])
    (run,) = fold_frames([OURS, frame(line=12)], [source])
    assert [list(each.source) for each in run.frames] == [
        [],
        [
            ShownLine(11, "if x:", False),
            ShownLine(12, "    raise X", True),
            ShownLine(13, "", False),
            ShownLine(14, "y()", False),
        ],
    ]


def test_lines_of_which_the_number_is_not_known_have_none() -> None:
    source = SourceLines(frame=0, before=["a", "b"], line="c")
    for line in (None, 0, 2):
        (run,) = fold_frames([Frame("a.py", line=line)], [source])
        assert [each.number for each in run.frames[0].source] == [None, None, None]
