from hypothesis import given
from hypothesis import strategies as st

from shared.commits.patches import touched_functions


def functions(path: str, *lines: str) -> list[str]:
    return touched_functions(path, "\n".join(lines))


def test_a_hunk_is_in_the_function_that_its_header_names() -> None:
    assert functions(
        "shop/cart.py",
        "@@ -12 +12,2 @@ def total(self, items):",
        "-        return sum(items)",
        "+        return sum(items) or ZERO",
    ) == ["total"]


def test_a_declaration_within_a_hunk_takes_over_from_its_header() -> None:
    assert functions(
        "shop/cart.py",
        "@@ -12,7 +12,8 @@ def total(self, items):",
        "         return sum(items)",
        " ",
        "     def empty(self):",
        "+        self.items.clear()",
        "         return self",
    ) == ["empty"]


def test_functions_that_are_added_or_removed_are_touched() -> None:
    assert functions(
        "shop/cart.js",
        "@@ -1,4 +1,5 @@",
        "-function total(items) {",
        "+export function sum(items) {",
        "   return items.length;",
        " }",
    ) == ["total", "sum"]


def test_what_follows_a_function_is_not_in_it() -> None:
    assert (
        functions(
            "shop/cart.py",
            "@@ -1,6 +1,7 @@",
            " def total(items):",
            "     return sum(items)",
            " ",
            "+LIMIT = 7",
            " ",
        )
        == []
    )


def test_a_top_level_line_is_in_no_function_whatever_the_header_says() -> None:
    header = "@@ -9,0 +10 @@ def total(items):"
    assert functions("a.py", header, "+LIMIT = 7") == []
    assert functions("a.py", header, "+    limit = 7") == ["total"]


def test_an_inner_function_ends_where_its_indentation_does() -> None:
    assert functions(
        "a.py",
        "@@ -1,6 +1,7 @@",
        " def outer():",
        "     def inner():",
        "         return 1",
        "+    return inner()",
    ) == ["outer"]


def test_brackets_of_a_signature_do_not_end_the_function() -> None:
    assert functions(
        "a.ts",
        "@@ -1,6 +1,7 @@",
        " export function total(",
        "   items: Item[],",
        " ): Money {",
        "+  check(items);",
        "   return sum(items);",
    ) == ["total"]
    assert functions(
        "a.cs",
        "@@ -1,4 +1,5 @@",
        "     public Money Total(Item[] items)",
        "     {",
        "+        Check(items);",
        "     }",
    ) == ["Total"]


def test_a_closing_brace_ends_the_function() -> None:
    assert (
        functions(
            "a.go",
            "@@ -1,6 +1,7 @@",
            " func Total() Money {",
            " \treturn sum()",
            " }",
            "+var limit = 7",
        )
        == []
    )


def test_comments_and_blank_lines_touch_nothing() -> None:
    assert (
        functions(
            "A.java",
            "@@ -12,2 +12,4 @@ public Money total(List<Item> items) {",
            "+        // rounded half up",
            "+        /* as the law",
            "+         * wants it */",
            "+",
            "-        ",
        )
        == []
    )


def test_what_stands_before_a_declaration_belongs_to_it() -> None:
    assert functions(
        "a.py",
        "@@ -10,3 +10,4 @@ def other():",
        "+@cached",
        " def total(items):",
        "     return 1",
    ) == ["total"]


def test_each_function_is_named_once_in_order() -> None:
    assert functions(
        "a.rb",
        "@@ -1 +1 @@ def total(items)",
        "+    a",
        "@@ -9 +9 @@ def empty?",
        "+    b",
        "@@ -20 +20 @@ def total(items)",
        "+    c",
    ) == ["total", "empty?"]


def test_a_hunk_without_a_name_in_its_header_names_nothing() -> None:
    assert functions("a.py", "@@ -1 +1 @@ import os", "+    x = 1") == []


def test_what_has_no_functions_names_nothing() -> None:
    assert functions("README.md", "@@ -1 +1 @@ def total():", "+    def total():") == []


@given(
    st.sampled_from(["a.py", "a.ts", "A.java", "a.go", "a.rb", "a.md"]),
    st.lists(st.text(), max_size=20)
    | st.lists(
        st.sampled_from(
            [
                "@@ -1 +1 @@ def a(",
                "@@",
                "+def b():",
                " }",
                "-  x",
                "+@a",
                " func c() {",
                "\\ No newline",
            ]
        )
    ),
)
def test_any_text_is_a_patch(path: str, lines: list[str]) -> None:
    for name in touched_functions(path, "\n".join(lines)):
        assert name
