"""Pairs of messages without a trace that must be one issue, and pairs that must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.stack.error_codes import with_codes, without_codes
from engine.stack.messages import MAX_CHARACTERS, blanked
from tests.engine.traces import key, of_trace

SAME_TEXT = [
    ("user 1234 not found", "user 98 not found"),
    ("order 0f3e2a1b-1111-4222-8333-444455556666", "order 9f3e2a1b-1111-4222-8333-aaaa55556666"),
    ("connection to 10.0.3.7:5432 refused", "connection to 10.0.9.12:5433 refused"),
    ("connection to [2001:db8::1]:5432 refused", "connection to [2001:db8::ff]:5432 refused"),
    ("object at 0x7f3a2c001a90 is gone", "object at 0x7f3a2c0fffff is gone"),
    ("took 12.5 s at 2025-03-04T09:00:00Z", "took 3 s at 2025-03-05 10:11:12.345+01:00"),
    ("mail to ada@example.com failed", "mail to bob.b@shop.example failed"),
    ("GET https://a.example/users/12?x=1 failed", "GET https://b.example/users/99 failed"),
    ("commit 4f2ab1c9d0 not found", "commit 9d0c77ab12 not found"),
    ("session sk1_aZ93kdLq02LsPq81mNw expired", "session sk1_bY81jfMr92KtWx63oPz expired"),
    ("Java object shop.Cart@4f2ab1c", "Java object shop.Cart@19d0c77"),
    ("broken\ndump of request 1", "broken\nquite another dump"),
    ("mail was refused (7tRk2Vq9wLx4BnZc)", "mail was refused (Qm3h8Yd61sVjTa0e)"),
    ("No such customer: cus_PeJ4BC7rvhgfdh", "No such customer: cus_Q4dgoa0YsUwEno"),
    ("job k3x9p2mq is lost", "job z8v4b7nd is lost"),
    ("session aGVsbG8gd29 expired", "session Zm9vYmFyQmF expired"),
    ("WHERE id IN (1, 2, 3) timed out", "WHERE id in (4) timed out"),
    ("WHERE name IN ('a', 'b') timed out", "WHERE name IN ($1, $2, $3) timed out"),
    ("no rate for [1, 2]", "no rate for [3, 4, 5, 6]"),
    ("cannot read '/tmp/tmpnvtui9tq/a.csv'", "cannot read '/tmp/tmpmrz2aocy/a.csv'"),
    ("cannot read C:\\Temp\\x1\\a.csv", "cannot read C:\\Temp\\other\\a.csv"),
    ("user 'Ada Lovelace' has no address", "user 'Grace' has no address"),
    ('Unknown tenant: "acme"', 'Unknown tenant: "globex"'),
    ("[worker-3] died", "[worker-12] died"),
    ("pool-2-thread-17 is stuck", "pool-11-thread-3 is stuck"),
    ("balance is -3", "balance is -12.5"),
    ("x is 1.5e-7", "x is 3"),
    ("epoch 1700000000.123", "epoch 1800000000"),
    ("cannot load /js/123.4f2ab1c9.js", "cannot load /js/77.9d0c77ee.js"),
    ("no session sess_4db3a8", "no session sess_99ffb1"),
    ("no commit 4db3a8f_x", "no commit 99ffb1c_x"),
    ("com.acme.Cart@7f33aa is closed", "com.acme.Cart@1b2 is closed"),
    ("fe80::1 is down", "2001:db8::dead:2 is down"),
    ("down since Mon Nov 30 10:00:00 2026", "down since Tue Dec 1 11:22:33 2026"),
    ("at 30/Nov/2026:10:00:00 +0000", "at 01/Dec/2026:11:22:33 +0200"),
    ("at 30 November 2026", "at 2026-12-01"),
    ("gave up after 1m30.5s", "gave up after 500ms"),
    ("1.5 GiB is too much", "512MB is too much"),
    ("Missing fields: name, mail, phone", "Missing fields: phone and mail"),
    ("promo code 12345 has expired", "promo code 777 has expired"),
    ("wrong code 4711", "wrong code 815"),
    ("code 123456 was sent", "code 654321 was sent"),
    ("error 3 of 10", "error 4 of 12"),
    ("ORD-12345: unpaid", "ORD-777: unpaid"),
    ("Error: 42 carts", "Error: 7 carts"),
    ("bad eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.a-B", "bad eyJhbGciOiJIUzI1NiJ9.eyJhdWQi.z"),
]  # fmt: skip

OTHER_TEXT = [
    ("user not found", "order not found"),
    ("Request failed with status code 404", "Request failed with status code 500"),
    ("HTTP 502 from payments", "HTTP 504 from payments"),
    ("payments: error_code=404", "payments: error_code=500"),
    ("Error: timeout, retrying", "Error: refused, retrying"),
    ("Missing fields: name", "Missing fields: phone"),
    ("exit code 1", "exit code 137"),
    ("killed by signal 9", "killed by signal 11"),
    ("[Errno 111] refused", "[Errno 113] refused"),
    ("ORA-00942: carts", "ORA-01017: carts"),
    ("TS2304: carts", "TS2305: carts"),
    ("SQLSTATE[42P01]: carts", "SQLSTATE[42703]: carts"),
    ("(1062, 'carts')", "(1045, 'carts')"),
    ("MySQL error 1062: carts", "MySQL error 1045: carts"),
    ("Minified React error #418; carts", "Minified React error #31; carts"),
    ("NSURLErrorDomain Code=-1001", "NSURLErrorDomain Code=-1009"),
    ("failed with 0x80070005", "failed with 0x80004005"),
    ("cannot read 'total' of undefined", "cannot read 'price' of undefined"),
    ("GET https://a.example/users/12 failed", "GET https://a.example/orders/12 failed"),
    ("queue is full", "queue is empty"),
    ('relation "carts" does not exist', 'relation "orders" does not exist'),
    ("upstream said 'connection refused'", "upstream said 'out of memory'"),
    ("module getUserById is missing", "module getOrderById is missing"),
    ("module dbConnPtrHndl is missing", "module txConnPtrHndl is missing"),
    ("sha256WithRsa is unknown", "sha512WithRsa2 is unknown"),
    ("column a IN (1) failed", "column b IN (1) failed"),
    ("Cart::Total is missing", "Cart::Price is missing"),
    ("you may not", "you march not"),
    ("decade is unknown", "facade is unknown"),
    ("mail for @ada", "mail for @bea"),
]


@pytest.mark.parametrize(("one", "other"), SAME_TEXT)
def test_generated_parts_of_a_message_make_no_other_issue(one: str, other: str) -> None:
    assert key(of_trace([], message=one)) == key(of_trace([], message=other))


@pytest.mark.parametrize(("one", "other"), OTHER_TEXT)
def test_messages_that_say_something_else_are_other_issues(one: str, other: str) -> None:
    assert key(of_trace([], message=one)) != key(of_trace([], message=other))


@pytest.mark.parametrize("piece", ["-1", "::", "1."])
def test_a_message_of_one_piece_over_and_over_holds_nothing_up(piece: str) -> None:
    """A pattern could try every way to cut it: some seconds for each, and minutes for all."""
    for length in range(1_000, 1_200):
        text = piece * (length // len(piece)) + "!"
        assert len(blanked(text)) <= MAX_CHARACTERS


PIECES = [
    "code ", "exit status ", "HTTP/1.1 ", "errno=", "error #", "SQLSTATE[", "promo ", "ORA-", "TS",
    "17", "404", "-32601", "42P01", "0005", "0x8007", "(", ", '", ": ", "]", "\ue000", " ",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30))
def test_the_codes_of_errors_come_back_as_they_were(pieces: list[str]) -> None:
    line = "".join(pieces)
    assert with_codes(*without_codes(line)) == line or "\ue000" in line
    assert len(blanked(line)) <= MAX_CHARACTERS
