"""A pattern for files matches as in a CODEOWNERS file, wherever the program runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notify.routing.owned_paths import owns, owns_path, paths_of
from shared.event import Frame


@pytest.mark.parametrize(
    ("pattern", "path", "is_owned"),
    [
        ("billing/", "/app/src/billing/invoice.py", True),
        ("/billing/", "/app/src/billing/invoice.py", True),
        ("billing", "/app/src/billing/invoice.py", True),
        ("billing/", "/app/src/billing", False),
        ("billing", "/app/src/billing", True),
        ("bill", "/app/src/billing/invoice.py", False),
        ("bill*", "/app/src/billing/invoice.py", True),
        ("*.sql", "db/queries/orders.sql", True),
        ("*.sql", "db/queries/orders.sql.py", False),
        ("docs/*", "docs/start.md", True),
        ("docs/*", "docs/build/start.md", False),
        ("docs/**", "docs/build/start.md", True),
        ("src/**/invoice.py", "/app/src/billing/v2/invoice.py", True),
        ("src/**/invoice.py", "/app/src/invoice.py", True),
        ("src/**/invoice.py", "/app/lib/invoice.py", False),
        ("src/billing/invoice.py", "C:\\app\\src\\Billing\\invoice.py", True),
        ("billing/src", "/app/src/billing/invoice.py", False),
        ("/", "/app/src/invoice.py", False),
        ("", "/app/src/invoice.py", False),
    ],
)
def test_a_pattern_matches_a_file_or_a_folder_that_it_is_in(
    pattern: str, path: str, is_owned: bool
) -> None:
    assert owns_path(pattern, path) is is_owned


def test_only_the_programs_own_frames_count_if_any_is_known_to_be() -> None:
    library = Frame(file="/usr/lib/billing/http.py", in_app=False)
    own = Frame(file="shop/cart.py", in_app=True)
    assert not owns("billing/", [library, own])
    assert owns("billing/", [library])
    assert owns("shop/", [library, own])


def test_the_package_of_a_class_is_its_folder() -> None:
    frames = [
        Frame(file="Invoice.java", module="com.acme.billing.Invoice", function="total"),
        Frame(module="com.acme.web.Cart"),
        Frame(function="main"),
    ]
    assert paths_of(frames) == ["com/acme/billing/Invoice.java", "com/acme/web/Cart"]
    assert owns("acme/billing/", frames)


def test_a_trace_that_is_made_to_take_long_does_not() -> None:
    frames = [Frame(file="a/" * 500 + str(number), in_app=True) for number in range(200)]
    assert not owns("**/a/**/a/**/a/**/a/**/b", frames)


@given(st.lists(st.sampled_from(["src", "billing", "v2", "pay.py"]), min_size=1, max_size=6))
def test_each_end_of_a_path_and_each_folder_in_it_matches(names: list[str]) -> None:
    path = "/".join(names)
    for begin in range(len(names)):
        for end in range(begin + 1, len(names) + 1):
            assert owns_path("/".join(names[begin:end]), path)
