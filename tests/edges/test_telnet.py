"""Telnet's commands are taken out of the text, and its lines get newlines, however the packets cut them."""

from __future__ import annotations

import time
from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.edges.telnet import Telnet, speaks_telnet
from tests.harness.inputs import HOSTILE, PROPERTY

CONTROL_C = b"\xff\xf4\xff\xfd\x06"
"""What telnet sends for ^C: interrupt process, and DO TIMING-MARK."""
WONT_TIMING_MARK = b"\xff\xfc\x06"

FLOODS = [
    *(b"\xff\xf1", b"\xff\xfd\x06", b"\xff\xfa" + b"x" * 4095, b"\xff\xfa", b"\xff", b"\xff\xff\xfa", b"\xff\xfaxx\xff"),
    *(b"\xff\xfd\xff\xff\xfa", b"\xff\xfa" + b"\xff\xff" * 50 + b"\xff\xf1", b"\xff\xf1a", b"\r", b"\r\0", b"\xffa"),
]
"""What one end could send without end: commands, questions, options that never end, and bytes that are nearly one."""


def strip(*packets: bytes) -> tuple[bytes, bytes]:
    """Return the text of all packets and all answers."""
    telnet = Telnet()
    texts, answers = zip(*map(telnet.strip, packets))
    return b"".join(texts), b"".join(answers)


def _seconds_of(data: bytes) -> float:
    telnet = Telnet()
    before = time.process_time()
    telnet.strip(data)
    return time.process_time() - before


class Stripping(SynchronousTestCase):
    """What is left is the text, and one question is answered."""

    def test_f8_control_c_is_answered(self) -> None:
        """telnet shows nothing more after ^C until it hears WONT TIMING-MARK (F8)."""
        self.assertEqual(strip(b"a" + CONTROL_C + b"b\n"), (b"ab\n", WONT_TIMING_MARK))

    def test_negotiations_and_subnegotiations_go(self) -> None:
        """WILL, WONT, DO and DONT take an option; SB takes all to its SE; other commands stand alone."""
        for command in (b"\xff\xfb\x01", b"\xff\xfc\x01", b"\xff\xfd\x01", b"\xff\xfe\x01", b"\xff\xf1", b"\xff\xff"):
            self.assertEqual(strip(b"a" + command + b"b\n"), (b"ab\n", b""), command)
        self.assertEqual(strip(b"a\xff\xfa\x18\x00VT100\n\xff\xf0b\n"), (b"ab\n", b""))

    def test_an_iac_that_begins_no_command_is_text(self) -> None:
        """0xFF before anything below 240 is a stray byte (Latin-1's \u00ff), and the newline behind it stands."""
        self.assertEqual(strip(b"a\xff\nb\n"), (b"a\xff\nb\n", b""))

    def test_an_option_without_end_is_no_option(self) -> None:
        """4096 bytes of a subnegotiation are waited for; after one more, what came of it is text, and what follows."""
        self.assertEqual(strip(b"\xff\xfa" + b"x" * 4096, b"\xff\xf0a\n"), (b"a\n", b""))
        text, _ = strip(b"\xff\xfa" + b"x" * 4097, b"\xff\xf0a\n")
        self.assertEqual(text, b"x" * 4097 + b"a\n")

    def test_a_doubled_iac_in_an_option(self) -> None:
        """A subnegotiation doubles each 255 in it: a window of 255 columns, of 65,535, and the same in other options."""
        for option in (b"\x1f\x00\xff\xff\x00\x18", b"\x1f" + b"\xff" * 8, b"\x18\x00\xff\xff\xf0", b"\xff\xff"):
            negotiation = b"\xff\xfa" + option + b"\xff\xf0"
            for cut in range(len(negotiation)):
                self.assertEqual(strip(b"a" + negotiation[:cut], negotiation[cut:] + b"b\n"), (b"ab\n", b""), (option, cut))

    def test_an_option_that_another_command_breaks_off(self) -> None:
        """It is none: its first two bytes go, and what was in it is text."""
        self.assertEqual(strip(b"a\xff\xfa\x18x\xff\xf1b\n"), (b"a\x18xb\n", b""))

    def test_ends_of_lines(self) -> None:
        """CR NUL, CR LF and a CR alone each end a line once, wherever the packets cut them; a lone LF does, too."""
        for end in (b"\r\0", b"\r\n", b"\r", b"\n"):
            said = b"one" + end + b"two" + end + end + b"three" + end
            for cut in range(len(said)):
                self.assertEqual(strip(said[:cut], said[cut:]), (b"one\ntwo\n\nthree\n", b""), (end, cut))
        self.assertEqual(strip(b"one\r", b"\xff\xf1", b"\xff", b"\xf1\0two\r"), (b"one\ntwo\n", b""))

    def test_a_line_is_whole_at_its_cr(self) -> None:
        """Who types in character mode is heard at once, and not only with the next key."""
        self.assertEqual(Telnet().strip(b"one\r")[0], b"one\n")

    def test_who_speaks_telnet(self) -> None:
        """A command shows it, and so does the CR NUL of character mode; text with CRs doesn't."""
        self.assertTrue(speaks_telnet(b"hi\r\0") and speaks_telnet(b"a\xff\xf1"))
        self.assertFalse(speaks_telnet(b"one\r\ntwo\rthree\r"))

    def test_packets_change_nothing(self) -> None:
        """Wherever the bytes are cut, the text and the answers are the same: all of five bytes that telnet means."""
        for data in map(bytes, product((255, 250, 240, 253, 6, 13, 0), repeat=5)):
            whole = strip(data, b".")
            for cut in range(1, 5):
                self.assertEqual(strip(data[:cut], data[cut:], b"."), whole, (data, cut))

    @given(HOSTILE, st.lists(st.integers(0, 60), max_size=4))
    @PROPERTY
    def test_many_packets_change_nothing(self, data: bytes, cuts: list[int]) -> None:
        """The same of longer inputs in up to five packets."""
        edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        packets = [data[start:end] for start, end in zip(edges, edges[1:])]
        self.assertEqual(strip(*packets, b"."), strip(data, b"."))

    def test_a_flood_costs_linear_time(self) -> None:
        """Sixteen times as much of commands, of questions or of options that never end is far from 256 times the work."""
        for flood in FLOODS:
            times = []
            for size in (64 * 1024, 1024 * 1024):
                data = (flood * (size // len(flood) + 1))[:size]
                times.append(min(_seconds_of(data) for _ in range(5)))
            self.assertLess(times[1], 64 * max(times[0], 5e-4), flood[:3])

    @given(HOSTILE)
    @PROPERTY
    def test_text_without_commands_is_untouched(self, data: bytes) -> None:
        """Bytes without IAC and CR are all text."""
        data = data.replace(b"\xff", b"").replace(b"\r", b"")
        self.assertEqual(strip(data), (data, b""))
