"""A browser gets one frame of text for each line; what many browsers hear is framed once."""

from __future__ import annotations

from unittest import mock

from twisted.trial.unittest import SynchronousTestCase
from websockets.frames import Frame, Opcode

from chatterbox.edges import framing
from chatterbox.edges.framing import Framing
from tests.harness.browsers import HubForBrowsers


class Frames(SynchronousTestCase):
    """They are those of RFC 6455."""

    def test_as_the_library_makes_them(self) -> None:
        """Of every size at which the head of a frame changes, and beside others."""
        for size in (0, 1, 125, 126, 127, 65_535, 65_536, 70_000):
            lines = [b"x" * size, "é".encode(), b""]
            made = b"".join(Frame(Opcode.TEXT, line).serialize(mask=False, extensions=[]) for line in lines)
            self.assertEqual(Framing().of(b"".join(line + b"\n" for line in lines)), made)
        self.assertEqual(Framing().of(b""), b"")

    def test_once_for_all(self) -> None:
        """A block of 200 lines is 200 frames made for 20 browsers in one room, and each of them hears all."""
        hub = HubForBrowsers("ports")
        browsers = [hub.browser("/lobby", name=f"b{at}") for at in range(20)]
        nc = hub.nc()
        hub.wait(1)
        for browser in browsers:
            browser.heard()
        with mock.patch.object(framing, "_head", side_effect=framing._head) as made:
            nc.sends(b"".join(b"%d\n" % at for at in range(200)))
        self.assertEqual(made.call_count, 200)
        for browser in browsers:
            self.assertEqual([event["text"] for event in browser.heard()], [f"{at}" for at in range(200)])
