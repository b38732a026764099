"""The client in pipes, with a hub, stdin and stdout that are played: what is written, when it ends, with which status."""

from __future__ import annotations

from twisted.internet import error
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.outputs import LARGEST_TEXT
from chatterbox.client.pipes import pipe as pipes
from chatterbox.client.pipes.pipe import QUIT_PATIENCE, SEND_PATIENCE
from chatterbox.wire.lines import Lines
from tests.harness.memory_hub import BOB
from tests.harness.piping import Played


class BothWays(SynchronousTestCase):
    """What passes between the two sides."""

    def test_stdin_is_said_and_the_other_end_is_heard(self) -> None:
        """Lines of stdin go to the hub, its lines to stdout, all else to stderr."""
        played = Played(name="ann")
        self.assertEqual(played.files.producerState, "paused")
        played.welcomes("bob")
        self.assertEqual(played.files.producerState, "producing")
        played.hears()
        played.types(b"one\ntw")
        played.types(b"o\n")
        self.assertEqual([verb["text"] for verb in played.hears()], ["one", "two"])
        played.bob(1, "hi\nthere", gap=0)
        played.says({"event": "renamed", "name": "bob", "to": "rob", "stream": BOB})
        self.assertEqual(played.files.value(), b"hi\nthere\n")
        self.assertEqual(played.told, b"-!- your partner is now known as rob\n")

    def test_got_is_said_when_stdout_has_it(self) -> None:
        """What waits for a full stdout isn't acknowledged, and at 768 KiB the link isn't read."""
        played = Played()
        played.welcomes("bob")
        played.hears()
        played.files.stuck = True
        played.bob(1, "x" * 4000, gap=0)
        played.clock.pump([0.2] * 5)
        self.assertEqual(played.verbs, [])
        played.bob(2, "\n".join(["y" * 4000] * 200))
        self.assertEqual(played.wire.producerState, "paused")
        played.files.take()
        self.assertEqual(played.hears()[-1], {"verb": "got", "to": BOB, "n": 201})
        self.assertEqual(played.wire.producerState, "producing")

    def test_stdin_waits_for_the_other_end(self) -> None:
        """At 768 KiB that aren't got stdin isn't read, and a got lets it go on; an object has at most 128 KiB of it."""
        played = Played()
        played.welcomes("bob")
        played.hears()
        played.types((b"z" * 999 + b"\n") * 1200)
        self.assertEqual(played.files.producerState, "paused")
        said = played.hears()
        sizes = [len(verb["text"]) + 1 for verb in said]
        self.assertLessEqual(max(sizes), LARGEST_TEXT)
        self.assertEqual([verb["n"] for verb in said], [1 + sum(sizes[:at]) // 1000 for at in range(len(said))])
        self.assertEqual(sum(sizes), 1_048_000)
        played.got(1048)
        self.assertEqual(played.files.producerState, "producing")
        self.assertEqual(sum(sizes) + sum(len(verb["text"]) + 1 for verb in played.hears()), 1_200_000)

    def test_nothing_is_said_before_the_welcome(self) -> None:
        """Data on stdin is never an answer to a question: a name is made up instead (A10, B2)."""
        played = Played()
        played.types(b"deploy\nsecond line\n", last=True)
        played.hears()
        played.says({"event": "error", "code": "name", "text": "which name do you take?"})
        [answer] = played.hears()
        self.assertRegex(answer["name"], r"^guest-\d+$")
        played = Played(name="dup")
        played.hears()
        for number in (2, 3):
            played.says({"event": "error", "code": "name", "text": "the name dup is taken; which name do you take?"})
            self.assertEqual(played.hears(), [{"verb": "nick", "name": f"dup-{number}"}])
        played.says({"event": "closed", "why": "kicked", "text": "that was the last try"})
        played.cuts(error.ConnectionDone())
        self.assertEqual((played.all_gone(), played.told), (3, b"-!- closed (kicked): that was the last try\n"))

    def test_labels(self) -> None:
        """Where a mode has labels they stand before each line; what was done and told is marked; echoes aren't heard."""
        played = Played()
        played.welcomes("bob", seats=None, label="nick", mode="room")
        played.bob(1, "hi\nthere", gap=0)
        played.says(
            {"event": "said", "from": "ann", "text": "mine", "own": True},
            {"event": "did", "from": "bob", "stream": BOB, "n": 3, "text": "waves"},
            {"event": "told", "from": "bob", "stream": BOB, "n": 1, "gap": 0, "private": True, "text": "psst"},
            {"event": "left", "name": "bob", "stream": BOB, "why": "lost"},
        )
        self.assertEqual(played.files.value(), b"bob: hi\nbob: there\n* bob waves\n")
        self.assertEqual(played.told, b"-!- bob tells you: psst\n-!- bob left (lost)\n")

    def test_what_is_altered_is_said_at_the_end(self) -> None:
        """Counts of lines, and of returns that became newlines; a return before a newline is no alteration (A16)."""
        played = Played()
        played.welcomes("bob")
        played.types(b"fine\r\n\x00ok\n\xff\xfe\n\xe2\x80\xa8x\n10%\r20%\n", last=True)
        played.got(6)
        played.bob(1, gap=0)
        played.hangs_up()
        self.assertEqual(played.all_gone(), 0)
        self.assertIn(
            b"controls were removed in 2 lines, invalid UTF-8 was replaced in 1 line, 1 carriage return became a newline",
            played.told,
        )


class Truths(SynchronousTestCase):
    """When it ends, and what its exit status is."""

    def test_both_truths(self) -> None:
        """Status 0: all is got, and the other's last word is on stdout; neither alone is enough."""
        for order in ("got first", "finished first"):
            played = Played()
            played.welcomes("bob")
            played.types(b"hi", last=True)
            for step in ("got", "finished") if order == "got first" else ("finished", "got"):
                self.assertNotIn("quit", played.verbs)
                played.got(1) if step == "got" else played.bob(1, gap=0)
            self.assertEqual(played.hears()[-1], {"verb": "quit", "got": {BOB: 1}, "finished": True})
            played.hangs_up()
            self.assertEqual((played.all_gone(), played.told), (0, b"-!- your partner has finished\n"))

    def test_stdout_has_to_take_the_last_bytes(self) -> None:
        """What was heard and isn't written is no truth yet."""
        played = Played()
        played.welcomes("bob")
        played.types(b"", last=True)
        played.files.stuck = True
        played.bob(1, "hi", gap=0)
        played.bob(2)
        self.assertNotIn("quit", played.verbs)
        played.files.take()
        self.assertIn("quit", played.verbs)

    def test_a_killed_hub(self) -> None:
        """A link that is lost and doesn't come back is status 1, whatever had ended before (A1)."""
        for last in (False, True):
            played = Played(retry=0.0)
            played.welcomes("bob")
            played.types(b"", last=last)
            played.cuts(error.ConnectionDone())
            self.assertEqual(played.all_gone(), 1)
            self.assertEqual(
                played.told, b"chatterbox: the link to example:5000 is lost: the hub closed the connection\n"
            )

    def test_a_hub_that_comes_back(self) -> None:
        """For two minutes a lost link is made again, and said so once; nothing is said twice."""
        played = Played()
        played.welcomes("bob")
        played.types(b"one\n")
        played.refuse = [error.ConnectionRefusedError()] * 3
        played.cuts()
        played.clock.pump([0.5] * 10)
        played.welcomes("bob")
        self.assertEqual(
            played.told, b"-!- no link to the hub (the connection broke): trying again\n-!- connected again\n"
        )
        self.assertEqual(played.hears()[-1], {"verb": "say", "to": BOB, "n": 1, "gap": 0, "text": "one"})

    def test_a_port_without_hub(self) -> None:
        """Before the first welcome nothing is tried again, unless it is asked for."""
        played = Played()
        played.cuts(error.ConnectionDone())
        self.assertEqual(played.all_gone(), 1)
        self.assertIn(b"it may be a TLS port: try tls:example:5000", played.told)
        played = Played(retry=5.0)
        played.cuts(error.ConnectionDone())
        played.clock.pump([0.5] * 4)
        self.assertGreater(len(played.wires), 1)

    def test_a_sender_that_dies(self) -> None:
        """A partner that left before it had finished is status 4, also if stdin ends later (A4)."""
        for early in (True, False):
            played = Played()
            played.welcomes("bob")
            played.bob(1, "half", gap=0)
            if early:
                played.types(b"", last=True)
            played.left()
            if not early:
                self.assertIsNone(played.pipe.status)
                played.types(b"", last=True)
            played.hangs_up()
            self.assertEqual(played.all_gone(), 4)
            self.assertIn(b"left before it had finished\n", played.told)

    def test_a_hearer_that_has_enough(self) -> None:
        """A partner that left with lines on their way: how many is said, and nothing more is (A3, A6)."""
        played = Played()
        played.welcomes("bob")
        played.types(b"one\ntwo\nthree\n")
        played.says({"event": "left", "name": "bob", "stream": BOB, "why": "lost", "got": 1})
        self.assertIn(b"-!- perhaps not delivered: 2 lines\n", played.told)
        played.hears()
        played.types(b"four\n")
        played.joins("cy")
        self.assertEqual(played.hears(), [])
        played.hangs_up()
        self.assertEqual(played.all_gone(), 4)

    def test_a_partner_that_is_replaced(self) -> None:
        """Who comes in place of a lost partner hears nothing that was meant for that one, and it is over."""
        played = Played()
        played.welcomes("bob")
        played.types(b"one\n")
        played.joins("cy")
        self.assertEqual(played.verbs[-1], "quit")
        played.hangs_up()
        self.assertEqual(played.all_gone(), 4)

    def test_a_partner_that_has_it_all(self) -> None:
        """When the partner leaves with nothing on its way, what follows is kept for the next one."""
        played = Played()
        played.welcomes("bob")
        played.types(b"one\n")
        played.got(1)
        played.left("quit")
        played.hears()
        played.types(b"two\n")
        self.assertEqual(played.hears(), [])
        played.joins("cy")
        self.assertEqual(played.hears(), [{"verb": "say", "to": "c" * 16, "n": 1, "gap": 0, "text": "two"}])

    def test_a_line_that_is_too_long(self) -> None:
        """It is dropped and told, the others are delivered, and the status is 4."""
        played = Played()
        played.welcomes("bob")
        played.types(b"one\n" + b"x" * 5000 + b"\nthree\n", last=True)
        self.assertIn(b"-!- not delivered: 1 line\n", played.told)
        self.assertEqual([verb.get("text") for verb in played.hears()[1:]], ["one", "three", None])
        played.got(2)
        played.bob(1, gap=0)
        played.hangs_up()
        self.assertEqual(played.all_gone(), 4)
        self.assertIn(b"not everything was delivered (1 line, 1 of more than 4096 bytes)\n", played.told)

    def test_wait_for_somebody(self) -> None:
        """With --wait it ends when nobody comes, and not when somebody did."""
        played = Played(wait=3.0)
        played.welcomes()
        played.types(b"hi\n", last=True)
        played.joins("bob")
        played.clock.pump([1] * 4)
        self.assertIsNone(played.pipe.status)
        played = Played(wait=3.0)
        played.welcomes()
        played.types(b"hi\n", last=True)
        played.clock.pump([1] * 4)
        self.assertEqual(played.verbs, ["hello", "quit"])
        played.hangs_up()
        self.assertEqual(played.all_gone(), 4)
        self.assertEqual(played.told, b"-!- not delivered: 1 line\nchatterbox: nobody came to hear it\n")

    def test_linger_0_says_and_leaves(self) -> None:
        """It doesn't listen, leaves as soon as all is got, and waits for a listener no longer than 30 s (A11, B3, B4)."""
        played = Played(linger=0.0)
        self.assertIs(played.hears()[0]["listens"], False)
        played.welcomes()
        played.types(b"hi", last=True)
        played.welcomes("bob")
        self.assertNotIn("quit", played.verbs)
        played.got(1)
        self.assertIn("quit", played.verbs)
        played.hangs_up()
        self.assertEqual(played.all_gone(), 0)
        played = Played(linger=0.0)
        played.welcomes()
        played.types(b"hi", last=True)
        for _ in range(int(SEND_PATIENCE)):
            played.clock.advance(1)
            played.says({"event": "pong"})
        self.assertIn("quit", played.verbs)
        played.hangs_up()
        self.assertEqual((played.all_gone(), played.told[:28]), (4, b"-!- not delivered: 1 line\nch"))

    def test_linger_bounds_the_wait(self) -> None:
        """It listens on for so many seconds after the end of stdin."""
        played = Played(linger=3.0)
        played.welcomes("bob")
        played.types(b"hi", last=True)
        played.got(1)
        played.clock.pump([0.5] * 5)
        self.assertNotIn("quit", played.verbs)
        played.clock.pump([0.5] * 2)
        self.assertIn("quit", played.verbs)
        played.hangs_up()
        self.assertEqual(played.all_gone(), 0)

    def test_signals(self) -> None:
        """It goes at once, tells the partner `lost`, and doesn't wait for stdout."""
        for status in (130, 143):
            played = Played()
            played.welcomes("bob")
            played.hears()
            played.files.stuck = True
            played.bob(1, "hi", gap=0)
            played.pipe.stop(status)
            self.assertEqual(played.hears(), [{"verb": "quit", "why": "lost", "got": {}}])
            played.cuts(error.ConnectionDone())
            self.assertEqual((played.pipe.status, played.over), (status, [None]))

    def test_stdout_left_by_its_reader(self) -> None:
        """`client | head -1` ends quietly, with status 0, and with what it had shown."""
        self.patch(pipes, "reader_left", lambda: True)
        played = Played()
        played.welcomes("bob")
        played.bob(1, "hi", gap=0)
        played.talk.writeConnectionLost()
        self.assertEqual(played.hears()[-1], {"verb": "quit", "why": "lost", "got": {BOB: 1}})
        played.cuts(error.ConnectionDone())
        self.assertEqual((played.pipe.status, played.told, played.over), (0, b"", [None]))

    def test_stdout_without_room(self) -> None:
        """A full disk is a fault with a line of its own, also when it shows only in the very last bytes."""
        self.patch(pipes, "reader_left", lambda: False)
        for late in (False, True):
            played = Played()
            played.welcomes("bob")
            if late:
                played.types(b"", last=True)
                played.bob(1, gap=0)
                played.hangs_up()
                played.talk.connectionLost(Failure(error.ConnectionLost()))
            else:
                played.talk.writeConnectionLost()
                played.cuts(error.ConnectionDone())
            self.assertEqual((played.pipe.status, played.over), (1, [None]))
            self.assertTrue(played.told.endswith(b"chatterbox: stdout takes no more, is the disk full?\n"))

    def test_stdin_and_stdout_that_cant_be_used(self) -> None:
        """Where they can't be opened, that is one line, and no link is made."""
        played = Played(fails=True)
        self.assertEqual((played.pipe.status, played.over, played.wires), (1, [None], []))
        self.assertEqual(played.told, b"chatterbox: cannot use stdin and stdout: Bad file descriptor\n")

    def test_lines_without_end(self) -> None:
        """A stdin that sends no newline is left at the bound."""
        played = Played()
        played.welcomes("bob")
        for _ in range(Lines.LIMIT // 65536 + 1):
            played.types(bytes(65536))
        played.cuts(error.ConnectionDone())
        self.assertEqual(played.pipe.status, 3)
        self.assertIn(b"without end", played.told)

    def test_typed_quit(self) -> None:
        """Typed on a terminal, `/quit` leaves when what was said before is got; nothing after it is said."""
        played = Played(typed=True)
        played.welcomes("bob")
        played.hears()
        played.types(b"hi\n/quit\nnot this\n")
        self.assertEqual([verb.get("text") for verb in played.hears()], ["hi", None])
        played.got(1)
        self.assertEqual(played.verbs, ["quit"])
        played.hangs_up()
        self.assertEqual(played.all_gone(), 0)
        played = Played(typed=True)
        played.welcomes("bob")
        played.types(b"hi\n/quit\n")
        played.clock.pump([1] * int(QUIT_PATIENCE + 7))
        self.assertEqual(played.pipe.status, 4)

    def test_in_a_pipe_quit_is_text(self) -> None:
        """No line of a file is a command."""
        played = Played()
        played.welcomes("bob")
        played.types(b"/quit\n//x\n")
        self.assertEqual(played.hears()[-1]["text"], "/quit\n//x")
