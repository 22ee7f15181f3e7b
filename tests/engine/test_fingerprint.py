"""Pairs of events, by language, that must be one issue, and pairs that must not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.fingerprint import RULES_VERSION
from engine.stack import names
from engine.stack.names import frame_name
from shared.event import ChainedException, Event
from tests import builders
from tests.engine.traces import Trace, key, of_trace

VIEWS = "/var/www/storage/framework/views"
HELPER: Trace = [("shop/http.py", None, "get", 3), ("shop/http.py", None, "call", 9)]


ONE_ISSUE: dict[str, tuple[Trace, Trace]] = {
    "lines shift": (
        [("shop/cart.py", "shop.cart", "total", 12), ("shop/pay.py", "shop.pay", "charge", 4)],
        [("shop/cart.py", "shop.cart", "total", 19), ("shop/pay.py", "shop.pay", "charge", 7)],
    ),
    "python: a comprehension was inlined": (
        [("shop/cart.py", None, "<listcomp>", 12), ("shop/cart.py", None, "total", 12)],
        [("shop/cart.py", None, "total", 12)],
    ),
    "python: a lambda in a function": (
        [("shop/cart.py", None, "<lambda>", 12), ("shop/cart.py", None, "total", 12)],
        [("shop/cart.py", None, "total", 12)],
    ),
    "python: the event loop between": (
        [
            ("shop/cart.py", None, "total", 12),
            ("/usr/lib/python3.11/asyncio/events.py", None, "_run", 80),
            ("shop/pay.py", None, "charge", 4),
        ],
        [("shop/cart.py", None, "total", 12), ("shop/pay.py", None, "charge", 4)],
    ),
    "python: a framework that the source took for the application": (
        [
            ("shop/cart.py", None, "total", 12),
            ("/venv/lib/python3.11/site-packages/flask/app.py", None, "dispatch", 80),
        ],
        [
            ("shop/cart.py", None, "total", 12),
            ("/venv/lib/python3.12/site-packages/flask/sansio/app.py", None, "full_dispatch", 8),
        ],
    ),
    "moved from a home to a container": (
        [("/home/ada/shop/cart/total.py", None, "total", 12)],
        [("/app/cart/total.py", None, "total", 12)],
    ),
    "moved with each release": (
        [("/srv/shop/releases/20250301120000/app/models/cart.rb", None, "total", 12)],
        [("/srv/shop/releases/20250304093000/app/models/cart.rb", None, "total", 12)],
    ),
    "moved, where many files have the name": (
        [("/home/ada/shop/main.py", None, "total", 12)],
        [("/app/main.py", None, "total", 12)],
    ),
    "moved between drives": (
        [("C:\\build\\agent\\Shop\\Cart.cs", None, "Total", 12)],
        [("D:\\a\\1\\s\\Shop\\Cart.cs", None, "Total", 14)],
    ),
    "javascript: the hash of a build": (
        [("https://shop.example/static/js/main.4f2ab1c9.chunk.js", None, "checkoutTotal", 1)],
        [("https://shop.example/static/js/main.9d0c77ab.chunk.js", None, "checkoutTotal", 1)],
    ),
    "javascript: the hash of a build by vite": (
        [("https://shop.example/assets/Cart-BxQ9k2Lz.js", None, "checkoutTotal", 1)],
        [("https://shop.example/assets/Cart-CkzQWxBm.js", None, "checkoutTotal", 1)],
    ),
    "javascript: a build directory": (
        [("https://x.example/_static/5788ef38fefa0df624cb96af56fd1435/dist/app.js", None, "go", 1)],
        [("https://x.example/_static/91d2c3d4e5f60718293a4b5c6d7e8f90/dist/app.js", None, "go", 1)],
    ),
    "javascript: minified names change with each build": (
        [("https://shop.example/static/js/main.4f2ab1c9.js", None, "Zr", 1)],
        [("https://shop.example/static/js/main.9d0c77ab.js", None, "qn", 1)],
    ),
    "javascript: engines name a method in their own way": (
        [("src/cart.ts", None, "Cart.total", 12), ("src/pay.ts", None, "Object.charge", 4)],
        [("src/cart.ts", None, "total", 12), ("src/pay.ts", None, "charge", 4)],
    ),
    "javascript: firefox names what is inside": (
        [("src/cart.ts", None, "total/<", 12)],
        [("src/cart.ts", None, "total", 12)],
    ),
    "javascript: several words before one name": (
        [("src/cart.ts", None, "static async total", 12), ("src/pay.ts", None, "new async pay", 4)],
        [("src/cart.ts", None, "total", 12), ("src/pay.ts", None, "pay", 4)],
    ),
    "javascript: webpack, its dev server and the plain file": (
        [("webpack:///./src/cart.ts?4f2a", None, "total", 12)],
        [("webpack-internal:///./src/cart.ts", None, "total", 12)],
    ),
    "javascript: promises between": (
        [
            ("src/cart.ts", None, "total", 12),
            ("node:internal/process/task_queues", None, "processTicksAndRejections", 95),
            ("src/pay.ts", None, "async charge", 4),
        ],
        [("src/cart.ts", None, "total", 12), ("src/pay.ts", None, "charge", 4)],
    ),
    "javascript: compiled async": (
        [
            ("src/cart.ts", None, "total", 12),
            ("src/cart.ts", None, "asyncGeneratorStep", 3),
            ("src/cart.ts", None, "_next", 5),
            ("src/pay.ts", None, "charge", 4),
        ],
        [("src/cart.ts", None, "total", 12), ("src/pay.ts", None, "charge", 4)],
    ),
    "javascript: an anonymous callback": (
        [
            ("src/cart.ts", None, "<anonymous>", 12),
            ("src/cart.ts", None, "Array.map", 1),
            ("src/cart.ts", None, "total", 11),
        ],
        [("src/cart.ts", None, "total", 11)],
    ),
    "java: lambdas are numbered": (
        [("Cart.java", "shop.Cart", "lambda$total$0", 12)],
        [("Cart.java", "shop.Cart", "lambda$total$3", 14)],
    ),
    "java: anonymous classes are numbered": (
        [("Cart.java", "shop.Cart$1", "total", 12)],
        [("Cart.java", "shop.Cart$2", "total", 14)],
    ),
    "java: a proxy has a new name each time": (
        [("Cart.java", "shop.Cart$$EnhancerBySpringCGLIB$$4f2ab1", "total", 12)],
        [("Cart.java", "shop.Cart$$EnhancerBySpringCGLIB$$9d0c77", "total", 12)],
    ),
    "java: reflection between": (
        [
            ("Cart.java", "shop.Cart", "total", 12),
            (None, "jdk.internal.reflect.GeneratedMethodAccessor41", "invoke", 0),
            ("Pay.java", "shop.Pay", "charge", 4),
        ],
        [("Cart.java", "shop.Cart", "total", 12), ("Pay.java", "shop.Pay", "charge", 4)],
    ),
    "kotlin: a coroutine's class": (
        [("Cart.kt", "shop.Cart$total$1", "invokeSuspend", 12)],
        [("Cart.kt", "shop.Cart$total$2", "invokeSuspend", 14)],
    ),
    "go: closures are numbered": (
        [("cart/cart.go", "example.com/shop/cart", "(*Cart).Total.func1", 12)],
        [("cart/cart.go", "example.com/shop/cart", "(*Cart).Total.func2.1", 14)],
    ),
    "c#: an async method and its machine": (
        [("Cart.cs", "Shop.Cart+<Total>d__4", "MoveNext", 12)],
        [("Cart.cs", "Shop.Cart+<Total>d__7", "MoveNext", 12)],
    ),
    "rust: the hash of a symbol": (
        [("src/cart.rs", None, "shop::cart::total::h0123456789abcdef", 12)],
        [("src/cart.rs", None, "shop::cart::total::hfedcba9876543210", 12)],
    ),
    "rust: a closure": (
        [("src/cart.rs", None, "shop::cart::total::{{closure}}", 12)],
        [("src/cart.rs", None, "shop::cart::total", 12)],
    ),
    "ruby: a block": (
        [("app/models/cart.rb", None, "block (2 levels) in total", 12)],
        [("app/models/cart.rb", None, "block in total", 12)],
    ),
    "php: an anonymous class": (
        [("/var/www/html/src/Cart.php", None, "class@anonymous\0/x/Cart.php:12$0::total", 12)],
        [("/var/www/html/src/Cart.php", None, "class@anonymous\0/y/Cart.php:19$3::total", 19)],
    ),
    "php: a compiled view": (
        [(f"{VIEWS}/4f2ab1c94f2ab1c94f2ab1c94f2ab1c94f2ab1c9.php", None, "render", 12)],
        [(f"{VIEWS}/9d0c77ab9d0c77ab9d0c77ab9d0c77ab9d0c77ab.php", None, "render", 12)],
    ),
    "objective-c: a block": (
        [("Cart.m", None, "__21-[Cart total:]_block_invoke", 12)],
        [("Cart.m", None, "__21-[Cart total:]_block_invoke.34", 14)],
    ),
    "swift: a closure": (
        [("Cart.swift", None, "closure #1 in Cart.total()", 12)],
        [("Cart.swift", None, "closure #2 in Cart.total()", 14)],
    ),
    "c++: overloads and clones of the compiler": (
        [("cart.cpp", None, "shop::Cart::total(int, char const*)", 12)],
        [("cart.cpp", None, "shop::Cart::total(int, char const*) [clone .cold]", 14)],
    ),
    "a recursion breaks in any of its turns": (
        [
            ("shop/tree.py", None, name, 1)
            for name in ["walk", "visit", "walk", "visit", "walk", "visit"]
        ],
        [
            ("shop/tree.py", None, name, 1)
            for name in ["visit", "walk", "visit", "walk", "visit", "walk"]
        ],
    ),
}  # fmt: skip

ONE_ISSUE |= {
    "clojure: an evaluated form": (
        [("NO_SOURCE_FILE", "user$eval1234", "invoke", 1)],
        [("NO_SOURCE_FILE", "user$eval1301", "invoke", 1)],
    ),
    "groovy: a closure": (
        [("Cart.groovy", "shop.Cart$_total_closure1", "doCall", 1)],
        [("Cart.groovy", "shop.Cart$_total_closure12", "doCall", 1)],
    ),
    "ruby: a compiled view": (
        [("app/views/show.html.erb", None, "_app_views_show_html_erb__3327_70361", 1)],
        [("app/views/show.html.erb", None, "_app_views_show_html_erb___128_4691", 1)],
    ),
    "ruby: a haml view": (
        [("app/views/show.html.haml", None, "_app_views_show_html_haml__3327_70361", 1)],
        [("app/views/show.html.haml", None, "_app_views_show_html_haml__12_4", 1)],
    ),
    "ruby: the number of a callback": (
        [("app/models/cart.rb", None, "_conditional_callback_around_233", 1)],
        [("app/models/cart.rb", None, "_conditional_callback_around_19", 1)],
    ),
    "ruby 3.4 names the class": (
        [("app/models/cart.rb", None, "block in Shop::Cart#total", 1)],
        [("app/models/cart.rb", None, "total", 1)],
    ),
    "c#: a lambda compiled at run time": (
        [(None, "Shop.Cart", "lambda_method", 1)],
        [(None, "Shop.Cart", "lambda_method217", 1)],
    ),
    "c++: an anonymous namespace of msvc": (
        [("cart.cpp", None, "?A0xc3a0617d::total", 1)],
        [("cart.cpp", None, "?A0x1b2c3d4e::total", 1)],
    ),
    "native: a module in another folder": (
        [(None, "C:\\Users\\ada\\Shop\\app-2.4.1\\shop.dll", "total", 1)],
        [(None, "D:\\Games\\Shop\\app-2.4.3\\shop.dll", "total", 1)],
    ),
    "airflow: the prefix of a file": (
        [("/opt/airflow/dags/a.py", "unusual_prefix_4f2ab1c9_orders", "total", 1)],
        [("/opt/airflow/dags/a.py", "unusual_prefix_9d0c77ab_orders", "total", 1)],
    ),
    "firefox: an async function": (
        [("webpack:///./src/cart.ts", None, "async*total", 1)],
        [("webpack:///./src/cart.ts", None, "total", 1)],
    ),
    "angular: a hashed script": (
        [
            ("https://shop.example/main-OHTSHEWT.js", None, "Xo", 1),
            ("https://shop.example/main-OHTSHEWT.js", None, "renderCart", 1),
        ],
        [
            ("https://shop.example/main-UW43NQJB.js", None, "t.e", 1),
            ("https://shop.example/main-UW43NQJB.js", None, "renderCart", 1),
        ],
    ),
    "sveltekit: a hashed chunk": (
        [("https://shop.example/_app/immutable/chunks/hinKGFw3.js", None, "total", 1)],
        [("https://shop.example/_app/immutable/chunks/i9ohS91k.js", None, "total", 1)],
    ),
    "sveltekit: a hashed page": (
        [("https://shop.example/_app/immutable/nodes/3.Q14TuMt-.js", None, "total", 1)],
        [("https://shop.example/_app/immutable/nodes/3.UdP0Ttiu.js", None, "total", 1)],
    ),
    "nuxt: a hashed script": (
        [("https://shop.example/_nuxt/BxQ9k2Lz.js", None, "total", 1)],
        [("https://shop.example/_nuxt/CkzQWxBm.js", None, "total", 1)],
    ),
    "a numbered release": (
        [("/var/www/shop/releases/694/orders/main.go", None, "total", 1)],
        [("/var/www/shop/releases/7/orders/main.go", None, "total", 1)],
    ),
    "nix": (
        [("/nix/store/b7f3bby8-shop-1.72.0/lib/main.go", None, "total", 1)],
        [("/nix/store/9ls3w0fy-shop-1.36.0/lib/main.go", None, "total", 1)],
    ),
    "a build machine and a container": (
        [("/home/runner/work/shop/shop/orders/main.go", None, "total", 1)],
        [("/app/orders/main.go", None, "total", 1)],
    ),
    "a file as a URL": (
        [("file:///srv/shop/dist/orders/cart.js", None, "total", 1)],
        [("/srv/shop/dist/orders/cart.js", None, "total", 1)],
    ),
}

ONE_ISSUE |= {
    name: ([(file, module, one, 1)], [(file, module, other, 1)])
    for name, file, module, one, other in (
        ("scala adapted", "Cart.scala", "shop.Cart", "$anonfun$total$1$adapted", "total"),
        ("c# captured", "Cart.cs", "Cart", "<>c__DisplayClass5_0.<Total>b__0", "<>c.<Total>b__3_1"),
        (
            "c++ lambdas",
            "cart.cpp",
            None,
            "Cart::total(int)::{lambda(int)#1}::operator()(int) const",
            "Cart::total()::{lambda()#2}::operator()() const",
        ),
        ("babel's generators", "src/cart.js", None, "_callee$", "_callee2$"),
        ("qualified comprehensions", "cart.py", None, "total.<locals>.<listcomp>", "total"),
        ("qualified lambdas", "cart.py", None, "Cart.total.<locals>.<lambda>", "Cart.total"),
    )
}
ONE_ISSUE |= {
    f"module {one}": ([("Cart", one, "total", 1)], [("Cart", other, "total", 1)])
    for one, other in (
        ("shop.Cart$HibernateProxy$abcd1234", "shop.Cart$HibernateProxy$zzzz9999"),
        ("shop.Cart$ByteBuddy$abcd1234", "shop.Cart$ByteBuddy$zzzz9999"),
        ("shop.Cart_$$_jvst1a2_0", "shop.Cart_$$_jvst9f_3"),
        ("shop.Cart_ClientProxy", "shop.Cart"),
        ("shop.cart$total$fn__123", "shop.cart$total$fn__987"),
    )
}
ONE_ISSUE |= {
    f"file {one}": ([(one, None, "total", 1)], [(other, None, "total", 1)])
    for one, other in (
        ("blob:https://a.example/0b989ba4-242f-11e5", "blob:https://a.example/1b989ba4-242f-11e5"),
        ("/build/source/shop/cart.go", "/app/shop/cart.go"),
        (
            "/data/app/~~4f2a==/a.shop-Xk29==/lib/cart.so",
            "/data/app/~~9d0c==/a.shop-aB3d==/lib/cart.so",
        ),
    )
}

TWO_ISSUES: dict[str, tuple[Trace, Trace]] = {
    "files of one name in two folders of a project": (
        [("/var/www/html/modules/orders/import.php", None, "import_rows", 12)],
        [("/var/www/html/modules/users/import.php", None, "import_rows", 12)],
    ),
    "jobs of two engines": (
        [("/srv/shop/engines/billing/app/jobs/sync_job.rb", None, "perform", 12)],
        [("/srv/shop/engines/crm/app/jobs/sync_job.rb", None, "perform", 12)],
    ),
    "groovy closures of one class": (
        [("Cart.groovy", "shop.Cart$_total_closure1", "doCall", 1)],
        [("Cart.groovy", "shop.Cart$_remove_closure1", "doCall", 1)],
    ),
    "scripts that are named like a hash": (
        [("https://shop.example/assets/cartView.js", None, "total", 1)],
        [("https://shop.example/assets/userView.js", None, "total", 1)],
    ),
    "raised through one shared helper": (
        [*HELPER, ("shop/cart.py", None, "total", 12)],
        [*HELPER, ("shop/mail.py", None, "send", 12)],
    ),
    "functions of one file": (
        [("shop/cart.py", None, "total", 12)],
        [("shop/cart.py", None, "add", 12)],
    ),
    "files of one name in different packages": (
        [("orders/views.py", "orders.views", "get", 12)],
        [("users/views.py", "users.views", "get", 12)],
    ),
    "handlers of one name on a machine": (
        [("/var/task/orders/handler.py", None, "handler", 12)],
        [("/var/task/users/handler.py", None, "handler", 12)],
    ),
    "scripts of one name straight in where machines keep applications": (
        [("/srv/main.py", None, "total", 12)],
        [("/opt/main.py", None, "total", 12)],
    ),
    "classes of one package": (
        [("Cart.java", "shop.Cart", "total", 12)],
        [("Order.java", "shop.Order", "total", 12)],
    ),
    "bundles of one site": (
        [("https://shop.example/static/js/main.4f2ab1c9.js", None, "Zr", 1)],
        [("https://shop.example/static/js/checkout.4f2ab1c9.js", None, "Zr", 1)],
    ),
    "names that a minifier left": (
        [("https://shop.example/static/js/main.4f2ab1c9.js", None, "t.checkoutTotal", 1)],
        [("https://shop.example/static/js/main.4f2ab1c9.js", None, "t.removeCoupon", 1)],
    ),
    "methods of different go types": (
        [("cart/cart.go", "example.com/shop/cart", "(*Cart).Total", 12)],
        [("cart/cart.go", "example.com/shop/cart", "(*Order).Total", 12)],
    ),
    "async methods of one class": (
        [("Cart.cs", "Shop.Cart+<Total>d__4", "MoveNext", 12)],
        [("Cart.cs", "Shop.Cart+<Remove>d__5", "MoveNext", 12)],
    ),
    "coroutines of one class": (
        [("Cart.kt", "shop.Cart$total$1", "invokeSuspend", 12)],
        [("Cart.kt", "shop.Cart$remove$1", "invokeSuspend", 12)],
    ),
}


@pytest.mark.parametrize("pair", ONE_ISSUE.values(), ids=ONE_ISSUE)
@pytest.mark.parametrize("in_app", [True, None])
def test_these_traces_are_one_issue(pair: tuple[Trace, Trace], in_app: bool | None) -> None:
    one, other = pair
    assert key(of_trace(one, in_app)) == key(of_trace(other, in_app))


@pytest.mark.parametrize("pair", TWO_ISSUES.values(), ids=TWO_ISSUES)
@pytest.mark.parametrize("in_app", [True, None])
def test_these_traces_are_two_issues(pair: tuple[Trace, Trace], in_app: bool | None) -> None:
    one, other = pair
    assert key(of_trace(one, in_app)) != key(of_trace(other, in_app))


def test_the_message_does_not_count_where_there_are_frames() -> None:
    assert key(builders.event(message="a")) == key(builders.event(message="b"))


def test_minified_frames_without_a_name_are_told_apart_by_the_message() -> None:
    trace: Trace = [("https://shop.example/static/js/main.4f2ab1c9.js", None, "Zr", 1)]
    one = of_trace(trace, message="cannot read 'total' of undefined")
    assert key(one) != key(of_trace(trace, message="queue is full"))


@pytest.mark.parametrize(
    "change",
    [
        {"exception_type": "KeyError"},
        {"service": "mail"},
        {"environment": "staging"},
        {"fingerprint": "payment-provider"},
    ],
)
def test_type_service_environment_and_a_given_fingerprint_part_issues(
    change: dict[str, Any],
) -> None:
    assert key(builders.event(**change)) != key(builders.event())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("#<Class:0x00007f3a>::NotFound", "#<Class:0x00007f3b>::NotFound"),
        ("Failed@anonymous/srv/7/a.php:12$0", "Failed@anonymous/srv/8/a.php:14$1"),
    ],
)
def test_where_a_class_without_a_name_was_made_does_not_count(one: str, other: str) -> None:
    for trace in ([builders.frame()], []):
        keys = {
            key(builders.event(exception_type=name, stacktrace=trace))
            for name in (one, other, "Other")
        }
        assert len(keys) == 2


def test_a_given_fingerprint_replaces_ours() -> None:
    one = builders.event(fingerprint="payment-provider")
    other = builders.event(fingerprint="payment-provider", exception_type="KeyError", stacktrace=[])
    assert key(one) == key(other)
    assert key(one) != key(builders.event(fingerprint="payment-provider", service="mail"))


def raised_from(root: Trace, *link: tuple[str, str], in_app: bool = True) -> Event:
    """An error of a library or of ours, and what one caller raised from it."""
    frames = [builders.frame(file, function) for file, function in link]
    chain = [ChainedException("CheckoutFailed", "no", frames)]
    return of_trace(root, in_app, chain=chain)


LIBRARY: Trace = [("sqlalchemy/engine/default.py", "sqlalchemy.engine.default", "do_execute", 9)]


@pytest.mark.parametrize(("root", "in_app"), [(LIBRARY, False), (HELPER, True)])
def test_the_trace_of_a_root_cause_goes_on_with_what_was_raised_from_it(
    root: Trace, in_app: bool
) -> None:
    """In Python, it ends where the error was caught."""
    one = raised_from(root, ("shop/cart.py", "total"), in_app=in_app)
    assert key(one) == key(raised_from(root, ("shop/cart.py", "total"), in_app=in_app))
    assert key(one) != key(raised_from(root, ("shop/mail.py", "send"), in_app=in_app))


def test_a_root_cause_with_enough_callers_is_keyed_by_them_alone() -> None:
    whole: Trace = [(f"shop/a{number}.py", None, "f", 1) for number in range(4)]
    assert key(raised_from(whole, ("shop/cart.py", "total"))) == key(of_trace(whole))


def test_a_frame_that_both_traces_have_counts_once() -> None:
    both = ("shop/http.py", "call")
    caught: Trace = [("shop/http.py", None, "get", 3), ("shop/http.py", None, "call", 9)]
    with_caller: Trace = [*caught, ("shop/cart.py", None, "total", 2)]
    assert key(raised_from(caught, both, ("shop/cart.py", "total"))) == key(of_trace(with_caller))


def test_errors_of_libraries_alone_are_told_apart_by_the_library() -> None:
    other: Trace = [("urllib3/connection.py", "urllib3.connection", "_new_conn", 9)]
    assert key(of_trace(LIBRARY, False)) == key(of_trace(LIBRARY, False, message="other"))
    assert key(of_trace(LIBRARY, False)) != key(of_trace(other, False))


def test_a_logged_message_is_keyed_by_its_template() -> None:
    def logged(message: str, template: str) -> Event:
        return of_trace([], message=message, message_template=template)

    one = logged("Mail to ada failed", "Mail to %s failed")
    assert key(one) == key(logged("Mail to grace failed", "Mail to %s failed"))
    assert key(one) != key(logged("Mail to ada failed", "%s to %s failed"))


def test_a_root_cause_without_a_trace_is_keyed_by_the_first_trace_of_its_chain() -> None:
    outer = ChainedException("CheckoutFailed", "no", [builders.frame("shop/api.py", "post")])
    other = ChainedException("CheckoutFailed", "no", [builders.frame("shop/api.py", "put")])
    one = builders.event(stacktrace=[], chain=[outer])
    assert key(one) == key(builders.event(stacktrace=[], chain=[outer], message="other"))
    assert key(one) != key(builders.event(stacktrace=[], chain=[other]))


def test_a_simulation_is_an_issue_of_its_own_each_time() -> None:
    event = builders.event(unique=True)
    assert key(event, seq=1) != key(event, seq=2)
    assert key(event, seq=1) != key(builders.event(), seq=1)


def test_four_frames_count_and_those_beyond_them_do_not() -> None:
    near: Trace = [("shop/cart.py", None, f"f{number}", 1) for number in range(4)]
    far: Trace = [("shop/app.py", None, "main", 1)]
    assert key(of_trace(near)) == key(of_trace(near + far))
    assert key(of_trace(near)) != key(of_trace(near[:3] + far))


def test_the_rules_have_not_changed_without_a_new_version() -> None:
    """If this fails, raise `RULES_VERSION`: stored issues have the keys of the old rules."""
    assert RULES_VERSION == 4
    assert [
        key(builders.event()),
        key(of_trace([("https://x.example/assets/Cart-BxQ9k2Lz.js", None, "Object.total", 1)])),
        key(of_trace([("Cart.kt", "shop.Cart$total$1", "invokeSuspend", 12)])),
        key(of_trace([], message="user 1234 not found")),
        key(builders.event(fingerprint="payment-provider")),
    ] == [
        "3d224ede87a1665327cc7d956dc4d456",
        "f88ae59513ac49507706cb29bc799757",
        "3fde4a76165dbe945b806e021ff5849d",
        "6e33c31014b42ed68627ff6b3e7e405f",
        "9293398228c776cb0330ccf4a6129996",
    ]


NAMES = st.one_of(st.none(), st.text(max_size=40))


@given(st.lists(st.tuples(NAMES, NAMES, NAMES), max_size=6), st.text(min_size=1))
def test_any_frames_have_a_key(trace: list[tuple[str, str, str]], message: str) -> None:
    usable = [names for names in trace if any(names)]
    event = of_trace([(*names, 1) for names in usable], message=message)
    assert len(key(event)) == 32
    assert key(event) == key(event)


@given(
    st.lists(
        st.sampled_from(
            (
                *("pay", ".", "_", "9", "_12", "func1", "isra", "cold", "block_invoke", "callback"),
                *("gowrap3", "lambda_method", "erb", "__7_8", "DynamicClass", "é", "part"),
            )
        ),
        min_size=1,
        max_size=8,
    ).map("".join)
)
def test_a_plain_name_is_what_trying_all_shells_leaves_of_it(name: str) -> None:
    frame_name.cache_clear()
    quickly = frame_name("shop/cart.py", None, name)
    frame_name.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "_is_plain", lambda _: False)
        assert frame_name("shop/cart.py", None, name) == quickly
