"""Redis itself: what each script refuses, and how the engine's connections fare with one that errs."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from chatterbox.cluster.engine import FENCED, ORPHAN_BEATS, ORPHANED, Beat
from chatterbox.edges.engine_url import endpoint_of, place_of
from chatterbox.edges.redis import UNTRIMMED, RedisEngine
from tests.harness.processes import ROOT
from tests.harness.redis import ABSENT, Redis


class Ears:
    """What an engine told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.waits: list[tuple[Any, Deferred[None]]] = []

    def _tell(self, what: Any) -> None:
        self.told.append(what)
        for wanted, waiting in tuple(self.waits):
            if wanted == what:
                self.waits.remove((wanted, waiting))
                waiting.callback(None)

    def is_up(self) -> None:
        self._tell("up")

    def is_down(self) -> None:
        self._tell("down")

    def heard(self, payload: bytes) -> None:
        self._tell(payload)

    def died(self, node: str) -> None:
        self._tell(f"{node} died")

    def until(self, what: Any) -> Deferred[None]:
        """Fire when that is told; it may not have been told before."""
        waiting: Deferred[None] = Deferred()
        self.waits.append((what, waiting))
        return waiting


class Engines(TestCase):
    """One engine and one Redis of this test's own."""

    skip = ABSENT
    timeout = 60
    options: tuple[str, ...] = ()
    password = ""

    user = ""
    prefix = "test"

    def setUp(self) -> Any:
        folder = tempfile.mkdtemp(prefix="cb")
        self.addCleanup(shutil.rmtree, folder)
        self.redis = Redis(Path(folder), *self.options)
        self.addCleanup(self.redis.kill)
        self.prepare()
        self.ears = Ears()
        self.refusals: list[str] = []
        url = self.redis.url.replace("://", f"://{self.user}@" if self.user else "://")
        place = place_of(f"{url}?prefix={self.prefix}")
        self.engine = RedisEngine(reactor, endpoint_of(place, reactor), place, self.password, self._refused)
        self.engine.ears = self.ears
        self.refused: Deferred[None] = Deferred()
        self.addCleanup(self.engine.stop)
        up = self.ears.until("up")
        self.engine.start()
        return up if not self.password.startswith("wrong") else self.refused

    def prepare(self) -> None:
        """Prepare the server."""

    def _refused(self, sentence: str) -> None:
        self.refusals.append(sentence)
        if not self.refused.called:
            self.refused.callback(None)

    def ask(self, what: str, *words: Any) -> Deferred[Any]:
        """Return the answer to one of the engine's calls."""
        answered: Deferred[Any] = Deferred()
        getattr(self.engine, what)(*words, answered.callback)
        return answered

    async def enters(self, *nodes: str) -> None:
        """Enter nodes in the table."""
        for node in nodes:
            beat: Beat = await self.ask("beat", node, True, "e1")
            self.assertFalse(beat.is_fenced)


class Scripts(Engines):
    """Each call is done as a whole, or refused."""

    async def test_beats(self) -> None:
        """A node that has not entered is fenced; one that has is counted; the first word makes the epoch."""
        self.assertEqual(await self.ask("beat", "a.1", False, "e1"), (True, "", {}))
        self.assertEqual(await self.ask("beat", "a.1", True, "e1"), (False, "e1", {"a.1": 1}))
        self.assertEqual(await self.ask("beat", "b.1", True, "e2"), (False, "e1", {"a.1": 1, "b.1": 1}))
        self.assertEqual(await self.ask("beat", "a.1", True, "e2"), (False, "e1", {"a.1": 2, "b.1": 1}))

    async def test_claims(self) -> None:
        """A room has one owner while that lives, and nobody who is outside the table claims or releases one."""
        self.assertEqual(await self.ask("claim", "a.1", "tea", True), FENCED)
        await self.enters("a.1", "b.1")
        self.assertEqual(await self.ask("claim", "a.1", "tea", True), "a.1")
        self.assertEqual(await self.ask("claim", "b.1", "tea", False), "a.1")
        self.assertEqual(await self.ask("claim", "a.1", "tea", True), "a.1")
        await self.ask("release", "b.1", "tea")
        self.assertEqual(await self.ask("claim", "b.1", "tea", True), "a.1")
        await self.ask("release", "a.1", "tea")
        self.assertEqual(await self.ask("claim", "b.1", "tea", True), "b.1")
        self.assertEqual(self.redis.says("exists", "{test1}:own:a.1"), "0")

    async def test_evictions(self) -> None:
        """Who has beaten since it was seen is not evicted; who is evicted is told of behind its last words."""
        await self.enters("a.1", "b.1")
        self.engine.listen("b.1")
        self.assertEqual(await self.ask("evict", "a.1", "7"), "0")
        self.assertEqual(await self.ask("post", "a.1", [("b.1", b"last words")]), "OK")
        died = self.ears.until("a.1 died")
        self.assertEqual(await self.ask("evict", "a.1", "1"), "1")
        await died
        self.assertEqual(self.ears.told[-2:], [b"last words", "a.1 died"])
        self.assertEqual(await self.ask("evict", "a.1", "1"), "0")
        self.assertEqual(await self.ask("evict", "a.1", ""), "1")

    async def test_posts(self) -> None:
        """An evicted node posts nothing to anybody; who is not in the table gets nothing."""
        await self.enters("a.1", "b.1", "c.1")
        await self.ask("evict", "a.1", "*")
        self.assertEqual(await self.ask("post", "a.1", [("b.1", b"x"), ("c.1", b"y")]), FENCED)
        self.assertEqual(self.redis.says("xlen", "{test1}:in:b.1"), "1")  # the word of the eviction
        self.assertEqual(await self.ask("post", "b.1", [("a.1", b"x"), ("c.1", b"y")]), "OK")
        self.assertEqual(self.redis.says("exists", "{test1}:in:a.1"), "0")
        self.assertEqual(self.redis.says("xlen", "{test1}:in:c.1"), "2")

    async def test_orphans(self) -> None:
        """A dead node's rooms are kept for those who sat there, for so many beats of the others, and leave nothing."""
        await self.enters("a.1", "b.1")
        for room in ("tea", "milk"):
            await self.ask("claim", "a.1", room, True)
        await self.ask("evict", "a.1", "*")
        self.assertEqual(await self.ask("claim", "b.1", "tea", True), ORPHANED)
        self.assertEqual(await self.ask("claim", "b.1", "tea", False), "b.1")
        for _ in range(ORPHAN_BEATS):
            self.assertEqual(await self.ask("claim", "b.1", "milk", True), ORPHANED)
            await self.ask("beat", "b.1", False, "")
        self.assertEqual(await self.ask("claim", "b.1", "milk", True), "b.1")
        self.assertEqual(self.redis.says("exists", "{test1}:own:a.1", "{test1}:orphans"), "0")

    async def test_an_inbox_is_trimmed(self) -> None:
        """A beat drops what its node has read."""
        await self.enters("a.1", "b.1")
        self.engine.listen("b.1")
        for at in range(100):
            self.ask("post", "a.1", [("b.1", str(at).encode())])
        heard = self.ears.until(b"last")
        self.ask("post", "a.1", [("b.1", b"last")])
        await heard
        await self.ask("beat", "b.1", False, "")
        self.assertEqual(self.redis.says("xlen", "{test1}:in:b.1"), "1")
        self.assertEqual(self.ears.told[1:-1], [str(at).encode() for at in range(100)])


    async def test_a_full_inbox_is_trimmed(self) -> None:
        """What is read is dropped before the next beat, too, where it is much."""
        await self.enters("a.1", "b.1")
        self.engine.listen("b.1")
        block = b"x" * (UNTRIMMED // 4)
        for _ in range(10):
            await self.ask("post", "a.1", [("b.1", block)])
        heard = self.ears.until(b"last")
        self.ask("post", "a.1", [("b.1", b"last")])
        await heard
        await self.ask("beat", "a.1", False, "")
        self.assertLess(int(self.redis.says("xlen", "{test1}:in:b.1")), 6)


class Failing(Engines):
    """An engine that fails is left and come back to."""

    async def _recovers(self, pending: Deferred[Any]) -> None:
        up = self.ears.until("up")
        self.assertIsNone(await pending)
        await up
        await self.enters("a.1")
        self.assertEqual(self.ears.told[1:], ["down", "up"])

    async def test_killed(self) -> None:
        """What was asked of one that is killed is answered None; then it is found again."""
        self.redis.freeze()
        pending = self.ask("beat", "a.1", True, "e1")
        self.redis.kill()
        self.redis.start()
        await self._recovers(pending)

    async def test_frozen(self) -> None:
        """One that is silent is left, which answers None to what was asked of it."""
        self.redis.freeze()
        down = self.ears.until("down")
        pending = self.ask("beat", "a.1", True, "e1")
        await down
        self.redis.thaw()
        await self._recovers(pending)

    async def test_scripts_are_forgotten(self) -> None:
        """One that has lost its scripts gets them again."""
        self.redis.says("script", "flush")
        await self._recovers(self.ask("beat", "a.1", True, "e1"))

    async def test_a_replica(self) -> None:
        """One that takes no writes is left until it does."""
        self.redis.says("replicaof", "127.0.0.1", "1")
        down = self.ears.until("down")
        pending = self.ask("beat", "a.1", True, "e1")
        await down
        self.redis.says("replicaof", "no", "one")
        await self._recovers(pending)


class Passwords(Engines):
    """An engine that asks for a password."""

    options = ("--requirepass", "right")
    password = "right"

    async def test_the_right_one(self) -> None:
        """Who knows it is let in."""
        await self.enters("a.1")


class WrongPasswords(Passwords):
    """And one who doesn't know it."""

    password = "wrong"

    async def test_the_right_one(self) -> None:
        """Who doesn't know it is told so in one sentence, without it, and doesn't try again."""
        self.assertEqual(len(self.refusals), 1)
        self.assertIn("WRONGPASS", self.refusals[0])
        self.assertEqual(self.ears.told, [])


class Users(Engines):
    """A user who may do nothing but what a hub does, as `docs/cluster.md` makes one."""

    user, password, prefix = "chatterbox", "right", "cb"

    def prepare(self) -> None:
        """Make the user, with the page's own words."""
        page = (ROOT / "docs" / "cluster.md").read_text()
        found = re.search(r"ACL SETUSER (.*?)```", page, re.S)
        assert found
        self.redis.says("acl", "setuser", *found[1].replace("PASSWORD", "right").split())

    async def test_all_that_a_hub_does(self) -> None:
        """Each call is allowed, and reading; nothing else is, and no other key."""
        await self.enters("a.1", "b.1")
        self.engine.listen("b.1")
        self.assertEqual(await self.ask("claim", "a.1", "tea", True), "a.1")
        self.assertEqual(await self.ask("claim", "a.1", "milk", True), "a.1")
        self.assertEqual(await self.ask("release", "a.1", "milk"), "OK")
        heard = self.ears.until(b"hi")
        self.assertEqual(await self.ask("post", "a.1", [("b.1", b"hi")]), "OK")
        await heard
        died = self.ears.until("a.1 died")
        self.assertEqual(await self.ask("evict", "a.1", "1"), "1")
        await died
        for _ in range(ORPHAN_BEATS + 1):
            self.assertFalse((await self.ask("beat", "b.1", False, "")).is_fenced)
        self.assertEqual(self.redis.says("exists", "{cb1}:own:a.1", "{cb1}:orphans"), "0")
        self.assertEqual(self.redis.says("acl", "dryrun", "chatterbox", "xtrim", "{cb1}:in:b.1", "minid", "0"), "OK")
        rules = self.redis.says("acl", "dryrun", "chatterbox", "set", "other", "1")
        self.assertIn("no permissions", rules)
        self.assertIn("no permissions", self.redis.says("acl", "dryrun", "chatterbox", "flushall"))
