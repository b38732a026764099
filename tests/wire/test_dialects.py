"""How one event looks to each kind of hearer: the rows of `docs/protocol.md`, section 6."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.limits import Limits
from chatterbox.wire.dialects import QUESTION, Message, make_dialects, notice
from chatterbox.wire.text import NOTICE, clean
from chatterbox.wire.verbs import VERBS, help_text
from tests.harness.inputs import HOSTILE, PROPERTY

HERE = make_dialects(Limits(), ())

TABLE: list[tuple[Message, str, dict[str, object]]] = [
    (Message("joined", {"name": "bob"}), "-!- bob joined", {"event": "joined", "name": "bob"}),
    (
        Message("left", {"name": "bob", "why": "lost"}),
        "-!- bob left (lost)",
        {"event": "left", "name": "bob", "why": "lost"},
    ),
    (Message("finished", {"name": "bob"}), "-!- bob has finished", {"event": "finished", "name": "bob"}),
    (
        Message("renamed", {"name": "bob", "to": "rob"}),
        "-!- bob is now known as rob",
        {"event": "renamed", "name": "bob", "to": "rob"},
    ),
    (
        Message("renamed", {"name": "bob", "to": "rob"}, own=True),
        "-!- you are now known as rob",
        {"event": "renamed", "name": "bob", "to": "rob", "own": True},
    ),
    (
        Message("did", {"from": "bob", "text": "waves"}),
        "* bob waves",
        {"event": "did", "from": "bob", "text": "waves"},
    ),
    (
        Message("told", {"from": "bob", "text": "psst {x}"}),
        "-!- bob tells you: psst {x}",
        {"event": "told", "from": "bob", "text": "psst {x}"},
    ),
    (
        Message("here", {"room": "lobby", "names": ["ann", "bob"]}),
        "-!- here: ann, bob",
        {"event": "here", "room": "lobby", "names": ["ann", "bob"]},
    ),
    (notice("a sentence"), "-!- a sentence", {"event": "notice", "text": "a sentence"}),
    (
        Message("script", {"text": "Client X has connected."}),
        "Client X has connected.",
        {"event": "notice", "text": "Client X has connected."},
    ),
    (
        Message("error", {"code": "who", "text": "nobody"}),
        "-!- nobody",
        {"event": "error", "code": "who", "text": "nobody"},
    ),
    (
        Message("closed", {"why": "full", "text": "no seat"}),
        "-!- closed (full): no seat",
        {"event": "closed", "why": "full", "text": "no seat"},
    ),
]
"""Events, as text and as JSON."""


class Events(SynchronousTestCase):
    """What the hub says."""

    def test_the_table_in_text(self) -> None:
        """Each event is the line that the specification has."""
        for event, line, _ in TABLE:
            self.assertEqual(HERE.text.message(event).decode(), line + "\n")

    def test_the_table_in_json(self) -> None:
        """Each event is the object that the specification has, on one line."""
        for event, _, fields in TABLE:
            self.assertEqual(json.loads(HERE.json.message(event)), fields)
            self.assertEqual(HERE.json.message(event).count(b"\n"), 1)

    def test_a_partner_without_a_name(self) -> None:
        """In a two-seat room without labels text calls the other end `your partner`."""
        self.assertEqual(
            make_dialects(Limits(), (), "your partner").text.message(Message("joined", {"name": "x"})),
            b"-!- your partner joined\n",
        )

    def test_the_welcome(self) -> None:
        """A hub is quiet to text peers, unless they were asked for a name; then a long room is told in part."""
        names = [f"n{at}" for at in range(30)]
        welcome = Message("welcome", {"name": "n0", "room": "tea", "here": names})
        self.assertEqual(HERE.text.message(welcome), b"")
        here = ", ".join(names[:20]) + " and 10 more"
        self.assertEqual(
            make_dialects(Limits(), (), greets=True).text.message(welcome).decode(),
            f"-!- you are n0 in tea; here: {here}\n",
        )
        self.assertEqual(json.loads(HERE.json.message(welcome))["here"], names)

    def test_what_json_is_not_told(self) -> None:
        """A move is confirmed by the welcome in JSON, by a sentence in text."""
        moved = Message("moved", {"room": "tea"})
        self.assertEqual((HERE.json.message(moved), HERE.text.message(moved)), (b"", b"-!- you are in tea now\n"))

    def test_unknown_events_are_silent_in_text(self) -> None:
        """Text peers are told what has a sentence."""
        self.assertEqual(HERE.text.message(Message("weather", {})), b"")

    def test_bare_peers_hear_what_the_exercise_would_say(self) -> None:
        """Who counts what comes hears the script and what people do; the others hear words of its server, or notices."""
        heard = [HERE.bare.message(event) for event, *_ in TABLE if event.kind != "error"]
        self.assertEqual([line for line in heard if line], [b"* bob waves\n", b"Client X has connected.\n"])
        bare = make_dialects(Limits(), (), told={"left": "{name} left!"}).bare
        self.assertEqual(bare.message(Message("left", {"name": "bob", "why": "lost"})), b"bob left!\n")
        self.assertEqual(bare.message(Message("joined", {"name": "bob"})), b"-!- bob joined\n")

    def test_bare_peers_are_asked_for_a_name(self) -> None:
        """Alone, and behind what was wrong; an error that asks nothing is a notice, which no program answers."""
        bare = make_dialects(Limits(), (), told={}).bare
        for text, heard in (
            (QUESTION, b"NICK\n"),
            (f"it is taken; {QUESTION}", b"-!- it is taken\nNICK\n"),
            ("not renamed: it is taken", b"-!- not renamed: it is taken\n"),
        ):
            self.assertEqual(bare.message(Message("error", {"code": "name", "text": text})), heard)

    def test_key_peers_get_notices_on_rows_of_their_own(self) -> None:
        """The partner may be in the middle of a row."""
        self.assertEqual(HERE.keys.message(Message("joined", {"name": "bob"})), b"\r\n-!- bob joined\r\n")
        self.assertEqual(HERE.keys.message(Message("welcome", {})), b"")

    def test_a_sentence_is_clean(self) -> None:
        """What a stranger sent does nothing in a notice either."""
        self.assertEqual(HERE.text.message(notice("a\x1b[2J\nb")), b"-!- a[2J b\n")

    def test_help_writes_itself(self) -> None:
        """Every verb of the table is in it, and how to say a slash."""
        self.assertEqual([line.split()[0] for line in help_text()], [f"/{verb}" for verb in VERBS] + ["//TEXT"])


class Said(SynchronousTestCase):
    """What people say."""

    def test_with_a_label(self) -> None:
        """A label stands before every line, an empty one too."""
        self.assertEqual(HERE.text.said("ann", b"ann: ", b"hi\n\nyo\n", False), b"ann: hi\nann: \nann: yo\n")

    def test_verbatim(self) -> None:
        """Without a label a block that forges nothing is the very same object."""
        block = b"hi! -!-\nwe are! - !-\n"
        self.assertIs(HERE.text.said("ann", b"", block, False), block)

    def test_nobody_forges_a_notice(self) -> None:
        """A line that begins as a notice, or with spaces and then so, gets one space in front, and no other line."""
        block = b"-!- closed\n   -!- x\n\t-!- y\na -!- b\n-!-\n"
        said = HERE.text.said("ann", b"", block, False)
        self.assertEqual(said, b" -!- closed\n    -!- x\n\t-!- y\na -!- b\n-!-\n")

    @given(st.lists(st.text(" -!\tx", max_size=8)))
    @PROPERTY
    def test_a_program_can_undo_the_space(self, lines: list[str]) -> None:
        """No relayed line begins with the marker, and one space off those that could brings all lines back."""
        block = "".join(f"{line}\n" for line in lines).encode()
        said = HERE.text.said("ann", b"", block, False).split(b"\n")
        self.assertFalse([line for line in said if line.startswith(NOTICE)])
        undone = [line[1:] if line.lstrip(b" ").startswith(NOTICE) else line for line in said]
        self.assertEqual(b"\n".join(undone), block)

    @given(HOSTILE)
    @PROPERTY
    def test_one_object_a_line(self, data: bytes) -> None:
        """In JSON each line is one object with the line's very text, whatever is in it."""
        block = clean(data + b"\n")
        said = [json.loads(line) for line in HERE.json.said("ann", b"ann: ", block, False).split(b"\n")[:-1]]
        self.assertEqual(
            said, [{"event": "said", "from": "ann", "text": line.decode()} for line in block.split(b"\n")[:-1]]
        )

    def test_an_echo_is_marked(self) -> None:
        """JSON marks its hearer's own lines; text can't."""
        self.assertEqual(json.loads(HERE.json.said("ann", b"", b"hi\n", True))["own"], True)
        self.assertEqual(HERE.text.said("ann", b"ann: ", b"hi\n", True), b"ann: hi\n")

    def test_bare_peers_get_lines_as_they_stand(self) -> None:
        """Nothing marks a notice for them, so nothing is marked as none."""
        self.assertEqual(HERE.bare.said("ann", b"ann: ", b"-!- hi\nyo\n", False), b"ann: -!- hi\nann: yo\n")


class Typed(SynchronousTestCase):
    """Keys, as they are typed."""

    def test_each_dialect(self) -> None:
        """Nothing to lines, keys as they act on a terminal to key peers, an object to JSON."""
        self.assertEqual(HERE.text.typed("ann", b"he\bl"), b"")
        self.assertEqual(HERE.keys.typed("ann", b"he\bl\n"), b"he\b \bl\r\n")
        self.assertEqual(
            json.loads(HERE.json.typed("ann", b"he\bl\n")), {"event": "typed", "from": "ann", "keys": "he\bl\n"}
        )

    def test_lines_look_typed(self) -> None:
        """Whole lines reach a key peer as rows."""
        self.assertEqual(HERE.keys.said("ann", b"", b"-!- a\nb\n", False), b" -!- a\r\nb\r\n")
