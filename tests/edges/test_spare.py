"""What a browser opens to spare, and says nothing on, takes nobody's seat; a silent `nc` has one as ever."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.edges.websocket import MOST_VISITORS, SPARE_PATIENCE
from tests.harness.browsers import HTML, UPGRADE, HubForBrowsers, reply_of, request


class Spare(SynchronousTestCase):
    """Chromium opens two connections for each page: the page comes over one, and nothing over the other."""

    def setUp(self) -> None:
        self.hub = HubForBrowsers()

    def test_it_takes_no_seat(self) -> None:
        """The room is empty, whichever of the two came first, and whether the page or its link is asked for."""
        for opens_first in (True, False):
            for headers in ({}, UPGRADE):
                if opens_first:
                    spare = self.hub.connects()
                used = self.hub.asks(request("/tea", **headers))
                if not opens_first:
                    spare = self.hub.connects()
                self.hub.wait(1)
                self.assertEqual((self.hub.rooms(), spare.heard(), spare.closed), ({}, b"", ""))
                spare.leaves()
                used.leaves()
        self.assertEqual(self.hub.leftovers(), [])

    def test_a_letter_is_not_given_to_it(self) -> None:
        """Where the order of coming decides, who comes next is the first."""
        hub = HubForBrowsers("order")
        hub.connects()
        hub.get("/")
        hub.wait(1)
        ann, bob = hub.nc("one"), hub.nc("two")
        self.assertEqual(ann.lines()[:2], ["Client X has connected.", "X: one received before Y: two"])
        self.assertEqual(bob.lines()[:2], ["Client Y has connected.", "X: one received before Y: two"])

    def test_it_is_used_later(self) -> None:
        """The page is asked for on it as on any other connection."""
        spare = self.hub.connects()
        self.hub.get("/tea")
        self.hub.wait(SPARE_PATIENCE / 2)
        spare.sends(request("/tea"))
        self.assertEqual(reply_of(spare).body, HTML)

    def test_an_nc_beside_a_browser(self) -> None:
        """What says anything has its seat at once; what says nothing for a minute is told so, and hung up on."""
        self.hub.get("/tea")
        ann, bob = self.hub.connects(), self.hub.connects()
        self.hub.wait(1)
        ann.says("hello?")
        self.assertEqual(self.hub.rooms(), {"lobby": ["guest-1"]})
        self.hub.wait(SPARE_PATIENCE - 1)
        self.assertEqual(bob.closed, "")
        self.hub.wait(1)
        self.assertEqual((bob.lines()[0].split(":")[0], bob.closed), ("-!- closed (idle)", "done"))
        self.assertEqual(self.hub.rooms(), {"lobby": ["guest-1"]})

    def test_a_session_beside_a_browser(self) -> None:
        """What has said hello is no spare connection, however long it says nothing after that."""
        self.hub.get("/tea")
        ann = self.hub.connects()
        ann.says('{"chatterbox": 1, "session": "%s", "try": 1, "room": "tea"}' % ("0" * 32))
        self.hub.wait(1)
        self.assertEqual(self.hub.rooms(), {"tea": ["guest-1"]})
        self.hub.wait(SPARE_PATIENCE / 2)
        self.assertFalse(next(iter(self.hub.admission.connections)).timers.wait_for("silent"))

    def test_an_unended_line(self) -> None:
        """Who says half a line and has finished has said a line."""
        self.hub.get("/tea")
        ann = self.hub.connects()
        self.hub.wait(1)
        ann.sends(b"hello")
        ann.leaves()
        self.assertIn(b"hello", self.hub.nc("/join lobby").heard())

    def test_others_wait_for_nothing(self) -> None:
        """A silent nc of a machine that has asked for no page is seated as ever."""
        self.hub.get("/tea")
        self.hub.connects("192.0.2.7")
        self.hub.wait(0.2)
        self.assertEqual(self.hub.rooms(), {"lobby": ["guest-1"]})

    def test_it_hears_nothing_before_its_request(self) -> None:
        """Also where a name is asked for, an hour later: any word would be taken for a broken answer."""
        hub = HubForBrowsers("room")
        hub.get("/tea")
        hub.wait(3600)
        spare = hub.connects()
        hub.wait(1)
        self.assertEqual(reply_of(spare.sends(request("/tea"))).status, 200)

    def test_it_is_bounded(self) -> None:
        """So many machines are remembered, and the oldest is forgotten for the next."""
        for number in range(MOST_VISITORS + 1):
            self.hub.connects(f"2001:db8::{number:x}").sends(request("/tea"))
        web = self.hub.factory._web
        assert web
        found = [web.spare_patience(f"2001:db8::{number:x}") for number in (0, 1, MOST_VISITORS)]
        self.assertEqual(found, [0, SPARE_PATIENCE, SPARE_PATIENCE])
