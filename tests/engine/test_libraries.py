"""Library code is recognized by its place, whatever `in_app` says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.stack.libraries import is_library


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("/usr/local/lib/python3.12/site-packages/django/core/handlers/base.py", None),
        ("/usr/lib/python3.11/json/decoder.py", None),
        ("<frozen importlib._bootstrap>", None),
        ("<anonymous>", None),
        ("<string>", None),
        ("[native code]", None),
        ("webpack:///./node_modules/react-dom/index.js", None),
        ("webpack:///./~/lodash/lodash.js", None),
        ("webpack:///webpack/bootstrap", None),
        ("node:internal/process/task_queues", None),
        ("internal/process/task_queues.js", None),
        ("C:\\app\\node_modules\\express\\lib\\router.js", None),
        ("/root/go/pkg/mod/github.com/gin-gonic/gin@v1.9.1/context.go", None),
        ("/usr/local/go/src/net/http/server.go", None),
        ("/usr/local/bundle/gems/rack-3.0/lib/rack/handler.rb", None),
        ("/var/www/html/vendor/laravel/framework/src/Pipeline.php", None),
        ("ArrayList.java", "java.util.ArrayList"),
        ("java/util/ArrayList.java", None),
        (None, "org.springframework.web.servlet.DispatcherServlet"),
        (None, "System.Collections.Generic.List"),
    ],
)
def test_a_library_is_known_by_its_place(file: str | None, module: str | None) -> None:
    assert is_library(file, module)


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("/app/shop/cart.py", "shop.cart"),
        ("webpack:///./src/cart.ts", None),
        ("~/static/js/main.js", None),
        ("Cart.java", "org.shop.Cart"),
        ("javascript/cart.js", None),
        ("systems/cart.py", None),
        ("src/vendors/list.ts", None),
        ("/app/vendor/models.py", "vendor.models"),
        ("system/users.py", "system.users"),
        ("internal/cart/total.go", None),
        ("java/com/acme/Cart.java", None),
        (None, None),
    ],
)
def test_our_own_code_is_not_taken_for_a_library(file: str | None, module: str | None) -> None:
    assert not is_library(file, module)


@given(st.one_of(st.none(), st.text()), st.one_of(st.none(), st.text()))
def test_no_name_is_too_odd(file: str | None, module: str | None) -> None:
    assert is_library(file, module) in (True, False)
