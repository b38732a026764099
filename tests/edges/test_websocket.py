"""A browser's WebSocket is one more way into the same rooms, with the same limits. Numbers are cases of Autobahn's suite."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from websockets.frames import Opcode

from tests.harness.browsers import HOST, UPGRADE, Browser, HubForBrowsers, frame, reply_of, request
from tests.harness.inputs import PROPERTY

SAID = {"event": "said", "from": "guest-1", "text": "hi"}


class Joins(SynchronousTestCase):
    """Browsers, nc and programs are in one room."""

    def test_a_browser_and_nc(self) -> None:
        """Each hears the other; a frame is a line, both ways."""
        hub = HubForBrowsers()
        nc = hub.nc("/join tea")
        browser = hub.browser("/tea", name="ann")
        self.assertEqual([event["event"] for event in browser.heard()], ["welcome"])
        nc.says("hi", "and you?")
        browser.asks("say", text="well\nthanks")
        self.assertEqual([event["text"] for event in browser.heard()], ["hi", "and you?"])
        self.assertEqual(nc.lines(), ["-!- your partner joined", "well", "thanks"])

    def test_the_path_is_the_room(self) -> None:
        """A hello that names another room goes there; a hello without one goes where the path says; else to the lobby."""
        for path, hello, room in (("/tea", {}, "tea"), ("/tea?x", {"room": "den"}, "den"), ("/", {}, "lobby")):
            hub = HubForBrowsers()
            hub.browser(path, name="ann", **hello)
            self.assertEqual(hub.rooms(), {room: ["ann"]})

    def test_no_blocks(self) -> None:
        """A frame is one object, and nothing can stand behind it: who asks for blocks is not answered, and gets text."""
        asks = {"session": "0" * 32, "try": 1, "blocks": True}
        for path, room in (("/tea", {}), ("/", {"room": "tea"})):
            hub = HubForBrowsers()
            browser = hub.browser(path, name="ann", **asks, **room)
            [welcome] = browser.heard()
            self.assertNotIn("blocks", welcome)
            nc = hub.nc("/join tea", "hi")
            self.assertEqual(nc.lines(), [])
            said = browser.heard()[-1]
            self.assertEqual((said["text"], "bytes" in said), ("hi", False))

    def test_nobody_hears_of_what_it_was_taken_for(self) -> None:
        """A socket that was silent for long has a seat, and leaves it with its first line; a quick one has none."""
        hub = HubForBrowsers()
        nc, silent = hub.nc("/join lobby"), hub.nc()
        self.assertEqual(nc.lines(), ["-!- your partner joined"])
        silent.sends(request())
        self.assertEqual((nc.lines(), hub.rooms()), (["-!- your partner left (quit)"], {"lobby": ["guest-1"]}))
        hub.browser("/lobby", name="ann")
        self.assertEqual((nc.lines(), hub.rooms()), (["-!- your partner joined"], {"lobby": ["guest-1", "ann"]}))

    def test_it_may_take_its_time_to_say_hello(self) -> None:
        """It sits down with its hello, not before; without one it has 15 s."""
        hub = HubForBrowsers()
        browser = hub.browser("/tea")
        hub.wait(14)
        self.assertEqual(hub.rooms(), {})
        browser.says({"chatterbox": 1})
        self.assertEqual(hub.rooms(), {"tea": ["guest-1"]})
        silent = hub.browser("/tea")
        hub.wait(15.1)
        self.assertEqual((silent.heard()[0]["why"], silent.code, silent.closed), ("idle", 1008, "done"))

    def test_who_says_anything_else_first_is_sent_away(self) -> None:
        """A page that finds some other use for the port gets one sentence."""
        hub = HubForBrowsers()
        for message in ({"verb": "say", "text": "hi"}, "hello", 7, ["chatterbox"]):
            browser = hub.browser("/tea").says(message)
            self.assertEqual((browser.heard()[0]["why"], browser.code, browser.closed), ("kicked", 1008, "done"))
        self.assertEqual(hub.leftovers(), [])

    def test_a_name_is_asked_for(self) -> None:
        """In a mode that asks, the error and the answer are those of every JSON peer, and so is the patience."""
        hub = HubForBrowsers("room")
        browser = hub.browser("/tea", room="tea")
        self.assertEqual(browser.heard()[0]["code"], "name")
        self.assertEqual(browser.asks("nick", name="ann").heard()[0]["event"], "welcome")
        late = hub.browser("/tea", room="tea")
        hub.wait(16)
        self.assertEqual(late.heard()[-1]["why"], "idle")

    def test_it_leaves(self) -> None:
        """A close frame is answered with its own code; a cut link says lost, and nothing of either stays."""
        hub = HubForBrowsers()
        nc = hub.nc("/join tea")
        for leave, word in (
            (lambda it: it.closes(), "quit"),
            (lambda it: it.end.cut(), "lost"),
            (lambda it: it.end.finishes(), "quit"),
            (lambda it: it.asks("quit"), "quit"),
        ):
            browser = hub.browser("/tea", name="ann")
            nc.heard()
            leave(browser)
            hub.wait(1)
            browser.heard()
            self.assertEqual(nc.lines(), [f"-!- your partner left ({word})"])
        nc.finishes()
        self.assertEqual(hub.leftovers(), [])


class Frames(SynchronousTestCase):
    """The protocol under the lines."""

    def setUp(self) -> None:
        self.hub = HubForBrowsers()
        self.listener = self.hub.json(room="tea", name="bob")
        self.browser = self.hub.browser("/tea", name="ann")
        self.listener.heard()
        self.browser.heard()

    def said(self) -> list[str]:
        """Return what the other end heard."""
        return [event["text"] for event in self.listener.events() if event["event"] == "said"]

    def ends_with(self, code: int, word: str = "kicked") -> None:
        """See that the hub said why, closed with `code`, and that the other end heard nothing but the leaving."""
        closed = self.browser.heard()[-1]
        self.assertEqual((closed["event"], closed["why"], self.browser.code), ("closed", word, code), closed)
        self.assertTrue(closed["text"])
        self.assertEqual([event["event"] for event in self.listener.events()], ["left"])
        self.hub.wait(6)
        self.assertEqual(self.browser.closed, "done")

    def test_fragments(self) -> None:
        """5.3 to 5.8: a message comes in frames, in any packets, with pings between them."""
        message = json.dumps({"verb": "say", "text": "héllo"}, ensure_ascii=False).encode()
        for cut in range(len(message) + 1):
            stream = frame(message[:cut], fin=False) + frame(b"?", Opcode.PING) + frame(message[cut:], Opcode.CONT)
            self.browser.end.sends(stream[: cut + 1], stream[cut + 1 :])
        self.browser.heard()
        self.assertEqual(self.said(), ["héllo"] * (len(message) + 1))
        self.assertEqual(self.browser.pongs, [b"?"] * (len(message) + 1))

    def test_pings(self) -> None:
        """2.1 to 2.9: each is answered with its own bytes; a pong that nobody asked for says nothing."""
        for data in (b"", b"hello", bytes(range(125))):
            self.browser.sends(data, Opcode.PING).sends(b"?", Opcode.PONG)
        self.browser.heard()
        self.assertEqual(self.browser.pongs, [b"", b"hello", bytes(range(125))])

    def test_a_long_ping(self) -> None:
        """2.5: 126 bytes are no control frame."""
        self.browser.sends(b"x" * 126, Opcode.PING)
        self.ends_with(1002)

    def test_reserved(self) -> None:
        """3.1, 4.1: no extension was agreed on, so no reserved bit and no opcode stands for anything."""
        self.browser.end.sends(bytes((frame(b"{}")[0] | 0x40,)) + frame(b"{}")[1:])
        self.ends_with(1002)

    def test_unmasked(self) -> None:
        """A client masks (RFC 6455, 5.1): proxies that look inside must find nothing that a page wrote."""
        self.browser.end.sends(b"\x81\x02{}")
        self.ends_with(1002)

    def test_continuation_of_nothing(self) -> None:
        """5.9 to 5.18: frames of a message begin with its first and aren't mixed with another's."""
        self.browser.sends(b"{}", Opcode.CONT)
        self.ends_with(1002)

    def test_two_at_once(self) -> None:
        """5.18: a second message within the first."""
        self.browser.sends(b"{", fin=False).sends(b"{}")
        self.ends_with(1002)

    def test_utf_8(self) -> None:
        """6.3: what is no UTF-8 closes with 1007; a character may be cut between frames (6.2)."""
        whole = json.dumps({"verb": "say", "text": "κόσμε"}, ensure_ascii=False).encode()
        for at, byte in enumerate(whole):
            self.browser.sends(bytes((byte,)), Opcode.CONT if at else Opcode.TEXT, at == len(whole) - 1)
        self.assertEqual(self.said(), ["κόσμε"])
        self.browser.sends(b'{"verb": "say", "text": "\xce\xba\xed\xa0\x80"}')
        self.ends_with(1007)

    def test_binary(self) -> None:
        """A message is text; there is nothing else to say here."""
        self.browser.sends(b"{}", Opcode.BINARY)
        self.ends_with(1003)

    def test_close_codes(self) -> None:
        """7.1 to 7.9: a close is answered with its own code; one that no end may send is an error."""
        for data, code in (
            (b"", 0),
            (b"\x03\xe8", 1000),
            (b"\x03\xe8bye", 1000),
            (b"\x0f\xa0", 4000),
            (b"\x03\xec", 1002),
        ):
            browser = self.hub.browser("/den", name="cy").closes(data)
            browser.heard()
            self.assertEqual((browser.code, browser.closed), (code, "done"), data)

    def test_nothing_after_a_close(self) -> None:
        """7.1.3: what stands behind a close frame is nobody's."""
        self.browser.end.sends(frame(b"\x03\xe8", Opcode.CLOSE) + frame(b'{"verb": "say", "text": "hi"}'))
        self.assertEqual([event["event"] for event in self.listener.events()], ["left"])

    def test_a_newline_in_a_frame(self) -> None:
        """One frame is one line, also where the object stands on several."""
        self.browser.sends(b'{"verb": "say",\n "text": "hi"}')
        self.assertEqual(self.said(), ["hi"])

    def test_no_compression(self) -> None:
        """What a browser offers isn't taken: a deflated message costs 1,000 times its bytes, and leaks by its length."""
        offer = {**UPGRADE, "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
        head = Browser(self.hub.asks(request("/tea", **offer))).head
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "))
        self.assertNotIn(b"extensions", head.lower())

    def test_a_bad_handshake(self) -> None:
        """Another version, or no key, is answered in HTTP."""
        for headers, status in (
            ({**UPGRADE, "Sec-WebSocket-Version": "8"}, 400),
            ({**UPGRADE, "Sec-WebSocket-Key": "short"}, 400),
            ({**UPGRADE, "Upgrade": "h2c"}, 426),
            ({**UPGRADE, "Connection": "close"}, 426),
        ):
            reply = reply_of(self.hub.asks(request("/tea", "GET", HOST, **headers)))
            self.assertEqual((reply.status, reply.closed), (status, "done"), headers)


class Anything(SynchronousTestCase):
    """Whatever comes, nothing raises and nothing stays."""

    @PROPERTY
    @given(
        st.lists(
            st.one_of(
                st.binary(max_size=20), st.builds(frame, st.binary(max_size=9), st.sampled_from(Opcode), st.booleans())
            )
        )
    )
    def test_frames(self, pieces: list[bytes]) -> None:
        """Frames, halves of frames and noise, after a hello and before one."""
        for greets in ({}, {"name": "ann"}):
            hub = HubForBrowsers()
            browser = hub.browser("/tea", **greets)
            browser.end.sends(*pieces)
            browser.end.cut()
            hub.wait(0)
            self.assertEqual(hub.leftovers(), [])

    @PROPERTY
    @given(
        st.lists(
            st.sampled_from(
                [b"GET ", b"/", b" HTTP/1.1", b"\r\n", b"\n", b"Host: localhost", b"Upgrade: x", b": ", b"\xff", b"\0"]
            )
        )
    )
    def test_heads(self, pieces: list[bytes]) -> None:
        """Pieces of requests in any order."""
        hub = HubForBrowsers()
        end = hub.asks(b"GET / HTTP/1.1\r\n").sends(*pieces)
        hub.wait(20)
        end.heard()
        hub.wait(6)
        self.assertNotEqual(end.closed, "")
        self.assertEqual(hub.leftovers(), [])
