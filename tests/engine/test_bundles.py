"""A short name comes from a minifier in a bundler's output, and from a person anywhere else."""

import pytest

from tests.engine.traces import key, of_trace

BUNDLED = [
    "https://shop.example/js/cart.min.js",
    "https://shop.example/js/2.chunk.js",
    "https://shop.example/js/cart.bundle.js",
    "https://shop.example/js/cart-bundle.js",
    "app:///index.android.bundle?platform=android",
    "https://shop.example/_next/static/cart.js",
    "https://shop.example/static/js/cart.js",
    "https://shop.example/assets/cart.js",
    "https://shop.example/dist/cart.js",
    "https://shop.example/js/cart.4f2ab1.js",
    "https://shop.example/js/cart-4F2AB19C.js",
    "https://shop.example/js/4f2ab19c.js",
]
BY_HAND = [
    "https://shop.example/js/cart.js",
    "https://shop.example/js/cart.js?v=.min.4f2ab19c.js",
    "https://shop.example/js/cart.js#.bundle.js",
    "https://shop.example/js.min.d/cart.js",
    "https://shop.example/js/minimal.js",
    "https://shop.example/js/chunk.js",
    "https://shop.example/js/bundle.js",
    "https://shop.example/js/bundles/cart.js",
    "https://shop.example/static/cart.js",
    "https://shop.example/next/static/cart.js",
    "https://shop.example/js/assets.js",
    "https://shop.example/js/dist.js",
    "https://shop.example/js/cart.4f2ab.js",
    "https://shop.example/js/cart.facade.js",
    "https://shop.example/js/4f2ab19.js",
    "https://shop.example/js/facadeed.js",
    "/srv/shop/lib/cart.js",
]


def are_one(file: str, one: str, other: str) -> bool:
    """Whether errors in two functions of this script are one issue."""
    below = (file, None, "checkout", 9)
    return key(of_trace([(file, None, one, 3), below])) == key(
        of_trace([(file, None, other, 3), below])
    )


@pytest.mark.parametrize("file", BUNDLED)
def test_in_a_bundle_names_of_up_to_three_characters_are_no_names(file: str) -> None:
    assert are_one(file, "tax", "t")
    assert are_one(file, "t", "$e")
    assert not are_one(file, "rate", "t")


@pytest.mark.parametrize("file", BY_HAND)
def test_in_a_script_as_it_was_written_a_short_name_is_a_name(file: str) -> None:
    assert not are_one(file, "tax", "vat")
    assert not are_one(file, "t", "v")
