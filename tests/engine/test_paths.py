"""A frame's file is found among a commit's, whatever the platform made of its path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.stack.paths import EXACT, NONE, PARTIAL, agreement, frame_path, repository_path


def agree(file: str | None, changed: str, module: str | None = None) -> float:
    return agreement(frame_path(file, module), repository_path(changed))


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        # Python
        ("shop/cart.py", "shop/cart.py"),
        ("/app/shop/cart.py", "shop/cart.py"),
        ("/usr/src/app/src/shop/cart.py", "src/shop/cart.py"),
        ("/srv/shop/releases/20250304/shop/cart.py", "src/shop/cart.py"),
        ("shop/cart.py", "services/api/shop/cart.py"),
        ("./shop/cart.py", "shop/cart.py"),
        ("/var/task/handler/cart.py", "src/handler/cart.py"),
        # JavaScript and TypeScript
        ("webpack:///./src/cart/total.ts", "src/cart/total.ts"),
        ("webpack:///src/cart/total.ts?4f2a", "packages/web/src/cart/total.ts"),
        ("webpack://shop/./src/cart/total.ts", "src/cart/total.ts"),
        ("webpack-internal:///(rsc)/./src/cart/total.ts", "src/cart/total.ts"),
        ("app:///src/cart/total.js", "src/cart/total.js"),
        ("~/src/cart/total.js", "src/cart/total.js"),
        ("file:///app/src/cart/total.mjs", "src/cart/total.mjs"),
        ("https://shop.example/src/cart/total.jsx?v=3#top", "src/cart/total.jsx"),
        ("/app/dist/cart/total.js", "src/cart/total.ts"),
        ("/app/dist/total.js", "src/total.ts"),
        ("/app/packages/api/dist/total.js", "packages/api/src/total.ts"),
        ("app:///_next/static/chunks/pages/cart-3f2a9c1b77.js", "pages/cart.tsx"),
        ("/app/.next/server/app/cart/page.js", "src/app/cart/page.tsx"),
        ("https://s.example/_next/static/chunks/a/%5Bid%5D/page-0a1b2c3d.js", "a/[id]/page.tsx"),
        ("../src/cart/total.ts", "src/cart/total.ts"),
        ("src/pages/../cart/total.ts", "src/cart/total.ts"),
        ("src/cart/total.ts:12:7", "src/cart/total.ts"),
        # Windows and .NET
        ("C:\\build\\agent\\src\\Shop\\Cart.cs", "src/Shop/Cart.cs"),
        ("D:\\a\\1\\s\\Shop\\Controllers\\CartController.cs", "Shop/Controllers/CartController.cs"),
        # the JVM
        ("org/shop/cart/Total.java", "src/main/java/org/shop/cart/Total.java"),
        ("jar:file:/s.jar!/BOOT-INF/classes!/org/shop/Cart.java", "core/java/org/shop/Cart.java"),
        # Go, PHP, Ruby
        ("/go/src/github.com/shop/api/cart/total.go", "cart/total.go"),
        ("/var/www/html/app/Http/CartController.php", "app/Http/CartController.php"),
        ("/app/app/models/cart.rb", "app/models/cart.rb"),
    ],
)  # fmt: skip
def test_a_frame_is_found_in_the_file_it_was_made_of(file: str, changed: str) -> None:
    assert agree(file, changed) == EXACT


@pytest.mark.parametrize(
    ("file", "module", "changed"),
    [
        ("Total.java", "org.shop.cart.Total", "src/main/java/org/shop/cart/Total.java"),
        ("Total.java", "org.shop.cart.Total$Row", "src/main/java/org/shop/cart/Total.java"),
        ("Cart.kt", "org.shop.CartKt", "src/main/kotlin/org/shop/Cart.kt"),
        (None, "org.shop.cart.Total", "src/main/java/org/shop/cart/Total.java"),
        (None, "shop.cart", "shop/cart.py"),
        ("__init__.py", "shop.cart", "shop/cart/__init__.py"),
        (None, "App\\Http\\CartController", "app/Http/CartController.php"),
        (None, "shop/cart/total", "src/shop/cart/total.ts"),
        (None, "shop::cart", "src/shop/cart.rs"),
    ],
)
def test_a_module_stands_for_the_folders_that_a_frame_leaves_out(
    file: str | None, module: str, changed: str
) -> None:
    assert agree(file, changed, module) == EXACT


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("cart.py", "mycart.py"),
        ("shop/cart.py", "workshop/cart.py"),
        ("/app/users/models.py", "orders/models.py"),
        ("/app/apps/users/models.py", "apps/orders/models.py"),
        ("src/users/index.ts", "src/orders/index.ts"),
        ("/app/packages/api/dist/cart.js", "packages/web/src/cart.ts"),
        ("src/pages/../total.ts", "lib/pages/total.ts"),
        ("shop/cart.py", "shop/cart.ts"),
        ("shop/cart.py", "shop/cart.md"),
        ("org/shop/Cart.java", "src/main/java/org/shop/CartTest.java"),
    ],
)
def test_another_file_of_a_like_name_is_not_taken_for_it(file: str, changed: str) -> None:
    assert agree(file, changed) == NONE


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("cart.py", "shop/cart.py"),
        ("/app/lib/shop/index.js", "index.js"),
        ("/build/one/shop/cart.py", "two/shop/cart.py"),
        ("app:///main.3f2a9c1b.js", "src/web/main.js"),
    ],
)
def test_a_name_that_many_files_have_is_half_an_agreement(file: str, changed: str) -> None:
    assert agree(file, changed) == PARTIAL


def test_letters_may_differ_in_case() -> None:
    assert agree("/APP/Shop/Cart.PY", "shop/cart.py") == EXACT


@given(st.text(), st.one_of(st.none(), st.text()), st.text())
def test_no_path_is_too_odd(file: str, module: str | None, changed: str) -> None:
    assert agree(file, changed, module) in (EXACT, PARTIAL, NONE)


names = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)


prefixes = st.sampled_from(["/app/", "/usr/src/app/", "C:\\w\\", "webpack:///./"])


@given(st.lists(names, min_size=2, max_size=6), prefixes)
def test_a_file_is_found_below_any_prefix(parts: list[str], prefix: str) -> None:
    path = "/".join(parts) + ".py"
    assert agree(prefix + path, path) == EXACT
