"""Codes are one closed list for server and engine."""

import msgspec

from shared.decisions import Code
from shared.pipe import Decision, decode_outbound, encode_lines


def test_a_code_that_is_not_known_is_other_and_its_numbers_are_kept() -> None:
    line = b'{"type":"decision","seq":7,"code":"mused","numbers":{"depth":2}}'
    assert decode_outbound(line) == Decision(7, Code.OTHER, None, {"depth": 2})


def test_each_code_is_its_name_on_the_pipe() -> None:
    for code in Code:
        line = encode_lines([Decision(1, code)])
        assert msgspec.json.decode(line)["code"] == code.value == code.name.lower()
        assert decode_outbound(line.strip()) == Decision(1, code)
