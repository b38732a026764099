"""A world is the real hub with fake connections, and a model of what everybody in it may and must have heard.

Every line that is said is a token `<speaker.sitting.number>`, where a sitting is a speaker's stay in one room; so what
anybody hears tells by itself whether something came twice, late, or not at all. `Machine` lets hypothesis choose
what happens; the ordinary tests and `benchmarks/soak_simulation.py` run it. Nothing here looks into the hub but at
`rooms`, and of `connections` and `unseated`, which are public maps.
"""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatterbox.core.events import Happening, Joined, Left
from tests.harness.accounts import ITEMS, LINES, Account, Ledger
from tests.harness.memory import CLOSINGS, End, HubOnAClock

TOKEN = re.compile(rb"<(\d+)\.(\d+)\.(\d+)>")
CLOSED = re.compile(rb'closed \((\w+)\)|"event": "closed", "why": "(\w+)"')
ELSEWHERE = re.compile(rb'^-!- you are in |"event": "welcome"')
"""What tells a hearer that it is in another room now."""
VERDICT = b" received before "
SMALL: dict[str, Any] = {
    "max_line": 64,
    "high_water": 128,
    "max_queue": 512,
    "max_held": 1024,
    "pair_patience": 6.0,
    "room_patience": 3.0,
    "pieces_a_turn": 4,
}
"""Limits that short conversations meet."""


class Player:
    """One end and what the model knows of it."""

    def __init__(self, serial: int, end: End, speaks_json: bool, types: bool) -> None:
        self.types = types
        """Whether keys are the conversation."""
        self.serial = serial
        self.end = end
        self.speaks_json = speaks_json
        self.sitting = 0
        self.said = 0
        """Lines said in this sitting."""
        self.stays = 0
        """How often it was told that it is in a room."""
        self.heard: dict[tuple[int, int], int] = {}
        """The last line heard in this stay of each speaker's sitting."""
        self.account = Account()
        self.verdicts: list[bytes] = []
        self.why = ""
        """The word for which the hub hung up on it."""
        self.has_quit = self.has_finished = self.has_stopped = False
        self._unended = b""

    @property
    def lives(self) -> bool:
        """Whether anything can still be done with it."""
        return not (self.end.closed or self.end.line.is_gone)

    @property
    def speaks(self) -> bool:
        """Whether anything it says can still count."""
        return self.lives and not (self.has_quit or self.has_finished)

    def packet(self, items: list[str]) -> bytes:
        """Return `items` in this player's dialect, and remember what that says."""
        return b"".join(self._item(item).encode() + b"\n" for item in items if not self.has_quit)

    def _item(self, item: str) -> str:
        verb, _, word = item.partition(" ")
        if verb == "/join":
            self.sitting += 1
            self.said = 0
        elif verb == "/quit":
            self.has_quit = True
        elif verb in LINES:
            item = "\n".join(f"<{self.serial}.{self.sitting}.{self.said + at}>" for at in range(LINES[verb]))
            self.said += LINES[verb]
            self.account.lines += LINES[verb]
        elif verb == "psst":
            text = f"[{self.serial}.{self.account.private}]"
            self.account.private += 1
            if self.speaks_json:
                return json.dumps({"verb": "msg", "to": word, "text": text})
            item = f"/msg {word} {text}"
        elif verb == "long":
            item = "much too long " * 9
        if not self.speaks_json:
            return item
        if self.types and verb in LINES:
            return json.dumps({"verb": "type", "keys": f"{item}\n"})
        if not verb.startswith("/"):
            return json.dumps({"verb": "say", "text": item})
        key = {"/join": "room", "/nick": "name", "/me": "text"}.get(verb, "any")
        return json.dumps({"verb": verb[1:], key: word})

    def lines(self) -> list[bytes]:
        """Return the whole lines that came since this was last asked."""
        *lines, self._unended = (self._unended + self.end.heard()).split(b"\n")
        return lines


class World:
    """A hub, its players, and the invariants.

    Args:
        mode: a row of the table.
        rate: lines a second that each may say; 0: any number.
    """

    def __init__(self, mode: str, rate: float = 0.0) -> None:
        limits = SMALL | ({"rate": rate, "burst": 5} if rate else {})
        self.hub = HubOnAClock(mode, limits, buffer=64)
        self.mode = self.hub.hub.mode
        self.players: list[Player] = []
        self._rate = rate
        self._most_lines = 0
        """Lines in one packet: as JSON up to 64 bytes each, and as many that were held, beyond a queue at its limit."""
        self._sat: set[Any] = set()
        self._met: set[Any] = set()
        self._ledger = Ledger()
        self._company: dict[Any, set[Any]] = {}
        self._together: dict[tuple[Player, Player], tuple[int, int, int]] = {}

    def some(self, which: int, speaking: bool = False) -> Player | None:
        """Return one of the players that live, or that speak; None where there are none."""
        players = [player for player in self.players if (player.speaks if speaking else player.lives)]
        return players[which % len(players)] if players else None

    # -- what may happen --------------------------------------------------------------------------------------

    def join(self, speaks_json: bool, room: str, name: str, waits: bool) -> None:
        """Somebody connects, says where it wants to be, and perhaps waits until it is there."""
        player = Player(len(self.players), self.hub.connects(), speaks_json, self.mode.rule == "talk")
        self.players.append(player)
        if speaks_json:
            wishes = {"room": room, "name": name}
            player.end.says(json.dumps({"chatterbox": 1} | {key: wish for key, wish in wishes.items() if wish}))
        else:
            player.end.says(*([f"/join {room}"] * bool(room)), *([f"/nick {name}"] * bool(name)))
        if waits:
            self.hub.wait(0.1)

    def utter(self, player: Player, items: list[str], cut: int) -> None:
        """A player sends lines and commands, in two packets cut anywhere."""
        if self.mode.asks_name and not player.end.peer.room:
            items = [f"/nick p{player.serial}", *items]
        if self.mode.rule == "talk":
            items = [item for item in items if item in ("line", "lines", "/quit") or player.speaks_json]
        data = player.packet(items)
        self._most_lines = max(self._most_lines, sum(LINES.get(item, 0) for item in items))
        cut = 0 if self.mode.rule == "talk" else cut % (len(data) + 1)
        player.end.sends(data[:cut], data[cut:])

    def stop(self, player: Player) -> None:
        """A player stops reading."""
        player.has_stopped = True
        player.end.stops_reading()

    def read(self, player: Player, size: int | None) -> None:
        """A player reads on, or takes so many bytes and no more."""
        player.has_stopped |= size is not None
        player.end.reads(size)

    def finish(self, player: Player) -> None:
        """A player closes its sending half."""
        player.has_finished = True
        player.end.finishes()

    def calm(self) -> None:
        """Everybody reads for a while: then everything has arrived that must."""
        for player in self.players:
            if player.lives:
                player.end.reads()
        self.hub.wait(5000 if self._rate else 1)
        self.check()
        self._check_nothing_is_stuck()
        self._check_everything_came()
        self._check_heard_or_told()

    def close(self) -> None:
        """Everybody is cut; then the hub holds nothing."""
        self.calm()
        for player in self.players:
            player.end.cut()
        self.hub.wait(10)
        assert self.hub.leftovers() == [], self.hub.leftovers()

    # -- what must be so --------------------------------------------------------------------------------------

    def check(self) -> None:
        """All that must hold after every step."""
        self._follow()
        for player in self.players:
            for line in player.lines():
                self._hear(player, line)
            self._check_end(player)
        for room in self.hub.hub.rooms.values():
            self._check_room(room)
        for connection in self.hub.admission.connections:
            room = connection.peer.room
            assert room is None or self.hub.hub.rooms[room.name] is room, "in a room nobody finds"
            assert not (room and connection in self.hub.admission.unseated), "waiting for a seat though seated"

    def _follow(self) -> None:
        """Take note of who has sat, and who has sat with somebody."""
        for room, event in self.hub.ends_of(Happening):
            if isinstance(event, Joined):
                company = self._company.setdefault(room, set())
                company.add(event.peer)
                self._sat.add(event.peer)
                self._met |= company if len(company) > 1 else set()
            elif isinstance(event, Left):
                self._company[room].discard(event.peer)
        self.hub.news.clear()

    def _check_heard_or_told(self) -> None:
        """Each line is heard, or its speaker is told, or it is held: in a pair all of them, elsewhere private ones."""
        for player in self.players:
            room, unread = player.end.peer.room, player.end.line.inbox or player.end.connection.inlet.waits
            if self.mode.rule == "relay" and player.lives and room and not unread:
                held = room.held_by(player.end.peer)
                missing = self._ledger.missing(player.serial, player.account, held, room.is_pair)
                assert missing <= 0, f"{missing} lines of {player.serial} were neither heard nor told"

    def _hear(self, player: Player, line: bytes) -> None:
        self._ledger.hears(player.serial, line)
        player.account.reads(line)
        assert b"much too long" not in line, "a line beyond the limit came through"
        if ELSEWHERE.search(line):
            player.stays += 1
            player.heard.clear()
        if closed := CLOSED.search(line):
            player.why = (closed[1] or closed[2]).decode()
        if VERDICT in line:
            player.verdicts.append(line)
            return
        for token in TOKEN.finditer(line):
            self._hear_token(player, *map(int, token.groups()))

    def _hear_token(self, player: Player, serial: int, sitting: int, number: int) -> None:
        speaker = self.players[serial]
        assert player.end.peer in self._sat, "one who never sat heard something"
        assert speaker is not player or self.mode.echo, "an echo where there is none"
        before = player.heard.get((serial, sitting))
        if before is None and self.mode.holds and speaker.end.peer not in self._met and not sitting:
            before = -1
        assert before is None or number == before + 1, f"{number} of {serial} came after {before}"
        player.heard[serial, sitting] = number

    def _check_end(self, player: Player) -> None:
        why = player.why
        assert not why or why in CLOSINGS - {"flood", "shutdown", "lost"}, why
        assert why != "slow" or player.has_stopped, "let go as slow, though it always read"
        assert why != "full" or player.end.peer not in self._sat, "seated, and then let go as full"
        if player.end.closed == "done" and not (player.has_quit or player.has_finished or player.has_stopped):
            assert why or player.end.line.is_gone, "hung up on without a word"
        assert len(player.verdicts) < 2, "two verdicts"
        for verdict in player.verdicts:
            speakers = {int(token[1]) for token in TOKEN.finditer(verdict)}
            assert player.serial in speakers, "somebody else's verdict"
            assert len(speakers) == 2, "a verdict about fewer than two"
        outlet = player.end.connection.outlet
        limits = self.hub.limits
        bound = limits.high_water if self.mode.seats == 2 else limits.max_queue
        allowance = 128 * self._most_lines + 1024
        assert outlet.queued <= bound + allowance, f"{outlet.queued} bytes wait"

    def _check_room(self, room: Any) -> None:
        members = list(room.members)
        assert members, "an empty room"
        assert not room.mode.seats or len(members) <= room.mode.seats, "more peers than seats"
        assert all(room.audience.called(member.name) is member for member in members), "names and members differ"
        assert all(member.room is room and not member.gone for member in members), "a member who isn't there"
        for full in (member for member in members if room.is_pair and member.full):
            read = {player.end.peer for player in self.players if player.end.line.reading}
            assert not (set(members) - {full}) & read, "read, though its partner takes nothing"

    def _check_nothing_is_stuck(self) -> None:
        for player in self.players:
            room = player.end.peer.room
            if player.lives and not (self.mode.holds and room and len(room.members) < 2):
                assert not player.end.line.inbox, "what was sent isn't read"
                assert player.end.line.reading, "not read, and nobody knows why"

    def _check_everything_came(self) -> None:
        """Who sat together at the last calm and does now, or did until it quit, has heard all that was said between."""
        for (speaker, hearer), before in self._together.items():
            room = hearer.end.peer.room
            has_left_cleanly = speaker.end.closed == "done" and not speaker.why
            are_together = room and hearer.lives and (speaker.end.peer.room is room or has_left_cleanly)
            if are_together and before[:2] == (speaker.sitting, hearer.stays) and speaker.said > before[2]:
                last = hearer.heard.get((speaker.serial, speaker.sitting))
                assert last == speaker.said - 1, f"{speaker.said} said, and heard up to {last}"
        self._together = {
            (speaker, hearer): (speaker.sitting, hearer.stays, speaker.said)
            for speaker in self.players
            for hearer in self.players
            if self.mode.rule != "order" and (speaker is not hearer or self.mode.echo > self.mode.holds)
            if speaker.speaks and hearer.lives and speaker.end.peer.room is hearer.end.peer.room is not None
        }


somebody = precondition(lambda self: any(player.lives for player in self.world.players))
"""Where nobody is there, nothing but a join and time can happen."""


class Machine(RuleBasedStateMachine):
    """Chooses what happens next; a subclass says in which mode."""

    mode = "pair"
    rate = 0.0
    which = st.integers(0, 5)

    @initialize(kinds=st.lists(st.booleans(), min_size=2, max_size=3))
    def begin(self, kinds: list[bool]) -> None:
        """A hub, and some who have come."""
        self.world = World(self.mode, self.rate)
        for speaks_json in kinds:
            self.world.join(speaks_json, "", "", True)

    @precondition(lambda self: sum(player.lives for player in self.world.players) < 5)
    @rule(
        speaks_json=st.booleans(),
        room=st.sampled_from(["", "", "", "a", "b"]),
        name=st.sampled_from(["", "", "ann", "you"]),
        waits=st.booleans(),
    )
    def join(self, speaks_json: bool, room: str, name: str, waits: bool) -> None:
        """Somebody comes, or comes back."""
        self.world.join(speaks_json, room, name, waits)

    @somebody
    @rule(which=which, items=st.lists(st.sampled_from(ITEMS), min_size=1, max_size=9), cut=st.integers(0, 500))
    def utter(self, which: int, items: list[str], cut: int) -> None:
        """Somebody speaks, moves, takes a name, quits, or all of it in one packet."""
        if player := self.world.some(which, speaking=True):
            self.world.utter(player, items, cut)

    @somebody
    @rule(which=which, lines=st.integers(1, 60))
    def pump(self, which: int, lines: int) -> None:
        """Somebody says a lot."""
        if player := self.world.some(which, speaking=True):
            self.world.utter(player, ["line"] * lines, 0)

    @somebody
    @rule(which=which)
    def stop(self, which: int) -> None:
        """Somebody stops reading."""
        if player := self.world.some(which):
            self.world.stop(player)

    @somebody
    @rule(which=which, size=st.sampled_from([None, None, 1, 100, 1000]))
    def read(self, which: int, size: int | None) -> None:
        """Somebody reads on, or a little."""
        if player := self.world.some(which):
            self.world.read(player, size)

    @somebody
    @rule(which=which, how=st.sampled_from(["finish", "leave", "cut"]))
    def end(self, which: int, how: str) -> None:
        """Somebody has no more to say, or its program ends without a word, or its link breaks."""
        if how == "finish" and (player := self.world.some(which, speaking=True)):
            self.world.finish(player)
        elif player := self.world.some(which):
            player.end.leaves() if how == "leave" else player.end.cut()

    @rule(seconds=st.sampled_from([0.01, 0.1, 1.0, 4.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.world.hub.wait(seconds)

    @rule()
    def calm(self) -> None:
        """Everybody reads, and all has come that must."""
        self.world.calm()

    @invariant()
    def holds(self) -> None:
        """What must be so after every step."""
        self.world.check()

    def teardown(self) -> None:
        """What must be so after the last one."""
        self.world.close()


def machine(mode: str, rate: float = 0.0) -> type[Machine]:
    """Return the machine for one mode."""
    return type(f"{mode.title()}Machine", (Machine,), {"mode": mode, "rate": rate})
