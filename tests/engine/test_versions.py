"""Which of two releases is older, as far as their names tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.versions import is_before

IN_ORDER = [
    # Semantic Versioning 2.0.0, 11
    ["1.0.0", "2.0.0", "2.1.0", "2.1.1"],
    ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"],
    ["1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"],
    # Sentry's default for mobile apps: package@version+build
    ["com.example.shop@1.4.9+37", "com.example.shop@1.5.0+9", "com.example.shop@1.5.0+40"],
    ["v1.9", "1.10", "V2"],
    ["shop@1.9.2", "1.10.0", "shop@1.10.1"],
    ["1.5.0rc2", "1.5.0rc10", "1.5.0"],
    ["1.4.0-SNAPSHOT", "1.4.0", "1.4.0-2-g3f2a9c1", "1.4.0-11-gdeadbeef", "1.4.1-dev"],
    ["2024.12", "2025.1", "2025.03.04", "2025.3.10"],
    ["2025-03-04", "2025-03-05", "2025-11-01"],
    ["20250304", "20250304.1", "20250304.10", "20251101"],
    ["api@7", "api@12"],
    ["shop-1.9.0", "shop-v1.9.1", "1.10.0", "shop-1.10.1"],
    ["release/1.9", "release/1.10.0-rc.1", "release/1.10.0"],
    ["build-9", "build-41"],
    ["Shop 1.9.0 (9)", "Shop 1.9.0 (12)", "Shop 1.10.0 (3)"],
    ["prod-2026-11-09-1", "prod-2026-11-09-12", "prod-2026-11-29-1"],
    ["20261109T1011", "20261109T1200Z", "20261129T0900"],
    ["2026w9", "2026-W48"],
    ["1.4.0.Final", "1.4.0-hotfix.1", "1.4.0-hotfix.12", "1.4.1.RELEASE"],
    ["1.0rc1", "1.0", "1.0.post1", "1.0.post2"],
]


@pytest.mark.parametrize("releases", IN_ORDER)
def test_versions_have_an_order(releases: list[str]) -> None:
    for place, older in enumerate(releases):
        for newer in releases[place + 1 :]:
            assert is_before(older, newer) is True, (older, newer)
            assert is_before(newer, older) is False, (newer, older)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.4", "1.4.0"),
        ("v1.4.0", "shop@1.4.0"),
        ("1.4.0+7", "1.4.0+7"),
        ("1.4.0-RC.1", "1.4-rc1"),
        ("1.4.0.Final", "1.4"),
    ],
)
def test_one_version_in_two_spellings_is_no_older(one: str, other: str) -> None:
    assert (is_before(one, other), is_before(other, one)) == (False, False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3f2a9c1", "4f2a9c1"),
        ("1234567", "1234568"),
        ("e5b1c2d3a4f5e6b7c8d9e0f1a2b3c4d5e6f7a8b9", "1.0"),
        ("shop@3f2a9c1", "shop@1.0"),
        ("web@1.0", "api@2.0"),
        ("1.0+5f2c9ab", "1.0+6f2c9ab"),
        ("1.0-5f2c9ab", "1.0-6f2c9ab"),
        ("winter", "summer"),
        ("feature/ABC-123", "feature/ABC-124"),
        ("pr-41", "pr-42"),
        ("shop-1.9.0", "web-1.10.0"),
        ("main-3f2a9c1", "main-4f2a9c1"),
        ("", "1.0"),
    ],
)
def test_what_is_no_version_has_no_order(one: str, other: str) -> None:
    assert (is_before(one, other), is_before(other, one)) == (None, None)


NAMES = st.text() | st.from_regex(
    r"(a@)?(b-)?v?\d{1,3}(\.\d{1,3}){0,2}(-(rc|a)\.?\d)?(\+\d)?", fullmatch=True
)


@given(NAMES, NAMES, NAMES)
def test_the_order_never_contradicts_itself(one: str, two: str, three: str) -> None:
    assert not (is_before(one, two) and is_before(two, one))
    if is_before(one, two) and is_before(two, three):
        assert is_before(one, three) is not False
