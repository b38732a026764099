"""Sessions that go from room to room over several machines: they stay sessions, wherever the rooms live."""

from __future__ import annotations

import json

from chatterbox.limits import Limits
from chatterbox.wire.dialects import QUESTION
from chatterbox.wire.numbered import Json
from tests.cluster.test_nodes import Machines
from tests.harness.memory import End
from tests.harness.nodes import Node
from tests.harness.session_client import Client


class Moves(Machines):
    """Pairs; nobody asks for blocks."""

    blocks = False

    def session(self, node: Node, room: str, name: str) -> Client:
        """Return a session that sits in `room`."""
        client = Client(node.hub, room, name, blocks=self.blocks)
        self.fleet.talk(client)
        return client

    def goes(self, client: Client, room: str, *others: Client) -> None:
        """Let a session go to `room`, and all hear of it."""
        client.resume.join(room, client.now)
        self.fleet.talk(client, *others)
        self.assertEqual(client.resume.room, room)
        owner = self.fleet.owner(room)
        is_home = owner is not None and owner.hub is client.hub
        self.assertEqual(client.resume._says_blocks, self.blocks and is_home)

    def talk(self, one: Client, other: Client) -> None:
        """Let two say two lines to each other, which both hear and which are got."""
        self.assertIn(other.resume.stream, one.resume.company.ends)
        self.assertIn(one.resume.stream, other.resume.company.ends)
        one.said.clear()
        other.said.clear()
        one.says("one", "two")
        other.says("three", "four")
        self.fleet.talk(one, other)
        self.assertEqual((other.said, one.said), (["one", "two"], ["three", "four"]))
        self.assertEqual((one.resume.outbox.empty, other.resume.outbox.empty), (True, True))

    def test_every_way(self) -> None:
        """From home to elsewhere, from there to a third machine, back home, and from elsewhere to home."""
        ann = self.session(self.a, "tea", "ann")
        there = {room: self.session(node, room, f"in-{room}") for room, node in (("milk", self.b), ("rum", self.c))}
        host = self.session(self.a, "tea", "host")
        self.fleet.talk(ann, host)
        self.talk(ann, host)
        streams = {ann.resume.stream}
        for room in ("milk", "rum", "milk", "tea", "rum", "tea", "milk"):
            other = host if room == "tea" else there[room]
            self.goes(ann, room, other)
            self.talk(ann, other)
            streams.add(ann.resume.stream)
        self.fleet.talk(host)
        self.assertEqual(len(streams), 1)
        self.assertEqual((host.resume.company.ends, host.events.count("left")), ({}, 3))

    def test_beside_a_plain_end(self) -> None:
        """What a session and an `nc` say to each other after the move is heard, also in one packet with it."""
        ann = self.session(self.a, "tea", "ann")
        bob = self.nc(self.b, "/join milk", "/nick bob")
        self.goes(ann, "milk")
        self.says(bob, "for you")
        ann.says("hello")
        self.fleet.talk(ann)
        self.assertEqual((ann.said, bob.lines()[-2:]), (["for you"], ["-!- your partner joined", "hello"]))

    def test_a_name_that_was_taken(self) -> None:
        """A session is called what it last asked for, in each room."""
        ann = self.session(self.a, "tea", "ann")
        bob = self.session(self.b, "milk", "bob")
        host = self.session(self.a, "tea", "host")
        self.goes(ann, "milk", bob)
        ann.resume.rename("zoe")
        self.fleet.talk(ann, bob)
        self.assertEqual([end.name for end in bob.resume.company.ends.values()], ["zoe"])
        self.goes(ann, "tea", host)
        self.assertEqual([end.name for end in host.resume.company.ends.values()], ["zoe"])
        self.goes(ann, "milk", bob)
        self.assertEqual([end.name for end in bob.resume.company.ends.values()], ["zoe"])

    def test_a_link_that_breaks_there(self) -> None:
        """A session that has moved and whose link is gone is away there, and comes back through any machine."""
        ann, bob = self.session(self.a, "tea", "ann"), self.session(self.b, "milk", "bob")
        self.goes(ann, "milk", bob)
        for node in (self.c, self.a, self.b):
            ann.cut()
            bob.says(f"for {node.name}")
            self.fleet.talk(bob)
            self.assertEqual(bob.events[-1], "away")
            ann.connect(node.hub)
            self.fleet.talk(ann, bob)
        self.assertEqual(ann.said, ["for n2", "for n0", "for n1"])
        self.assertEqual(bob.events.count("back"), 3)
        self.assertNotIn("left", bob.events)

    def test_one_that_quits_there(self) -> None:
        """Both have finished and know it, after a move; nothing is left anywhere."""
        ann, bob = self.session(self.a, "tea", "ann"), self.session(self.b, "milk", "bob")
        self.goes(ann, "milk", bob)
        ann.says("one").finishes()
        bob.says("two").finishes()
        self.fleet.talk(ann, bob)
        self.assertEqual((ann.exit, bob.exit), ((0, ""), (0, "")))
        self.fleet.wait(135)
        self.assertEqual((self.fleet.leftovers(), self.fleet.engine.memory.rooms), ([], {}))

    def test_a_room_that_is_full(self) -> None:
        """Who finds no seat there is back where it was, a session still, and says on."""
        ann, bob = self.session(self.a, "tea", "ann"), self.session(self.b, "tea", "bob")
        for node, name in ((self.c, "x"), (self.b, "y")):
            self.session(node, "milk", name)
        for mover, other in ((ann, bob), (bob, ann)):
            mover.resume.join("milk", mover.now)
            mover.turn()
            self.fleet.talk(mover, other)
            self.assertEqual(mover.resume.room, "tea")
            self.talk(mover, other)

    def test_a_room_that_is_asked_for_by_a_hello(self) -> None:
        """Who was away in one room and comes back to another machine's is let go from the first, which has a seat again."""
        for is_told, machine in ((True, self.c), (False, self.b), (True, self.a)):
            room = f"tea{machine.name}{is_told}"
            ann, bob = self.session(self.a, room, "ann"), self.session(self.b, room, "bob")
            host = self.session(self.b, f"milk{room}", "host")
            self.fleet.talk(ann, bob, host)
            old = ann.end
            ann.cut(both=is_told)
            ann.resume.join(f"milk{room}", ann.now)
            ann.connect(machine.hub)
            self.fleet.talk(ann, bob, host)
            self.talk(ann, host)
            self.assertEqual((bob.events[-1], bob.resume.company.ends), ("left", {}))
            self.assertTrue(is_told or (old and b"replaced" in old.heard()))
            eve = self.session(self.c, room, "eve")
            self.fleet.talk(eve, bob)
            self.talk(eve, bob)

    def test_a_seat_of_this_session_is_kept(self) -> None:
        """Who goes elsewhere and comes back is not let go by the word that it was elsewhere."""
        ann, bob = self.session(self.a, "tea", "ann"), self.session(self.b, "tea", "bob")
        host = self.session(self.b, "milk", "host")
        ann.cut().resume.join("milk", ann.now)
        ann.connect(self.c.hub)
        self.fleet.talk(ann, bob, host)
        late = next(iter(self.c.cluster.visits.values())).opening
        self.goes(ann, "tea", bob)
        tries = str(json.loads(late.session)["try"])
        self.a.local.sits_elsewhere(ann.resume.stream, json.loads(late.session)["session"], tries, "milk")
        self.fleet.talk(ann, bob)
        self.talk(ann, bob)

    def test_no_seat_is_kept_for_who_moved(self) -> None:
        """A partner that was met before a reconnection is waited for in no other room."""
        ann, bob = self.session(self.a, "tea", "ann"), self.session(self.a, "tea", "bob")
        self.fleet.talk(ann, bob)
        host = self.session(self.b, "milk", "host")
        ann.cut().connect(self.c.hub)  # its hello is `with` bob
        self.fleet.talk(ann, bob, host)
        self.goes(ann, "rum", bob)
        self.assertEqual(ann.resume.company.ends, {})
        self.goes(ann, "milk", host)
        self.talk(ann, host)

    def test_no_seat_is_kept_for_who_left(self) -> None:
        """A partner that was met before a reconnection, and has left, keeps nobody out when the owner dies."""
        host = self.nc(self.a, "/join tea")
        ann = self.session(self.b, "tea", "ann")
        self.says(host, "/quit")
        bob = self.session(self.c, "tea", "bob")
        self.fleet.talk(ann, bob)
        ann.cut().connect(self.b.hub)  # its hello is `with` bob
        self.fleet.talk(ann, bob)
        bob.resume.abandon(1)
        self.fleet.talk(ann, bob)
        carol = self.nc(self.c, "/join tea")
        self.fleet.talk(ann)
        self.a.die(0)
        for _ in range(12):
            self.fleet.talk(ann)
        self.says(carol, "still here")
        self.fleet.talk(ann)
        self.assertEqual((ann.said, carol.closed), (["still here"], ""))

    def test_the_owner_dies_after_a_move(self) -> None:
        """Two who met by moving go on at the next owner."""
        ann, bob = self.session(self.a, "tea", "ann"), self.session(self.c, "rum", "bob")
        host = self.nc(self.b, "/join milk")
        self.goes(ann, "milk")
        host.says("/quit")
        self.goes(bob, "milk", ann)
        self.talk(ann, bob)
        self.b.die(0)
        ann.says("meanwhile")
        for _ in range(12):
            self.fleet.talk(ann, bob)
        self.assertEqual(bob.said[-1], "meanwhile")
        self.talk(ann, bob)


class MovesWithBlocks(Moves):
    """The same of those who ask for blocks: at home they say them, elsewhere they don't."""

    blocks = True


class BehindAJoin(Machines):
    """What a program sends behind a `join` without waiting for the answer."""

    mode = "room"

    def test_blocks_in_any_packets(self) -> None:
        """Blocks behind a move are said in the new room, wherever a packet or the move itself cuts them."""
        blocks = [b"one\n{}\n", b"two\n"]
        sent = [b'{"verb": "join", "room": "milk"}\n']
        for n, block in zip((1, 3), blocks):
            sent += [json.dumps({"verb": "say", "n": n, "gap": 0, "bytes": len(block)}).encode() + b"\n", block]
        everything = b"".join(sent)
        bob = self.nc(self.b, "/join milk", "/nick bob")
        for size in (len(everything), *range(len(sent[0]), len(everything), 7)):
            ann = Client(self.a.hub, "tea", "ann", blocks=True)
            self.fleet.talk(ann)
            assert ann.end is not None
            bob.lines()
            ann.end.sends(everything[:size])
            self.fleet.wait(0.1)
            ann.end.sends(everything[size:])
            self.fleet.wait(0.1)
            self.assertEqual(bob.lines()[1:], ["ann: one", "ann: {}", "ann: two"])
            ann.resume.abandon(1)
            ann.turn()
            self.fleet.wait(0.1)


class BackHome(Machines):
    """Who is refused elsewhere."""

    def test_a_block_that_comes_home(self) -> None:
        """The rest of a block whose speaker is refused elsewhere meanwhile is read at home."""
        for _ in range(2):
            self.nc(self.b, "/join milk")
        bob = self.nc(self.a, "/join tea")
        ann = Client(self.a.hub, "tea", "ann", blocks=True)
        self.fleet.talk(ann)
        assert ann.end is not None
        ann.end.sends(b'{"verb": "join", "room": "milk"}\n{"verb": "say", "n": 1, "gap": 0, "bytes": 8}\none\n')
        self.fleet.wait(0.3)
        ann.end.sends(b"two\n")
        self.fleet.wait(0.1)
        told = [f"-!- your partner {word}" for word in ("joined", "left (moved)", "joined")]
        self.assertEqual(bob.lines(), [*told, "one", "two"])


class LargerRooms(Machines):
    """Rooms of any number."""

    mode = "room"

    def test_every_way(self) -> None:
        """Sessions that come to a larger room elsewhere hear and are heard, beside plain ends."""
        for blocks in (False, True):
            room = f"milk{blocks}"
            ann = Client(self.a.hub, "tea", "ann", blocks=blocks)
            bob, eve = Client(self.b.hub, room, "bob", blocks=blocks), self.nc(self.c, f"/join {room}", "/nick eve")
            self.fleet.talk(ann, bob)
            ann.resume.join(room, ann.now)
            self.fleet.talk(ann, bob)
            ann.says("hello")
            bob.says("hello, ann")
            self.says(eve, "hi")
            self.fleet.talk(ann, bob)
            self.assertEqual((sorted(ann.said), sorted(bob.said)), (["hello, ann", "hi"], ["hello", "hi"]))
            self.assertIn("ann: hello", eve.lines())


class Bulk(Machines):
    """What is said at once."""

    def test_a_long_object(self) -> None:
        """A session elsewhere may say in one object what it may say at home."""
        ann, bob = Client(self.a.hub, "tea", "ann"), Client(self.b.hub, "tea", "bob")
        self.fleet.talk(ann, bob)
        connection = next(iter(self.b.hub.admission.connections))
        self.assertEqual(connection.max_unended, Limits().max_session_json)


class Commands(Machines):
    """What is asked behind a move, in one packet with it."""

    def test_asked_where_it_is_known(self) -> None:
        """The room elsewhere answers, in either dialect: who is there, who is called so, and where one may go from it."""
        for json_ in (False, True):
            room, full = (f"{name}{json_}" for name in ("milk", "rum"))
            bob = self.nc(self.b, f"/join {room}", "/nick bob")
            self.nc(self.c, f"/join {full}")
            self.nc(self.c, f"/join {full}")
            verbs = [("join", room), ("who",), ("msg", "bob", "psst"), ("nick", "zoe"), ("me", "waves"), ("join", full)]
            keys = {"join": ("room",), "who": (), "msg": ("to", "text"), "nick": ("name",), "me": ("text",)}
            objects = [json.dumps({"verb": verb, **dict(zip(keys[verb], args))}) for verb, *args in verbs]
            hello = '{"chatterbox": 1, "room": "tea", "name": "ann"}'
            ann = self.nc(self.a, hello) if json_ else self.nc(self.a, "/join tea", "/nick ann")
            ann.lines()
            self.says(ann, *(objects if json_ else ["/" + " ".join(verb) for verb in verbs]))
            self.says(ann, '{"verb": "say", "text": "here"}' if json_ else "here")
            self.fleet.wait(1)
            heard = "\n".join(ann.lines())
            for word in ("bob", "zoe", f"not moved: room {full} has no free seat"):
                self.assertIn(word, heard)
            self.assertNotIn("nobody", heard)
            told = [line.removeprefix("-!- ") for line in bob.lines()]
            self.assertIn("psst", told[1])
            self.assertEqual(
                [told[0], *told[2:]],
                [
                    "your partner joined",
                    "your partner is now known as zoe",
                    "* zoe waves",
                    "your partner left (moved)",
                    "your partner joined",
                    "here",
                ],
            )
            self.says(ann, '{"verb": "quit"}' if json_ else "/quit")


class Asked(Machines):
    """A room of names on another machine, and people who choose theirs before they sit down."""

    mode = "room"

    def hello(self, number: int, room: str, **more: object) -> list[Json]:
        """Return what a hello at the first machine is answered."""
        end = self.a.hub.json(**{"session": f"{number:032x}", "try": 1, "asks": True, "room": room} | more)
        self.fleet.wait(1)
        self.ends.append(end)
        return end.events()

    def test_before_it_sits_and_never_again(self) -> None:
        """No name, or a taken one, is asked about wherever the room lives; who moves later is given one, as ever."""
        self.ends: list[End] = []
        bob = self.nc(self.b, "/join tea", "/nick bob")
        self.nc(self.c, "/join milk", "/nick ann")
        for number, more, text in ((1, {}, QUESTION), (2, {"name": "bob"}, "the name bob is taken; bob-2 is free")):
            *_, error, closed = self.hello(number, "tea", **more)
            self.assertEqual((error["text"], error["asks"], closed["why"]), (text, True, "quit"))
        self.assertEqual(bob.lines()[1:], [])
        self.assertEqual(self.hello(1, "tea", name="ann", **{"try": 2})[0]["name"], "ann")
        self.hears(bob, "-!- ann joined")
        self.ends[-1].asks("join", room="milk")
        self.fleet.wait(1)
        welcome = next(event for event in self.ends[-1].events() if event["event"] == "welcome")
        self.assertEqual((welcome["room"], welcome["name"], self.ends[-1].closed), ("milk", "ann-2", ""))
