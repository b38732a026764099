"""Redis, or Valkey, as the engine: this is the only file that knows how either is spoken to.

Two connections: one for commands, which are five scripts, each done as a whole or not at all, and one that reads this
node's inbox. Whatever goes wrong on one of them (silence, an error, a replica that takes no writes) ends both; then
both are made again, the scripts are loaded again, and the cluster repeats what may be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha1
from typing import Any

from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..cluster.engine import FENCED, ORPHAN_BEATS, ORPHANED, Beat, Ears
from .engine_url import Place
from .resp import Resp

log = Logger()

BLOCK = 800
"""Milliseconds for which the engine waits for something to read before it answers that there is nothing."""
AT_ONCE = 256
"""Entries of an inbox that are read at once."""
UNTRIMMED = 64 * 1024
"""Bytes that are read of an inbox until they are dropped from it; fewer wait for a beat."""
MAX_INBOX = 20_000
"""Entries of an inbox, about; what is cut off is said again."""
AGAIN, AGAIN_MOST = 0.05, 1.0
"""Seconds until it is tried again: at first, and at most (it doubles)."""

_TEXTS = {
    "beat": """
local nodes, epoch, orphans, rooms, inbox = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local me, first, word, cursor, own = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if first == '1' then redis.call('HSETNX', nodes, me, 0) end
local fenced = redis.call('HEXISTS', nodes, me) == 0
if not fenced then
  redis.call('SET', epoch, word, 'NX')
  redis.call('HINCRBY', nodes, me, 1)
  if cursor ~= '' then redis.call('XTRIM', inbox, 'MINID', cursor) end
  for _, dead in ipairs(redis.call('HKEYS', orphans)) do
    if redis.call('HINCRBY', orphans, dead, -1) <= 0 then
      redis.call('HDEL', orphans, dead)
      for _, room in ipairs(redis.call('SMEMBERS', own .. dead)) do
        if redis.call('HGET', rooms, room) == dead then redis.call('HDEL', rooms, room) end
      end
      redis.call('DEL', own .. dead)
    end
  end
end
return {fenced and 1 or 0, redis.call('GET', epoch) or '', redis.call('HGETALL', nodes)}
""",
    "claim": """
local nodes, rooms, own = KEYS[1], KEYS[2], KEYS[3]
local me, room, newcomer = ARGV[1], ARGV[2], ARGV[3]
if redis.call('HEXISTS', nodes, me) == 0 then return FENCED end
local owner = redis.call('HGET', rooms, room)
if owner and redis.call('HEXISTS', nodes, owner) == 1 then return owner end
if owner and newcomer == '1' then return ORPHANED end
redis.call('HSET', rooms, room, me)
redis.call('SADD', own, room)
return me
""",
    "release": """
local rooms, own, me, room = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
redis.call('SREM', own, room)
if redis.call('HGET', rooms, room) == me then redis.call('HDEL', rooms, room) end
return 'OK'
""",
    "evict": """
local nodes, orphans, own, inbox, node, beats = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1], ARGV[2]
if beats ~= '*' and (redis.call('HGET', nodes, node) or '') ~= beats then return '0' end
redis.call('HDEL', nodes, node)
redis.call('DEL', inbox)
if redis.call('EXISTS', own) == 1 then redis.call('HSET', orphans, node, ARGV[3] * redis.call('HLEN', nodes)) end
for _, other in ipairs(redis.call('HKEYS', nodes)) do
  redis.call('XADD', ARGV[4] .. other, '*', 'dead', node)
end
return '1'
""",
    "post": """
local nodes, most = KEYS[1], ARGV[2]
if redis.call('HEXISTS', nodes, ARGV[1]) == 0 then return FENCED end
for i = 2, #KEYS do
  if redis.call('HEXISTS', nodes, ARGV[2 * i - 1]) == 1 then
    redis.call('XADD', KEYS[i], 'MAXLEN', '~', most, '*', 'b', ARGV[2 * i])
  end
end
return 'OK'
""",
}
"""Each refuses a node that is not in the table of nodes; the names of the keys are in `RedisEngine._key`."""
_SCRIPTS = {
    name: text.replace("FENCED", f"'{FENCED}'").replace("ORPHANED", f"'{ORPHANED}'") for name, text in _TEXTS.items()
}
_HASHES = {name: sha1(script.encode()).hexdigest() for name, script in _SCRIPTS.items()}
_HOPELESS = ("WRONGPASS", "NOAUTH", "NOPERM", "ERR AUTH", "ERR invalid DB", "ERR DB index")
"""Beginnings of errors that no waiting mends."""


class RedisEngine:
    """The engine, as `chatterbox.cluster` wants it.

    Args:
        reactor: what connects, and whose time counts.
        endpoint: where the engine is.
        place: what its URL says.
        password: empty for none.
        ears: told what comes.
        refused: told in one sentence why the engine doesn't let us in, if that was so from the beginning.
    """

    def __init__(
        self,
        reactor: Any,
        endpoint: IStreamClientEndpoint,
        place: Place,
        password: str,
        refused: Callable[[str], None],
    ) -> None:
        self.ears: Ears
        self._reactor = reactor
        self._endpoint = endpoint
        self._place = place
        self._password = password
        self._refused = refused
        self._commands: Resp | None = None
        self._reading: Resp | None = None
        self._ready = 0
        """Connections that may be used."""
        self._pause = AGAIN
        self._is_up = self._is_used = self._was_used = self._is_stopped = self._is_reported = False
        self._timer: Any = None
        self._node = ""
        self._cursor = "0-0"
        self._untrimmed = 0
        self._is_asking = False

    # -- two connections ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Connect, and go on connecting."""
        self._timer = None
        self._ready = 0
        for take in (self._take_commands, self._take_reading):
            factory = Factory.forProtocol(lambda: Resp(self._reactor, self._lost, self._failed))
            factory.noisy = False
            self._endpoint.connect(factory).addCallbacks(take, self._not_connected)

    def stop(self) -> None:
        """Connect no more."""
        self._is_stopped = True
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._abort()

    def _take_commands(self, made: Resp) -> None:
        self._commands = made
        self._introduce(made, self._load)

    def _take_reading(self, made: Resp) -> None:
        self._reading = made
        self._introduce(made, self._is_ready)

    def _introduce(self, made: Resp, then: Callable[[], None]) -> None:
        """Say who we are, alone and first: an error there would be taken for the answer to what came behind it."""
        if self._is_stopped:
            made.abort()
            return
        steps: list[tuple[str | bytes | int, ...]] = []
        if self._password:
            steps.append(("AUTH", *filter(None, [self._place.user]), self._password))
        if self._place.db:
            steps.append(("SELECT", self._place.db))
        steps.append(("PING",))

        def step(answer: Any = b"") -> None:
            if answer is not None:
                if steps:
                    made.ask(steps.pop(0), step)
                else:
                    then()

        step()

    def _load(self) -> None:
        left = list(_SCRIPTS.values())

        def step(answer: Any = b"") -> None:
            if answer is not None and self._commands:
                if left:
                    self._commands.ask(("SCRIPT", "LOAD", left.pop(0)), step)
                else:
                    self._is_ready()

        step()

    def _is_ready(self) -> None:
        self._ready += 1
        if self._ready == 2:
            self._is_up, self._is_asking = True, False
            self.ears.is_up()

    def _not_connected(self, reason: Failure) -> None:
        self._lost(reason.getErrorMessage())

    def _failed(self, error: str) -> None:
        """The engine has answered with an error: none of ours is to be expected, so begin anew."""
        if not self._was_used and error.startswith(_HOPELESS):
            self._is_stopped = True
            self._refused(f"the engine refuses: {error}")
        self._report(error)
        self._abort()

    def _report(self, text: str) -> None:
        """Log it once, until the engine can be used again."""
        if not (self._is_reported or self._is_stopped):
            self._is_reported = True
            log.warn("engine: {host} can't be used, trying again: {why}", host=self._place.host, why=text)

    def _abort(self) -> None:
        for made in (self._commands, self._reading):
            if made:
                made.abort()

    def _lost(self, why: str) -> None:
        """One connection is lost, or was never made: so is the other."""
        self._report(why)
        self._abort()
        self._commands = self._reading = None
        if self._is_up:
            self._is_up = self._is_used = False
            self.ears.is_down()
        if not (self._timer or self._is_stopped):
            self._timer = self._reactor.callLater(self._pause, self.start)
            self._pause = min(2 * self._pause, AGAIN_MOST)

    # -- commands (cluster.engine.Engine) ----------------------------------------------------------------------

    def _key(self, name: str) -> str:
        """Return a key: nodes, rooms, epoch, orphans, own:NODE (rooms of a node), in:NODE (its inbox)."""
        return self._place.prefix + name

    def _run(
        self, script: str, keys: Sequence[str], words: Sequence[Any], then: Callable[[Any], None], awaited: bool = True
    ) -> None:
        if self._commands:
            named = [self._key(key) for key in keys]
            self._commands.ask(("EVALSHA", _HASHES[script], len(named), *named, *words), then, awaited)
        else:
            self._reactor.callLater(0, then, None)

    def beat(self, node: str, is_first: bool, epoch: str, then: Callable[[Beat | None], None]) -> None:
        """See `Engine`."""
        cursor = self._cursor if self._node == node and self._cursor != "0-0" else ""
        keys = ("nodes", "epoch", "orphans", "rooms", f"in:{node}")
        self._run("beat", keys, (node, int(is_first), epoch, cursor, self._key("own:")), partial(self._beaten, then))

    def _beaten(self, then: Callable[[Beat | None], None], answer: Any) -> None:
        """Take the engine for one that can be used: it has written something, as a replica that only reads doesn't."""
        beat = _beat_in(answer)
        if beat and not (beat.is_fenced or self._is_used) and self._is_up:
            self._is_used = self._was_used = True
            self._is_reported = False
            self._pause = AGAIN
            log.info("engine: connected to {host}", host=self._place.host)
        then(beat)

    def claim(self, node: str, room: str, is_newcomer: bool, then: Callable[[str | None], None]) -> None:
        """See `Engine`."""
        self._run("claim", ("nodes", "rooms", f"own:{node}"), (node, room, int(is_newcomer)), partial(_word, then))

    def release(self, node: str, room: str, then: Callable[[str | None], None]) -> None:
        """See `Engine`."""
        self._run("release", ("rooms", f"own:{node}"), (node, room), partial(_word, then))

    def evict(self, node: str, beats: str, then: Callable[[str | None], None]) -> None:
        """See `Engine`."""
        words = (node, beats, ORPHAN_BEATS, self._key("in:"))
        self._run("evict", ("nodes", "orphans", f"own:{node}", f"in:{node}"), words, partial(_word, then))

    def post(self, node: str, payloads: Sequence[tuple[str, bytes]], then: Callable[[str | None], None]) -> None:
        """See `Engine`."""
        keys = ["nodes", *(f"in:{to}" for to, _ in payloads)]
        words: list[Any] = [node, MAX_INBOX]
        for payload in payloads:
            words += payload
        self._run("post", keys, words, partial(_word, then), awaited=False)

    # -- the inbox ---------------------------------------------------------------------------------------------

    def listen(self, node: str) -> None:
        """See `Engine`."""
        self._node, self._cursor = node, "0-0"
        self._read()

    def _read(self) -> None:
        if self._reading and not self._is_asking:
            self._is_asking = True
            words = ("XREAD", "COUNT", AT_ONCE, "BLOCK", BLOCK, "STREAMS", self._key(f"in:{self._node}"), self._cursor)
            self._reading.ask(words, partial(self._has_read, self._reading, self._node, self._cursor))

    def _has_read(self, reading: Resp, node: str, cursor: str, answer: Any) -> None:
        if reading is not self._reading:
            return
        self._is_asking = False
        if (node, cursor) == (self._node, self._cursor) and answer:
            for entry, (field, value) in answer[0][1]:
                self._cursor = entry.decode()
                if field == b"dead":
                    self.ears.died(value.decode())
                else:
                    self._untrimmed += len(value)
                    self.ears.heard(value)
                if node != self._node or self._cursor == "0-0" or reading is not self._reading:
                    break
            if self._untrimmed >= UNTRIMMED:
                self._trim()
        if answer is not None or reading is self._reading:
            self._read()

    def _trim(self) -> None:
        """Drop from the inbox what is read of it: the engine's memory isn't to grow until the next beat."""
        self._untrimmed = 0
        if self._commands and self._cursor != "0-0":
            words = ("XTRIM", self._key(f"in:{self._node}"), "MINID", self._cursor)
            self._commands.ask(words, _ignore, is_awaited=False)


def _ignore(answer: Any) -> None:
    """Nothing depends on this answer."""


def _word(then: Callable[[str | None], None], answer: Any) -> None:
    then(None if answer is None else answer.decode())


def _beat_in(answer: Any) -> Beat | None:
    if answer is None:
        return None
    fenced, epoch, flat = answer
    words = [word.decode() for word in flat]
    return Beat(bool(fenced), epoch.decode(), dict(zip(words[::2], map(int, words[1::2]))))
