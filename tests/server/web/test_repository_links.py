import pytest

from server.web.repository_links import commit_address, compare_address, web_address

HEAD = "a1b2c3d"


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://github.acme.example/api/v3", "https://github.acme.example"),
        ("https://github.acme.example/api/v3/", "https://github.acme.example"),
    ],
)
def test_pages_stand_where_the_api_belongs_to(api: str, web: str) -> None:
    assert web_address(api) == web


@pytest.mark.parametrize("name", [None, "", "shop", "../shop", "acme/..", "a/b/c", "acme/sh op"])
def test_what_is_no_repository_has_no_page(name: str | None) -> None:
    assert commit_address("https://github.com", name, HEAD) is None
    assert compare_address("https://github.com", name, "v1", HEAD) is None


@pytest.mark.parametrize("name", ["v1.2", "build 17", "A1B2C3D", "abc", "../../x"])
def test_only_a_hash_is_a_commit(name: str) -> None:
    assert commit_address("https://github.com", "acme/shop", name) is None


def test_tags_are_compared_whatever_stands_in_them() -> None:
    assert (
        compare_address("https://github.com", "acme/shop", "v1/ü?", HEAD)
        == f"https://github.com/acme/shop/compare/v1%2F%C3%BC%3F...{HEAD}"
    )


@pytest.mark.parametrize("base", [None, "", HEAD])
def test_what_is_the_same_or_not_known_is_not_compared(base: str | None) -> None:
    assert compare_address("https://github.com", "acme/shop", base, HEAD) is None
