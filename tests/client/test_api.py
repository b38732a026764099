"""The library, with a hub that is played in memory, and once with asyncio's reactor in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.api import Conversation, Ended, NotDelivered, Receipt, connect
from chatterbox.client.options import Options
from chatterbox.wire.lane import LARGEST_BLOCK
from chatterbox.wire.numbering import SESSION_LIMIT
from tests.harness.ends import DEADLINE
from tests.harness.memory_hub import BOB, MemoryHub
from tests.harness.processes import Hub, environment

ASYNCIO = """
import asyncio, sys
from twisted.internet import asyncioreactor
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
asyncioreactor.install(loop)
from twisted.internet import reactor
from chatterbox.client.api import connect

async def main():
    ann = await connect(reactor, sys.argv[1], name="ann")
    bob = await connect(reactor, sys.argv[1], name="bob")
    asking = asyncio.ensure_future(said(ann))
    async for line in bob:
        print(line.name, line.text)
        break
    leaving = asyncio.ensure_future(left(bob))
    print(await asking)
    await ann.close()
    await leaving
    reactor.stop()

async def said(ann):
    return (await ann.say("hi")).got

async def left(bob):
    await bob.close()

reactor.callWhenRunning(lambda: asyncio.ensure_future(main()))
reactor.run()
"""


class Talk(SynchronousTestCase):
    """One conversation."""

    def setUp(self) -> None:
        """Play the hub."""
        self.hub, self.clock, self.events = MemoryHub(), Clock(), list[Any]()
        patched = mock.patch.object(Options, "endpoint", return_value=self.hub)
        patched.start()
        self.addCleanup(patched.stop)

    def join(self, *others: str, **more: Any) -> Conversation:
        """Return a conversation in which these are."""
        connecting = connect(self.clock, "example:5000/tea", name="ann", notify=self.events.append)
        self.hub.hears()
        self.hub.welcomes(*others, **more)
        return self.successResultOf(connecting)

    def bob(self, n: int, text: str = "", **more: Any) -> None:
        """Let bob say something, or that he has finished."""
        said = {"event": "said", "from": "bob", "stream": BOB, "n": n, "text": text}
        self.hub.says((said if text else {"event": "finished", "name": "bob", "stream": BOB, "n": n}) | more)

    def gots(self) -> list[int]:
        """Return the numbers that this end has acknowledged since the last look."""
        return [sent["n"] for sent in self.hub.hears() if sent["verb"] == "got"]

    def test_say(self) -> None:
        """It fires when all lines are got, and not before; each `say` has its own receipt."""
        conversation = self.join("bob")
        self.assertEqual((conversation.name, conversation.room, conversation.others), ("ann", "tea", ["bob"]))
        first, second = conversation.say("one\ntwo"), conversation.say("th\x1bree\n")
        self.assertEqual([verb["text"] for verb in self.hub.hears()], ["one\ntwo", "three"])
        self.hub.says({"event": "got", "stream": BOB, "n": 1})
        self.assertNoResult(first)
        self.hub.says({"event": "got", "stream": BOB, "n": 3})
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), (Receipt(2), Receipt(1)))

    def test_not_delivered(self) -> None:
        """It fails with counts: a line that was too long, lines whose hearer has left, lines after the end."""
        conversation = self.join("bob")
        failed = [conversation.say("x" * 5000), conversation.say("one\ntwo")]
        self.hub.says({"event": "left", "name": "bob", "stream": BOB, "why": "lost", "got": 1})
        failed.append(conversation.say("waits for somebody"))
        closing = conversation.close(1.0)
        failed.append(conversation.say("too late"))
        self.clock.pump([0.5] * 5)
        self.hub.says({"event": "closed", "why": "quit"})
        self.hub.cuts(ConnectionDone())
        counts = [(fault.surely, fault.perhaps) for fault in (self.failureResultOf(f, NotDelivered).value for f in failed)]
        self.assertEqual(counts, [(1, 0), (0, 1), (1, 0), (1, 0)])
        self.assertEqual(self.failureResultOf(closing, Ended).value.status, 4)

    def test_much_at_once(self) -> None:
        """No more than a session keeps goes out before it is got; what is left when the hearer goes is for nobody else."""
        conversation = self.join("bob")
        saying = conversation.say("\n".join(["x" * 1000] * 3000))
        sent = sum(verb["text"].count("\n") + 1 for verb in self.hub.hears())
        self.assertLess(sent * 1001, SESSION_LIMIT + LARGEST_BLOCK)
        self.hub.says({"event": "got", "stream": BOB, "n": sent})
        more = sum(verb["text"].count("\n") + 1 for verb in self.hub.hears())
        self.assertTrue(0 < more * 1001 < SESSION_LIMIT + LARGEST_BLOCK)
        self.assertLess(sent + more, 3000)
        self.hub.says({"event": "left", "name": "bob", "stream": BOB, "why": "lost", "got": sent})
        self.hub.joins("cat")
        self.assertEqual(self.hub.hears(), [])
        fault = self.failureResultOf(saying, NotDelivered).value
        self.assertEqual((fault.surely, fault.perhaps), (3000 - sent - more, more))

    def test_lines(self) -> None:
        """Lines come one by one; one is acknowledged when the next is asked for; it ends when the other has finished."""
        conversation = self.join("bob")
        self.hub.hears()
        line = conversation.__anext__()
        self.bob(1, "hi\nthere", gap=0)
        heard = self.successResultOf(line)
        self.assertEqual((heard.text, heard.name, heard.room, heard.kind, heard.event["n"]), ("hi", "bob", "tea", "say", 1))
        second = self.successResultOf(conversation.__anext__())
        self.assertEqual((second.text, second.event["n"], self.gots()), ("there", 2, []))
        third = conversation.__anext__()
        self.assertEqual(self.gots(), [2])
        self.bob(3)
        self.failureResultOf(third, StopAsyncIteration)
        self.assertTrue(conversation.is_awaited)
        closing = conversation.close()
        self.assertEqual(self.hub.hears()[-1], {"verb": "quit", "got": {BOB: 3}, "finished": True})
        self.hub.says({"event": "closed", "why": "quit"})
        self.hub.cuts(ConnectionDone())
        self.successResultOf(closing)

    def test_async_for(self) -> None:
        """The loop of the docs, from one partner to the next."""
        conversation = self.join("bob")
        heard: list[str] = []

        async def listen() -> None:
            async for line in conversation:
                heard.append(line.text)

        listening = ensureDeferred(listen())
        self.bob(1, "one", gap=0)
        self.hub.says({"event": "left", "name": "bob", "stream": BOB, "why": "quit", "got": 0, "finished": True})
        self.successResultOf(listening)
        self.assertFalse(conversation.is_awaited)
        listening = ensureDeferred(listen())
        self.hub.joins("cy")
        self.hub.says({"event": "said", "from": "cy", "stream": "c" * 16, "n": 1, "gap": 0, "text": "two"})
        self.assertEqual(heard, ["one", "two"])
        self.hub.says({"event": "left", "name": "cy", "stream": "c" * 16, "why": "lost", "got": 0})
        self.assertEqual(self.failureResultOf(listening, Ended).value.status, 4)

    def test_no_hub(self) -> None:
        """`connect` fails with the status and the sentence of the command."""
        self.hub.refuse = [ConnectionRefusedError()]
        fault = self.failureResultOf(connect(self.clock, "example:5000"), Ended).value
        self.assertEqual((fault.status, fault.why), (1, "cannot reach example:5000: connection refused; is a hub running there?"))

    def test_refused_later(self) -> None:
        """Whoever waits for a line hears why it is over; events that are no lines are passed on."""
        conversation = self.join("bob")
        line = conversation.__anext__()
        self.hub.says({"event": "notice", "text": "soon"}, {"event": "closed", "why": "kicked", "text": "out"})
        self.hub.cuts(ConnectionDone())
        self.assertEqual(self.failureResultOf(line, Ended).value.status, 3)
        self.assertEqual([event["event"] for event in self.events], ["welcome", "notice", "closed"])

    def test_a_hub_without_sessions(self) -> None:
        """Nobody can tell whether a line is heard, and the receipt says so."""
        conversation = self.join(stream=None)
        self.assertEqual(self.successResultOf(conversation.say("hi")), Receipt(1, got=False))
        line = conversation.__anext__()
        self.hub.says({"event": "said", "from": "bob", "text": "hello"})
        self.assertEqual(self.successResultOf(line).text, "hello")

    def test_private_lines(self) -> None:
        """They are for one end of a larger room, by its name."""
        conversation = self.join("bob", "cy", seats=None)
        conversation.say("psst", "msg", "Bob")
        [sent] = self.hub.hears()[-1:]
        self.assertEqual((sent["verb"], sent["to"], sent["private"], sent["text"]), ("msg", BOB, True, "psst"))

    def test_one_waits_at_a_time(self) -> None:
        """Two loops at once would share the lines by chance."""
        conversation = self.join("bob")
        waiting: Deferred[Any] = conversation.__anext__()
        self.assertRaises(RuntimeError, conversation.__anext__)
        waiting.cancel()
        self.failureResultOf(waiting)
        conversation.__anext__()


class UnderAsyncio(SynchronousTestCase):
    """The same in tasks of asyncio."""

    def test_tasks(self) -> None:
        """Two ends in one program, each awaited in a task."""
        with Hub() as hub:
            done = subprocess.run(
                [sys.executable, "-c", ASYNCIO, f"127.0.0.1:{hub.port}/tea"], env=environment(), capture_output=True, timeout=DEADLINE
            )
        self.assertEqual((done.stdout, done.returncode), (b"ann hi\nTrue\n", 0), done.stderr.decode())
