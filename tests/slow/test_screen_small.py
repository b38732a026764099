"""Small screens: what a person must know stays in sight on 10 rows, and on 40 columns."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.played import played_hub
from tests.harness.terminals import Tty, client

REFUSED = "not sent: 4097 bytes, at most 4096"


def seen(tty: Tty, text: str) -> bool:
    """Return whether `text` is on the screen now, its scrollback left out."""
    return any(text in row for row in tty.screen.display)


class TenRows(SynchronousTestCase):
    """A terminal of 10 rows."""

    def test_a_refused_line(self) -> None:
        """A line that fills the screen is refused in sight, until it fits."""
        for columns in (40, 80):
            with played_hub() as played, client("127.0.0.1", played.port, columns=columns, rows=10) as tty:
                played.welcome()
                tty.until("with bob")
                tty.type("x" * 4097)
                tty.settle()
                tty.type("\r")
                tty.until(lambda tty=tty: seen(tty, REFUSED))  # type: ignore[misc]
                tty.type("\x7f")
                tty.until(lambda tty=tty: not seen(tty, REFUSED))  # type: ignore[misc]
                tty.type("\r")
                self.assertEqual(played.hear()["text"], "x" * 4096)

    def test_a_refused_line_in_plain(self) -> None:
        """With `--plain` the refusal stands above the end of the line, and the rest of it isn't written again."""
        with played_hub() as played, client("127.0.0.1", played.port, "--plain", columns=40, rows=10) as tty:
            played.welcome()
            tty.until("with bob")
            tty.type("x" * 4096 + "é")
            tty.settle()
            tty.type("\r")
            tty.until(lambda: seen(tty, "not sent: 4098 bytes") and tty.typed_row().startswith("…x"))
            tty.type("\x7f\r")
            self.assertEqual(played.hear()["text"], "x" * 4096)

    def test_a_refused_paste(self) -> None:
        """A paste with a line that is too long goes nowhere, waits under its question, and is dropped by Esc."""
        with played_hub() as played, client("127.0.0.1", played.port, columns=40, rows=10) as tty:
            played.welcome()
            tty.until("with bob")
            tty.paste("one\n" + "x" * 4097 + "\nthree")
            tty.until("3 lines: [S]end")
            tty.type("s")
            tty.until(lambda: seen(tty, REFUSED) and seen(tty, "3 lines: [S]end"))
            tty.type("\x1b")
            tty.until(lambda: seen(tty, "connected") and not seen(tty, "[S]end"))
            tty.type("next\r")
            self.assertEqual(played.hear()["text"], "next")


class Lines(SynchronousTestCase):
    """The line that is being typed."""

    def test_drawn_anew(self) -> None:
        """With characters that join into one picture, whose width no terminal tells, it is drawn as a whole at each key."""
        family = "👩\u200d👩\u200d👧"
        with played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome()
            tty.until("with bob")
            for typed, is_whole in ((f"{family} one two", True), ("plain one two", False)):
                tty.type(typed)
                tty.settle()
                before = len(tty.raw)
                tty.type("\x7f\x7f")
                tty.until(lambda before=before: len(tty.raw) > before)  # type: ignore[misc]
                tty.settle()
                self.assertEqual(f"> {typed[:-2]}".encode() in tty.raw[before:], is_whole, tty.raw[before:])
                tty.type("\x15")
                tty.settle()
            self.assertEqual(tty.typed_row(), ">")

    def test_the_whole_line(self) -> None:
        """^U deletes the line as `/help` says, also behind the cursor."""
        with played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome()
            tty.until("with bob")
            tty.type("one two")
            tty.until("> one two")
            tty.type("\x1b[D\x1b[D\x1b[D\x15three\r")
            self.assertEqual(played.hear()["text"], "three")
