"""Inputs are what properties are tried with: bytes such as strangers send, the same ones on every run.

Nothing here knows what is being proved.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

PROPERTY = settings(
    deadline=None, derandomize=True, database=None, max_examples=200, suppress_health_check=list(HealthCheck)
)
"""How a property is tried: the same inputs on every run, and no clock."""

FRAGMENTS = [
    *(bytes((c,)) for c in (*range(32), 127, 0x80, 0x9B, 0xC2, 0xC3, 0xE2, 0xF0, 0xFF)),
    *(b"\n", b"\r\n", b"\n\n", b"\x1b[2J", b"\x1b]0;x\x07", b"\xc2\x9b6n", b"\xe2\x80\xae", b"\xe2\x80", b"\xa8"),
    *(
        "\x85\u2028\u2029\u2066h\u00e9\u200d\U0001f600\u0301\u3000\ud7ff".encode(),
        b"\xed\xa0\x80",
        b"\xff\xf4",
        b"\xff\xfd\x06",
    ),
    *(
        b"/",
        b"//",
        b"/quit",
        b"/nick ",
        b"/join tea",
        b"/msg ann ",
        b"exit",
        b"Bye",
        b"-!- ",
        b"{log_source.secret}",
        b"%s",
    ),
    *(b'{"verb": "say", "text": "', b'"}', b'{"chatterbox": 1}', b"\\u0007", b"\\ud800", b"[" * 50, b"1e999"),
]
"""Controls, broken UTF-8, and pieces of commands, of JSON, of escape sequences and of telnet."""
HOSTILE = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=9)), max_size=30).map(b"".join)
"""Bytes such as strangers send."""
