"""A frame's function is found among a commit's, however either of them writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.stack.functions import changed_functions, frame_functions


def names(function: str | None, module: str | None = None, file: str | None = None) -> set[str]:
    return {name.lower() for name in frame_functions(function, module, file)}


@pytest.mark.parametrize(
    ("function", "name"),
    [
        ("total", "total"),
        ("Cart.total", "total"),
        ("Cart::total", "total"),
        ("Cart#total", "total"),
        ("App\\Cart->total", "total"),
        ("async Cart.total", "total"),
        ("Object.total", "total"),
        ("outer.<locals>.total", "total"),
        ("total.<locals>.<lambda>", "total"),
        ("total.<locals>.<listcomp>", "total"),
        ("Cart$total", "total"),
        ("lambda$total$0", "total"),
        ("com.acme.Cart.total(Cart.java:12)", "total"),
        ("List<Item>.total<T>", "total"),
        ("github.com/acme/shop.(*Cart).Total", "total"),
        ("main.total.func1", "total"),
        ("shop::cart::total::h0123456789abcdef", "total"),
        ("shop::cart::total::{{closure}}", "total"),
        ("block in total", "total"),
        ("block (2 levels) in total", "total"),
        ("Acme.Shop.Cart+Row.Total", "total"),
        ("valid?", "valid?"),
        ("__init__", "__init__"),
        ("größe", "größe"),
    ],
)
def test_a_function_is_known_by_its_last_name(function: str, name: str) -> None:
    assert names(function) == {name}


def test_a_constructor_is_known_by_its_class() -> None:
    assert names("<init>", "org.shop.Cart$Row") == {"row"}
    assert names("<init>", None, "Cart.java") == {"cart"}
    assert names("Acme.Shop.Cart..ctor") == {"cart"}
    assert names("new Cart") == {"cart", "constructor"}


def test_an_alias_is_a_name_too() -> None:
    assert names("Cart.sum [as total]") == {"sum", "total"}


@pytest.mark.parametrize(
    "function", [None, "", "<anonymous>", "Object.<anonymous>", "<lambda>", "<module>", "?", "0x7f"]
)
def test_what_has_no_name_agrees_with_nothing(function: str | None) -> None:
    assert names(function) == set()


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("total", "total"),
        ("def total(self, items):", "total"),
        ("async def total(self):", "total"),
        ("class Cart(Base):", "cart"),
        ("public static int total(List<Item> items) throws TaxError {", "total"),
        ("func (c *Cart) Total(items []Item) int {", "total"),
        ("function total(items) {", "total"),
        ("export async function total(items: Item[]): Promise<number> {", "total"),
        ("export const total = (items: Item[]) => {", "total"),
        ("  total: function (items) {", "total"),
        ("exports.total = async (items) => {", "total"),
        ("pub fn total(items: &[Item]) -> u64 {", "total"),
        ("fun total(items: List<Item>): Int {", "total"),
        ("  def self.total(items)", "total"),
        ("int Cart::total(const Items& items) const", "total"),
        ("Cart.total", "total"),
    ],
)
def test_a_hunk_header_gives_the_name_that_it_declares(header: str, name: str) -> None:
    assert name in changed_functions(header)


@pytest.mark.parametrize("header", ["if (total > 3) {", "return total(items)", "for (;;) {", ""])
def test_what_declares_nothing_is_no_keyword(header: str) -> None:
    assert not changed_functions(header) & {"if", "return", "for", ""}


@given(st.one_of(st.none(), st.text()), st.one_of(st.none(), st.text()), st.text())
def test_no_name_is_too_odd(function: str | None, module: str | None, header: str) -> None:
    assert "" not in frame_functions(function, module, None)
    assert "" not in changed_functions(header)


@given(st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=20))
def test_a_plain_name_of_a_frame_agrees_with_the_same_of_a_commit(name: str) -> None:
    assert set(changed_functions(name)) >= names(name)
