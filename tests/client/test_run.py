"""Runs of the client at a terminal, with a real hub in memory: whole conversations over links that the test cuts."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.table import Table


class Conversations(SynchronousTestCase):
    """People at terminals, and what each of them sees."""

    def sit(self, *names: str, mode: str = "pair", **more: Any) -> Any:
        """Return a table, and people at it who have looked at their greetings."""
        table = Table(mode, **more)
        seats = [table.sit(name) for name in names]
        for seat in seats:
            seat.rows()
        return table, *seats

    def test_there_and_back(self) -> None:
        """Lines are heard once, in order, both ways, and are got: nothing is unsent, and /quit ends with 0."""
        table, ann, bob = self.sit("ann", "bob")
        ann.types("one", "/me waves", "/msg bob psst")
        bob.types("two")
        table.settle()
        self.assertEqual(bob.rows(), ["you: two", "ann: one", "* ann waves", "-!- ann tells you: psst"])
        self.assertEqual(ann.rows()[-1], "bob: two")
        self.assertEqual(ann.status(), "connected · ann · lobby · with bob")
        ann.types("/quit")
        table.settle()
        self.assertEqual(bob.rows(), ["-!- ann left (quit)"])
        self.assertEqual((ann.run.status, ann.stopped), (0, True))

    def test_a_cut_link(self) -> None:
        """What is said over a cut is counted and arrives once; the own ghost is taken over, and all say so (A9)."""
        table, ann, bob = self.sit("ann", "bob")
        ann.types("before")
        ann.wire.lose()  # at this side only: the hub takes the old link for alive
        ann.types("after")
        self.assertIn(" · 2 unsent · ", ann.status())
        table.settle()
        self.assertEqual(ann.rows()[-1], "-!- connected again")
        self.assertEqual(ann.status(), "connected · ann · lobby · with bob")
        self.assertEqual(bob.rows(), ["ann: before", "ann: after"])

    def test_away_and_back(self) -> None:
        """A partner whose link is cut is away, what is said then is unsent, and it is heard when they are back."""
        table, ann, bob = self.sit("ann", "bob")
        hub, table.hub = table.hub, None
        bob.wire.abortConnection()
        hub.wait(0.1)
        ann.hears()
        ann.types("still there?")
        self.assertEqual(ann.status(), "connected · ann · 1 unsent · lobby · bob is away")
        table.hub = hub
        table.settle(5)
        self.assertEqual(ann.status(), "connected · ann · lobby · with bob")
        self.assertEqual(
            ann.rows(),
            ["-!- bob is away (link lost), what you say is kept", "you: still there?", "-!- bob is back"],
        )
        self.assertEqual(bob.rows()[-1], "ann: still there?")

    def test_a_killed_hub(self) -> None:
        """Ten restarts of the hub, with lines said before, during and after: each is heard once, in order."""
        table, ann, bob = self.sit("ann", "bob")
        for number in range(10):
            ann.types(f"{number} a")
            bob.types(f"{number} x")
            table.kill_hub()
            ann.types(f"{number} b")
            table.settle(0.3)
            table.start_hub()
            table.settle(10)
            ann.types(f"{number} c")
            table.settle()
        said = [row for row in bob.rows() if row.startswith("ann: ")]
        self.assertEqual(said, [f"ann: {number} {part}" for number in range(10) for part in "abc"])
        self.assertEqual([r for r in ann.rows() if r.startswith("bob: ")], [f"bob: {number} x" for number in range(10)])
        self.assertEqual(ann.status(), "connected · ann · lobby · with bob")

    def test_a_lost_partner(self) -> None:
        """A partner who doesn't come back was lost: the line itself is told to be not delivered, and isn't handed on."""
        table, ann, bob = self.sit("ann", "bob")
        bob.dies()
        table.settle()
        ann.types("are you there?")
        table.settle(130)
        self.assertEqual(ann.rows()[-2:], ["-!- bob left (lost)", "-!- not delivered: are you there?"])
        self.assertEqual(ann.status(), "connected · ann · lobby · waiting for a partner (bob was lost)")
        carl = table.sit("carl")
        self.assertEqual(carl.rows(), ["-!- you are carl in lobby, with ann (/help)"])

    def test_said_to_nobody(self) -> None:
        """Lines to nobody wait for whoever comes; who goes to another room is told that they weren't delivered (A12)."""
        table, ann = self.sit("ann")
        ann.types("hello?", "/me waves")
        self.assertEqual(ann.status(), "connected · ann · 2 unsent · lobby · waiting for a partner")
        ann.types("/join tea")
        table.settle()
        self.assertEqual(
            ann.rows()[2:],
            ["-!- not delivered: hello?", "-!- not delivered: waves", "-!- now in tea: waiting for a partner"],
        )
        ann.types("in tea", "/join lobby", "/quit")
        table.settle()
        self.assertEqual(ann.rows()[-1], "-!- not delivered: in tea")
        self.assertEqual(ann.run.status, 4)

    def test_a_killed_netcat(self) -> None:
        """A5: the partner's `nc` is killed: every line it didn't take is marked, and the next one hears none of them."""
        table, ann = self.sit("ann")
        nc = table.hub.nc()
        table.settle()
        nc.line.is_gone = True
        nc.finishes()
        table.settle()
        self.assertEqual(ann.status(), "connected · ann · lobby · guest-1 has finished")
        ann.types("one")
        table.settle(1)
        ann.types("two")
        table.settle(3)
        rows = ann.rows()
        self.assertIn("-!- guest-1 left (lost)", rows)
        self.assertEqual([row for row in rows if "delivered: one" in row or "delivered: two" in row].__len__(), 2, rows)
        bob = table.sit("bob")
        self.assertEqual([row for row in bob.rows() if row.startswith("ann: ")], [])

    def test_many(self) -> None:
        """In a larger room names, private lines, drafts of several, and a taken name work over sessions as well."""
        table, ann, bob, carl = self.sit("ann", "bob", "carl", mode="room")
        carl.types("/nick dora", "hi all")
        ann.types("/msg bob psst", "/live")
        bob.run._session.send({"verb": "type", "keys": "hel"})
        carl.run._session.send({"verb": "type", "keys": "yes"})
        table.settle()
        self.assertEqual(
            {name: draft.text for name, draft in ann.run.chat.drafts.items()}, {"bob": "hel", "dora": "yes"}
        )
        self.assertEqual(bob.rows(), ["-!- carl is now known as dora", "dora: hi all", "-!- ann tells you: psst"])
        self.assertNotIn("psst", carl.screen)
        self.assertEqual(carl.rows(), ["carl: hi all", "-!- you are now known as dora"])
        ann.wire.abortConnection()
        table.settle(0)
        self.assertEqual(bob.status(), "connected · bob · lobby · with dora, ann is away")

    def test_many_and_a_killed_hub(self) -> None:
        """In a larger room, too, all who come back to a restarted hub are here again, and what was said is heard once."""
        table, ann, bob, carl = self.sit("ann", "bob", "carl", mode="room")
        table.kill_hub()
        ann.types("during")
        self.assertIn("1 unsent", ann.status())
        table.settle(0.3)
        table.start_hub("room")
        table.settle(20)
        for seat, others in ((ann, "bob, carl"), (bob, "ann, carl"), (carl, "ann, bob")):
            *_, with_ = seat.status().split(" · ")
            self.assertEqual(sorted(with_.removeprefix("with ").split(", ")), others.split(", "), seat.status())
        for seat in (bob, carl):
            rows = seat.rows()
            self.assertEqual(rows.count("ann: during"), 1)
            self.assertEqual([row for row in rows if row.endswith("joined")], [])

    def test_many_and_one_that_never_comes_back(self) -> None:
        """Who doesn't come back to a restarted hub within the grace was lost, and the status doesn't say away for ever."""
        table, ann, bob, carl = self.sit("ann", "bob", "carl", mode="room")
        carl.dies()
        table.kill_hub()
        table.start_hub("room")
        table.settle(20)
        self.assertEqual(ann.status(), "connected · ann · lobby · with bob, carl is away")
        table.settle(130)
        bob.types("hi")
        table.settle()
        self.assertEqual(ann.status(), "connected · ann · lobby · with bob")
        self.assertEqual(ann.rows()[-2:], ["-!- carl left (lost)", "bob: hi"])

    def test_a_log_on_a_full_disk(self) -> None:
        """A transcript that can't be written ends, which is said behind the row that it lacks."""
        table, ann = self.sit("ann")
        ann.types("/log /dev/full", "/log")
        table.settle()
        self.assertEqual(
            [row for row in ann.rows() if "log" in row],
            [
                "-!- logged to /dev/full from now on",
                "-!- no longer logged: /dev/full: No space left on device",
                "-!- not logged; /log FILE begins",
            ],
        )

    def test_both_have_finished(self) -> None:
        """When both have said /done and all is got, both end with 0."""
        table, ann, bob = self.sit("ann", "bob")
        ann.types("one", "/done")
        table.settle()
        self.assertEqual(bob.status(), "connected · bob · lobby · ann has finished")
        bob.types("two", "/done")
        table.settle()
        self.assertEqual((ann.run.status, bob.run.status), (0, 0))
        self.assertIn("bob: two", ann.rows())

    def test_asked_for_a_name(self) -> None:
        """In a room of names a person without one is asked first; others hear of no guest; a cut asks nobody again."""
        table, bob = self.sit("bob", mode="room")
        ann = table.sit("")
        self.assertEqual((ann.status(), ann.run.chat.prompt), ("choose a name", "Your name: "))
        ann.types("", "a b")
        table.settle(600)  # nobody is hurried, and no link waits meanwhile
        self.assertEqual(
            ann.rows(),
            [
                "-!- which name do you take?",
                "-!- a name has at least one character",
                "-!- a name is made of letters, digits, _ and -",
            ],
        )
        self.assertEqual((ann.status(), table.hub.rooms()), ("choose a name", {"lobby": ["bob"]}))
        ann.types("ann")
        table.settle()
        self.assertEqual(ann.rows(), ["-!- you are ann in lobby, with bob (/help)"])
        ann.types("hello")
        table.settle()
        self.assertEqual(bob.rows(), ["-!- ann joined", "ann: hello"])
        ann.wire.abortConnection()
        table.settle(5)
        self.assertEqual(ann.status(), "connected · ann · lobby · with bob")

    def test_asked_for_another_name(self) -> None:
        """001-6: a name that is taken is refused with the reason, and another one asked for, also that of `--name`."""
        table, bob = self.sit("bob", mode="room")
        for name in ("", "Bob"):
            other = table.sit(name)
            if not name:
                other.types("bob")
                table.settle()
            self.assertIn("the name bob is taken", other.rows()[-1].lower())
            self.assertEqual(other.status(), "choose a name")
            other.types("bob-2")
            table.settle()
            self.assertEqual(other.rows()[0], "-!- you are bob-2 in lobby, with bob (/help)")
            other.types("/quit")
            table.settle()
        self.assertEqual(bob.rows(), ["-!- bob-2 joined", "-!- bob-2 left (quit)"] * 2)

    def test_no_name_at_all(self) -> None:
        """Who is asked for a name may leave, and nobody has heard of them."""
        table, bob = self.sit("bob", mode="room")
        ann = table.sit("")
        ann.types("/quit")
        table.settle()
        self.assertEqual((ann.run.status, ann.stopped, bob.rows()), (0, True, []))

    def test_modes_without_sessions(self) -> None:
        """Where the mode has no sessions a lost link is the end, with status 1; lines go as they always did."""
        for mode in ("talk", "duet"):
            table, ann, bob = self.sit("ann", "bob", mode=mode)
            ann.types("hello")
            table.settle()
            self.assertIn(": hello", bob.rows()[-1])
            ann.wire.lose()
            table.settle()
            self.assertEqual((ann.run.status, "is lost" in ann.run.why), (1, True))

    def test_nothing_is_got_that_isnt_drawn(self) -> None:
        """A terminal that is stopped gets nothing: the other's line is unsent until it goes on."""
        table, ann, bob = self.sit("ann", "bob")
        bob.run.hold(True)
        ann.types("look")
        table.settle()
        ann.wire.lose()
        self.assertIn("1 unsent", ann.status())
        self.assertEqual(bob.rows(), [])
        table.settle()
        bob.run.hold(False)
        table.settle()
        self.assertEqual(bob.rows(), ["ann: look"])
        self.assertNotIn("unsent", ann.status())

    def test_a_signal(self) -> None:
        """A signal leaves as lost, at once, and says what isn't delivered."""
        table, ann, bob = self.sit("ann", "bob")
        bob.run.hold(True)
        ann.types("look")
        table.settle()
        ann.run._signalled(15)
        table.settle()
        self.assertEqual(ann.run.status, 143)
        self.assertEqual(ann.rows()[-1], "-!- perhaps not delivered: look")
        bob.run.hold(False)
        table.settle()
        self.assertEqual(bob.rows(), ["ann: look", "-!- ann left (lost)"])
