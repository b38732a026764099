"""The conversation as one client knows it: events in, rows and verbs out."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from chatterbox.client.terminal.manner import MANNERS
from chatterbox.client.terminal.roster import LIMIT
from chatterbox.client.terminal.rows import width
from chatterbox.core.modes import MODES
from tests.harness.chats import BOB, ChatCase
from tests.harness.inputs import PROPERTY
from tests.harness.played import WELCOME


class Hearing(ChatCase):
    """What the hub says, and what is shown of it."""

    def test_said(self) -> None:
        """A line is shown under its speaker's name; the echo of an own one is not shown again."""
        self.assertEqual(self.hear("said", **{"from": "bob", "text": "hi"}), ["bob: hi"])
        self.assertEqual(self.enter("hello"), ["you: hello"])
        self.assertEqual(self.hear("said", **{"from": "ann", "text": "hello", "own": True}), [])
        self.assertEqual(self.take(), [{"verb": "say", "text": "hello"}])

    def test_did_and_told(self) -> None:
        """What somebody does is starred, own deeds too; what is told to one person is marked as such."""
        self.assertEqual(self.hear("did", **{"from": "bob", "text": "waves"}), ["* bob waves"])
        self.assertEqual(self.enter("/me nods"), ["* ann nods"])
        self.assertEqual(self.hear("did", **{"from": "ann", "text": "nods", "own": True}), [])
        self.assertEqual(self.hear("told", **{"from": "bob", "text": "psst"}), ["-!- bob tells you: psst"])
        self.assertEqual(self.enter("/msg bob psst yourself"), ["-!- to bob (private): psst yourself"])
        self.assertEqual(
            self.take(), [{"verb": "me", "text": "nods"}, {"verb": "msg", "to": BOB, "text": "psst yourself"}]
        )

    def test_who_is_here(self) -> None:
        """Joins, leaves and renames are shown and kept in the list, in order of joining."""
        self.assertEqual(self.hear("left", name="bob", why="lost"), ["-!- bob left (lost)"])
        self.assertEqual(self.chat.status(80), "connected · ann · lobby · waiting for a partner (bob was lost)")
        self.assertEqual(self.hear("joined", name="carl"), ["-!- carl joined"])
        self.assertEqual(self.hear("renamed", name="carl", to="karl"), ["-!- carl is now known as karl"])
        self.assertEqual(self.chat.others, ["karl"])
        self.assertEqual(self.hear("renamed", name="ann", to="anna", own=True), ["-!- you are now known as anna"])
        self.assertEqual(self.chat.roster.names, ["anna", "karl"])
        self.assertEqual(self.hear("finished", name="karl"), ["-!- karl has finished"])
        self.assertEqual(self.hear("here", room="lobby", names=["a", "anna"]), ["-!- here: a, anna"])
        self.assertEqual(self.chat.others, ["a"])

    def test_leaving(self) -> None:
        """Who went to another room is said to have gone there, where the hub tells which; other words stay."""
        for more, row in (
            ({"why": "moved", "to": "tea"}, "bob went to tea"),
            ({"why": "moved", "room": "tea"}, "bob went to tea"),
            ({"why": "moved"}, "bob went to another room"),
            ({"why": "lost"}, "bob left (lost)"),
        ):
            self.welcome()
            self.assertEqual(self.hear("left", name="bob", **more), [f"-!- {row}"])

    def test_status(self) -> None:
        """The link and the own name come first; who has finished is said; many names are counted where they don't fit."""
        self.hear("finished", name="bob")
        self.assertEqual(self.chat.status(80), "connected · ann · lobby · bob has finished")
        self.welcome("talk", seats=None, label="nick", here=["ann", *(f"longername{n}" for n in range(8))])
        self.assertEqual(self.chat.status(40), "connected · ann · lobby · with 8 others")
        self.assertIn("with longername0, longername1, ", self.chat.status(200))
        for columns in range(200):
            self.assertLessEqual(width(self.chat.status(columns)), columns)
        self.begin()
        self.assertEqual(self.chat.status(40), "connecting")
        self.hear("error", code="name", text="which?")
        self.assertEqual(self.chat.status(40), "choose a name")

    def test_a_narrow_screen(self) -> None:
        """The link and the own name stay, then who is here; the room, and "live", go where there is no room for them."""
        names = [f"name{n}" for n in range(300)]
        self.welcome("room", name="山田太郎" * 4, room="r" * 64, seats=None, label="nick", ends=[], here=["ann"])
        self.chat.roster.begin(names)
        self.enter("/live")
        for columns, line in (
            (79, f"connected · {'山田太郎' * 2}山… · {'r' * 19}… · with 300 others · live"),
            (39, "connected · 山田太郎山… · with 300 ot…"),
            (29, "connected · 山田太郎山田太郎…"),
            (19, "connected · 山田太…"),
            (9, "connecte…"),
        ):
            self.assertEqual((self.chat.status(columns), width(line) <= columns), (line, True))
        self.chat.waits(100.0, "why")
        self.assertEqual(self.chat.status(39), "lost, retry in 100 s · 山田… · rrrrr…")

    def test_a_crowd(self) -> None:
        """Sixty thousand that join, of whom a lying hub tells, take bounded memory and no time that grows (B11)."""
        self.welcome("room", seats=None, here=["ann"])
        began = time.monotonic()
        for number in range(60_000):
            self.chat.heard({"event": "joined", "name": f"n{number}"})
            self.chat.heard({"event": "renamed", "name": f"n{number}", "to": f"m{number}"})
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(len(self.chat.roster), LIMIT)
        self.chat.heard({"event": "here", "names": [f"k{number}" for number in range(60_000)]})
        self.assertEqual(len(self.chat.roster), LIMIT)
        self.assertEqual(self.chat.roster.names[:2], ["k0", "k1"])

    def test_reply(self) -> None:
        """`/r` answers who told something last, under their new name; somebody ignored is not answered."""
        self.assertEqual(self.enter("/r hi"), ["-!- nobody has told you anything in private yet"])
        self.hear("told", **{"from": "bob", "text": "psst"})
        self.courier.company.renamed({"stream": BOB, "to": "rob"})
        self.hear("renamed", name="bob", to="rob")
        self.enter("/ignore eve")
        self.hear("told", **{"from": "eve", "text": "psst"})
        self.assertEqual(self.enter("/r hi there"), ["-!- to rob (private): hi there"])
        self.assertEqual(self.take(), [{"verb": "msg", "to": BOB, "text": "hi there"}])
        self.assertEqual(self.enter("/msg carl hi"), ["-!- nobody here is called carl: not sent"])

    def test_done(self) -> None:
        """After `/done` nothing more is said, by a paste neither; in a larger room it isn't taken."""
        self.enter("/done")
        self.assertEqual(self.take(), [{"verb": "done"}])
        for line in ("hi", "/me waves", "/msg bob psst", "//x"):
            self.assertEqual(self.enter(line), ["-!- you have said /done, so nothing more is sent; /quit leaves"])
        self.assertFalse(self.person.enter_all(["a", "b"]))
        self.enter("/who")
        self.assertEqual(self.take(), [{"verb": "who"}])
        self.welcome("room", seats=None)
        self.assertEqual(self.enter("/done"), ["-!- /done is for two: here /quit leaves"])
        self.assertEqual(self.take(), [])

    def test_too_long(self) -> None:
        """A line of the most bytes is sent; one more, in any command or paste, stays in the editor with its length."""
        self.assertTrue(self.person.enter("é" * 2048))
        self.assertEqual(len(self.take()), 1)
        for line in ("é" * 2048 + "x", "/me " + "x" * 4097, "/msg bob " + "x" * 4097):
            self.assertFalse(self.person.enter(line))
            self.assertEqual(self.out.rows[-1], "-!- not sent: 4097 bytes, at most 4096")
        self.assertFalse(self.person.enter_all(["a", "x" * 4097, "b"]))
        self.assertEqual(self.out.rows[-1], "-!- not sent: 4097 bytes, at most 4096 a line; the whole paste waits")
        self.assertEqual(self.take(), [])
        self.welcomed(max_line=10)
        self.assertFalse(self.person.enter("x" * 11))
        self.assertTrue(self.person.enter("x" * 10))

    def test_a_refused_draft(self) -> None:
        """The status says why a line was refused, counts again with each key, and forgets it when the line fits."""
        self.person.enter("x" * 4100)
        self.assertEqual(self.chat.status(80)[:50], "not sent: 4100 bytes, at most 4096 · connected · a")
        self.assertEqual(self.chat.status(39), "not sent: 4100 bytes, at most 4096")
        self.person.edited("x" * 4099)
        self.assertTrue(self.chat.status(80).startswith("not sent: 4099 bytes, at most 4096"))
        self.person.edited("x" * 4096)
        self.person.edited("x" * 4099)
        self.assertEqual(self.chat.status(80), "connected · ann · lobby · with bob")

    def test_a_refused_word_leaves_the_line(self) -> None:
        """A slash word that isn't one, or lacks an argument, is over: the line is empty for the next."""
        for line in ("/bell", "/foo", "/msg bob", "/nick"):
            self.assertTrue(self.person.enter(line), line)
        self.assertEqual(self.take(), [])

    def test_a_seat_changes_hands(self) -> None:
        """Where every seat was taken, who joins has taken the seat of somebody who had finished."""
        self.hear("finished", name="bob")
        self.hear("joined", name="carl")
        self.assertEqual(self.chat.others, ["carl"])

    def test_greeting(self) -> None:
        """The first welcome says who and with whom, another room's where, a second link's that it is back."""
        self.assertEqual(self.greeting, ["-!- you are ann in lobby, with bob (/help)"])
        self.courier.company.moved(True)
        self.assertEqual(self.welcomed("carl", room="tea"), ["-!- now in tea: with carl"])
        self.cut()
        self.assertEqual(self.welcomed("carl", room="tea"), ["-!- connected again"])

    def test_what_came_meanwhile(self) -> None:
        """A welcome after a cut tells who left and who came; who is away is known by stream, whatever the hub says."""
        self.cut()
        self.assertEqual(self.welcomed("dora"), ["-!- connected again", "-!- bob left (lost)", "-!- dora joined"])
        self.cut()
        again = {"name": "guest-1", "stream": "d" * 16, "session": True, "away": True}
        self.courier.up = True
        self.courier.company.welcome({"ends": [again]}, 0)
        self.assertEqual(self.hear(**WELCOME | {"ends": [again]}), ["-!- connected again"])
        self.assertEqual(self.chat.status(80), "connected · ann · lobby · dora is away")
        self.courier.company.seen(again | {"name": "theodora", "away": False})
        self.assertEqual(self.hear("back", name="theodora", stream="d" * 16), ["-!- theodora is back"])
        self.assertEqual(self.chat.status(80), "connected · ann · lobby · with theodora")

    def test_away(self) -> None:
        """Who is away is said, in the status as well; a link made anew without an absence is nobody's news."""
        self.assertEqual(self.hear("back", name="bob"), [])
        self.assertEqual(self.hear("away", name="bob"), ["-!- bob is away (link lost), what you say is kept"])
        self.assertEqual(self.chat.status(80), "connected · ann · lobby · bob is away")
        self.hear("renamed", name="bob", to="rob")
        self.hear("here", names=["rob", "ann"])
        self.assertEqual(self.chat.status(80), "connected · ann · lobby · rob is away")
        self.assertEqual(self.hear("back", name="rob"), ["-!- rob is back"])
        self.chat.seats = None
        self.hear("joined", name="carl")
        self.hear("finished", name="rob")
        self.hear("joined", name="dora")
        self.hear("away", name="carl")
        self.assertIn(" · with dora, carl is away, rob has finished", self.chat.status(80))

    def test_missed(self) -> None:
        """Lines that never come are counted, by their speaker."""
        self.chat.missed("bob", 12)
        self.chat.missed("bob", 1)
        self.assertEqual(self.out.rows, ["-!- 12 lines of bob were missed", "-!- 1 line of bob was missed"])

    def test_many_lines_at_once(self) -> None:
        """Lines that come in one event are rows of their own, clean."""
        said = {"from": "bob", "text": "one\n\ntwo\x1b[2J"}
        self.assertEqual(self.hear("said", **said), ["bob: one", "bob: ", "bob: two[2J"])

    def test_mentions_and_bell(self) -> None:
        """The bell rings for a mention, for everything, or never; no letter and no port is a name to be mentioned."""
        self.hear("said", **{"from": "bob", "text": "hi all"})
        self.assertEqual(self.out.rings, 0)
        self.hear("said", **{"from": "bob", "text": "hi Ann"})
        self.hear("told", **{"from": "bob", "text": "psst"})
        self.assertEqual(self.out.rings, 2)
        self.assertEqual(self.out.kinds[-2:], ["mention", "mention"])
        self.enter("/bell all")
        self.hear("said", **{"from": "bob", "text": "hi all"})
        self.assertEqual(self.out.rings, 3)
        self.enter("/bell off")
        self.hear("said", **{"from": "bob", "text": "hi ann"})
        self.assertEqual(self.out.rings, 3)
        self.assertEqual(self.enter("/bell loud"), ["-!- usage: /bell off|mention|all"])
        self.welcome("duet", name="X", label="letter", here=["X"])
        self.hear("said", **{"from": "Y", "text": "generation X"})
        self.assertEqual(self.out.rings, 0)

    def test_ignore(self) -> None:
        """Who is ignored is not heard in any way, under a new name neither, and can be heard again."""
        self.assertEqual(self.enter("/ignore"), ["-!- ignored: nobody"])
        self.enter("/ignore BOB")
        self.assertEqual(self.enter("/ignore"), ["-!- ignored: bob"])
        for event in ("said", "did", "told"):
            self.assertEqual(self.hear(event, **{"from": "bob", "text": "hi"}), [])
        self.hear("renamed", name="bob", to="rob")
        self.assertEqual(self.hear("said", **{"from": "rob", "text": "hi"}), [])
        self.hear("renamed", name="rob", to="ROB")
        self.assertEqual(self.hear("said", **{"from": "ROB", "text": "hi"}), [])
        self.assertEqual(self.enter("/ignore rob"), ["-!- rob is heard again"])
        self.assertEqual(self.hear("said", **{"from": "rob", "text": "hi"}), ["rob: hi"])

    def test_ignore_any_spelling(self) -> None:
        """A name is ignored in whatever case and composition it is typed."""
        self.enter("/ignore JOSE\u0301")
        self.assertEqual(self.hear("said", **{"from": "José", "text": "hola"}), [])

    def test_ignore_both(self) -> None:
        """Somebody whose old and new name are both ignored stays ignored; a stranger's rename changes nothing."""
        for name in ("bob", "rob"):
            self.enter(f"/ignore {name}")
        self.hear("renamed", name="bob", to="rob")
        self.assertEqual(self.hear("said", **{"from": "rob", "text": "hi"}), [])
        self.hear("renamed", name="rob", to="bob")
        self.hear("renamed", name="carl", to="rob")
        self.assertEqual(self.hear("said", **{"from": "bob", "text": "hi"}), [])
        self.assertEqual(self.hear("said", **{"from": "rob", "text": "hi"}), ["rob: hi"])

    def test_ignored_drafts(self) -> None:
        """A draft that is seen goes when its writer is ignored, and comes back whole when they are not."""
        self.enter("/live")
        self.hear("typed", **{"from": "bob", "keys": "hel"})
        self.enter("/ignore Bob")
        self.assertEqual(self.chat.drafts, {})
        self.hear("typed", **{"from": "bob", "keys": "lo"})
        self.assertEqual(self.chat.drafts, {})
        self.enter("/ignore Bob")
        self.assertEqual(self.chat.drafts["bob"].text, "hello")

    @PROPERTY
    @given(
        st.dictionaries(
            st.sampled_from(["event", "from", "text", "name", "to", "why", "keys", "here", "names", "seats", "room"]),
            st.recursive(st.text(max_size=9) | st.integers() | st.none() | st.booleans(), st.lists, max_leaves=4),
        ),
        st.sampled_from([*MODES, "none"]),
        st.sampled_from(
            [
                "welcome",
                "joined",
                "left",
                "renamed",
                "said",
                "did",
                "told",
                "here",
                "typed",
                "notice",
                "error",
                "closed",
            ]
        ),
    )
    def test_hostile_events(self, event: dict[str, object], mode: str, kind: str) -> None:
        """No event of any shape raises, in any mode."""
        self.welcome(mode)
        self.chat.heard(event)
        self.chat.heard(event | {"event": kind})
        self.chat.status(80)
        for row in self.out.rows:
            self.assertNotIn("\x1b", row)


class Names(ChatCase):
    """Being asked for a name."""

    def test_asked(self) -> None:
        """An error before the welcome asks; the next line is the answer; the welcome ends the asking."""
        self.begin()
        self.assertEqual(self.hear("error", code="name", text="which name?"), ["-!- which name?"])
        self.assertEqual(self.chat.prompt, "Your name: ")
        self.assertEqual(self.enter(" ann "), [])
        self.assertEqual(self.take(), [{"verb": "nick", "name": "ann"}])
        self.welcomed()
        self.assertEqual((self.chat.prompt, self.chat.name), ("> ", "ann"))

    def test_later(self) -> None:
        """A name refused in mid-conversation, or after a lost link, is an error like any other."""
        self.enter("/nick bob")
        self.assertEqual(self.take(), [{"verb": "nick", "name": "bob"}])
        self.hear("error", code="name", text="bob is taken")
        self.assertFalse(self.chat.asking)
        self.cut()
        self.hear("error", code="name", text="ann is taken")
        self.assertFalse(self.chat.asking)
        self.hear("renamed", name="ann", to="anna", own=True)
        self.assertEqual(self.chat.name, "anna")

    def test_a_suggestion(self) -> None:
        """A taken name gets one that is free, as far as is known; other faults of a name get none."""
        for wish, text, free in (
            ("bob", "the name bob is taken", "; bob-2 is free"),
            ("BOB", "the name BOB is taken", "; BOB-2 is free"),
            ("a b", "no name", ""),
        ):
            self.enter(f"/nick {wish}")
            self.assertEqual(self.hear("error", code="name", text=text), [f"-!- {text}{free}"])
        self.welcome("room", seats=None, label="nick", ends=[{"name": n, "stream": n} for n in ("bob", "bob-2")])
        self.enter("/nick bob")
        self.assertEqual(self.hear("error", code="name", text="taken"), ["-!- taken; bob-3 is free"])

    def test_bad_room(self) -> None:
        """A bad room before the welcome is final; later the person stays where they are."""
        self.hear("error", code="room", text="no")
        self.assertEqual(self.out.ended, [])
        self.begin()
        self.hear("error", code="room", text="no such room")
        self.assertEqual(self.out.ended, [(3, "no such room")])


class Manners(ChatCase):
    """How the modes read (the rest is in test_screen, on real terminals)."""

    def test_every_mode(self) -> None:
        """Every manner belongs to a mode of the hub, and every mode has a prompt or waits with it."""
        self.assertLessEqual(set(MANNERS) - {"bare"}, set(MODES))
        for mode in MODES:
            self.welcome(mode)
            self.assertEqual(self.chat.prompt, "" if mode == "order" else "> ")

    def test_own_lines(self) -> None:
        """Own lines are marked as the mode marks lines."""
        for label, row in ((None, "you: hi"), ("nick", "ann: hi"), ("letter", "ann: hi"), ("port", "hi")):
            self.welcome(label=label)
            self.assertEqual(self.enter("hi"), [row])

    def test_order(self) -> None:
        """The prompt comes with the confirmation and goes with the message; the verdict makes the end a clean one."""
        self.welcome("order", name="X", label="letter", here=["X"])
        self.assertEqual((self.greeting, self.chat.prompt), ([], ""))
        self.assertEqual(self.hear("notice", text="Client X has connected."), ["Client X has connected."])
        self.assertEqual(self.chat.prompt, "Enter a message to send to the server: ")
        self.assertEqual(self.enter("Alice"), ["Enter a message to send to the server: Alice"])
        self.assertEqual(self.chat.prompt, "")
        self.hear("notice", text="X: Alice received before Y: Bob")
        self.hear("closed", why="bye", text="that was the verdict")
        self.assertEqual(self.out.rows[-1], "X: Alice received before Y: Bob")
        self.assertEqual(self.chat.verdict(1, "it broke"), (0, ""))

    def test_duet(self) -> None:
        """`Bye` from the other end makes the end a clean one."""
        self.welcome("duet", name="X", label="letter", here=["X"], farewell=["/quit", "Bye"])
        self.assertEqual(self.hear("said", **{"from": "Y", "text": "Bye"}), ["Y: Bye"])
        self.assertEqual(self.chat.verdict(1, "it broke"), (0, ""))
