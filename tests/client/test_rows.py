"""What words look like on a screen, proved without one."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.terminal import rows as terminal
from chatterbox.client.terminal.rows import (
    PLAIN,
    Draft,
    Look,
    Part,
    Row,
    clip,
    clip_start,
    dress,
    keys_between,
    notice,
    width,
)
from tests.harness.inputs import PROPERTY

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x9b\x07\x08\r\n\x00\x7f\x85\u2028\u2029\u202e\u2066[]?;hm0123\ud800"),
    )
)
PRINTABLE = st.text(
    st.characters(
        exclude_categories=["Cc", "Cs", "Zl", "Zp"],
        exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    )
)
KINDS = st.sampled_from(["said", "mention", "own", "notice", "plain"])
OURS = re.compile(r"\x1b\[(?:0|1|2|3[0-9])m")
DANGEROUS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Rows(SynchronousTestCase):
    """How a row is dressed."""

    @PROPERTY
    @given(HOSTILE, HOSTILE, HOSTILE, KINDS, st.booleans(), st.booleans())
    def test_nothing_but_our_colours(self, text: str, label: str, name: str, kind, weight: bool, colour: bool) -> None:
        """Whatever somebody says or is called, a row is one row, and its only controls are our colours."""
        row = dress(Row(text, label, name, kind), Look(weight, colour), "12:30 ")
        self.assertIsNone(DANGEROUS.search(OURS.sub("", row)))
        if not weight:
            self.assertNotIn("\x1b", row)

    def test_kinds(self) -> None:
        """Own lines have a bold label, others a coloured one, notices are dim, a mention is bold as a whole."""
        self.assertEqual(dress(Row("hi", "you: ", "ann", "own")), "\x1b[1myou: \x1b[0mhi")
        self.assertRegex(dress(Row("hi", "bob: ", "bob")), r"^\x1b\[3\dmbob: \x1b\[0mhi$")
        self.assertEqual(dress(notice("bob joined")), "\x1b[2m-!- bob joined\x1b[0m")
        self.assertRegex(dress(Row("hi ann", "bob: ", "bob", "mention")), r"\x1b\[1mhi ann\x1b\[0m$")
        self.assertEqual(dress(Row("hi", kind="plain")), "hi")

    def test_looks(self) -> None:
        """NO_COLOR keeps the weight and drops the colour; the plain look drops everything."""
        row = Row("hi", "bob: ", "bob")
        self.assertNotRegex(dress(row, Look(colour=False)), r"\x1b\[3")
        self.assertEqual(dress(row, PLAIN, "12:30 "), "12:30 bob: hi")
        self.assertEqual(dress(notice("x"), PLAIN), "-!- x")

    def test_stable_colours(self) -> None:
        """A name has one colour, whatever its case and however often the program was started."""
        colours = {name: dress(Row("", f"{name}: ", name))[:5] for name in ("ann", "bob", "carl", "dora", "emil")}
        self.assertEqual(colours["ann"], dress(Row("", "ANN: ", "ANN"))[:5])
        self.assertEqual(colours["ann"], "\x1b[32m")
        self.assertGreater(len(set(colours.values())), 2)


class Widths(SynchronousTestCase):
    """How many columns text takes."""

    def test_widths(self) -> None:
        """Wide characters take two columns, combining marks and joiners none."""
        for text, columns in (("abc", 3), ("日本語", 6), ("e\u0301", 1), ("🙂", 2), ("a\u200db", 2), ("", 0)):
            self.assertEqual(width(text), columns, text)

    @PROPERTY
    @given(st.text(), st.integers(0, 40))
    def test_clips_fit(self, text: str, columns: int) -> None:
        """What is clipped fits, at either end, and what fits is left alone."""
        for cut in (clip(text, columns), clip_start(text, columns)):
            self.assertLessEqual(width(cut), columns)
        if width(text) <= columns:
            self.assertEqual((clip(text, columns), clip_start(text, columns)), (text, text))

    def test_clips(self) -> None:
        """An ellipsis stands where something was left out."""
        self.assertEqual(clip("waiting for a partner", 10), "waiting f…")
        self.assertEqual(clip_start("hello there", 6), "…there")
        self.assertEqual(clip("日本語", 4), "日…")

    @PROPERTY
    @given(st.lists(st.builds(Part, HOSTILE, st.integers(0, 80))), st.integers(0, 80))
    def test_parts_that_fit(self, parts: list[Part], columns: int) -> None:
        """The status line is one clean line of at most so many columns."""
        line = terminal.fitted(parts, columns)
        self.assertLessEqual(width(line), columns)
        self.assertIsNone(DANGEROUS.search(line))

    def test_parts(self) -> None:
        """They stand in order without the empty ones; the widest are clipped first, and none to less than it may be."""
        parts = [Part("lobby"), Part(""), Part("averylongname", 6), Part("with bob", 6)]
        self.assertEqual(terminal.fitted(parts, 80), "lobby · averylongname · with bob")
        self.assertEqual(terminal.fitted(parts, 28), "lobby · averylon… · with bob")
        self.assertEqual(terminal.fitted(parts, 23), "lobby · avery… · with …")
        self.assertEqual(terminal.fitted(parts, 22), "")

    @PROPERTY
    @given(HOSTILE, PRINTABLE, st.integers(10, 80))
    def test_draft_row_fits(self, name: str, text: str, columns: int) -> None:
        """Somebody's draft takes one row at most."""
        row = terminal.draft_row(name, text, columns)
        self.assertLessEqual(width(row), columns)
        self.assertIsNone(DANGEROUS.search(row))

    def test_pane(self) -> None:
        """A pane is a ruler with a name and the last rows of the draft, always as high as it was asked for."""
        self.assertEqual(terminal.pane("bob", "", 12, 2), ["── bob ─────", "", ""])
        self.assertEqual(terminal.pane("bob", "日本語one two three", 10, 2), ["── bob ───", "日本語one ", "two three"])

    def test_heaps_of_marks(self) -> None:
        """Of a draft's marks eight are drawn on one character, in a row and in a pane; pictures of several stay whole."""
        heap = "a" + "\u0301" * 4000 + "b"
        for drawn in (terminal.draft_row("bob", heap, 80), terminal.pane("bob", heap, 80, 1)[1]):
            self.assertEqual(drawn.removeprefix("bob … "), "a" + "\u0301" * 8 + "b")
        family, wales = "👩‍👩‍👧‍👦", "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
        for whole in (family, wales, "က္ကျိုး"):
            self.assertEqual(terminal.pane("bob", whole, 80, 1)[1], whole)

    @PROPERTY
    @given(HOSTILE, PRINTABLE, st.integers(10, 80), st.integers(0, 3))
    def test_pane_fits(self, name: str, text: str, columns: int, height: int) -> None:
        """No row of a pane is wider than the screen, and their number is fixed."""
        rows = terminal.pane(name, text, columns, height)
        self.assertEqual(len(rows), height + 1)
        for row in rows:
            self.assertLessEqual(width(row), columns)
            self.assertIsNone(DANGEROUS.search(row))


class Drafts(SynchronousTestCase):
    """Keys make drafts, and drafts make keys (docs/protocol.md, section 7)."""

    def typed(self, *keys: str) -> tuple[str, list[str]]:
        """Return the draft and the finished lines that `keys` make."""
        draft, lines = Draft(), []
        for each in keys:
            lines += draft.type(each)
        return draft.text, lines

    def test_keys(self) -> None:
        r"""Characters are added, \b takes one off, U+0015 takes all, \n finishes."""
        self.assertEqual(self.typed("hel"), ("hel", []))
        self.assertEqual(self.typed("hel", "\b\bi"), ("hi", []))
        self.assertEqual(self.typed("hel", "\x15yo"), ("yo", []))
        self.assertEqual(self.typed("hello\nthere"), ("there", ["hello"]))
        self.assertEqual(self.typed("\b\b", "\n"), ("", [""]))
        self.assertEqual(self.typed("日本\b"), ("日", []))
        self.assertEqual(self.typed("a\x1b[31mb\n"), ("", ["a[31mb"]))

    @PROPERTY
    @given(PRINTABLE, PRINTABLE)
    def test_keys_between(self, old: str, new: str) -> None:
        """The keys between two drafts make the one out of the other, and are never more than starting afresh."""
        draft = Draft()
        draft.type(old)
        draft.type(keys_between(old, new))
        self.assertEqual(draft.text, new)
        self.assertLessEqual(len(keys_between(old, new)), len(new) + 1)

    def test_few_keys(self) -> None:
        """What is sent is what changed, and a long deletion is one key."""
        self.assertEqual(keys_between("hel", "hello"), "lo")
        self.assertEqual(keys_between("hello", "help"), "\b\bp")
        self.assertEqual(keys_between("a long draft", ""), "\x15")
        self.assertEqual(keys_between("same", "same"), "")

    @PROPERTY
    @given(st.text(st.sampled_from("ab日\b\x15\n")), st.data())
    def test_any_split(self, keys: str, data: st.DataObject) -> None:
        """However keys are cut on the way, they make the same draft and lines."""
        cut = data.draw(st.integers(0, len(keys)))
        self.assertEqual(self.typed(keys), self.typed(keys[:cut], keys[cut:]))

    @PROPERTY
    @given(HOSTILE)
    def test_hostile_keys(self, keys: str) -> None:
        """Whatever keys come, a draft and its lines are clean text."""
        text, lines = self.typed(keys)
        for each in (text, *lines):
            self.assertIsNone(DANGEROUS.search(each))

    def test_bound(self) -> None:
        """A draft without end is not kept without end."""
        self.assertEqual(len(self.typed(*["x" * 1000] * 10)[0]), terminal.DRAFT_LIMIT)


class Pastes(SynchronousTestCase):
    """What a pasted block means."""

    def test_lines(self) -> None:
        """Any end of line ends one, those at the end of the block end none, and controls are cleaned."""
        self.assertEqual(terminal.pasted("one"), ["one"])
        self.assertEqual(terminal.pasted("one\n"), ["one"])
        self.assertEqual(terminal.pasted("one\r\ntwo\rthree\n\n"), ["one", "two", "three"])
        self.assertEqual(terminal.pasted("one\n\ntwo"), ["one", "", "two"])
        self.assertEqual(terminal.pasted("\x1b[31mred"), ["[31mred"])

    def test_question(self) -> None:
        """The question says how many lines there are and names the keys, also on a narrow terminal."""
        self.assertEqual(
            terminal.paste_question(["a"] * 12, 80),
            "Paste of 12 lines: [S]end all 12, [J]oin to one, [Esc] drop? ",
        )
        self.assertEqual(terminal.paste_question(["a", "b"], 40), "2 lines: [S]end, [J]oin, [Esc] drop? ")

    def test_joined(self) -> None:
        """Joined lines are one line, without the indentation and the empty ones."""
        self.assertEqual(terminal.joined(["def f():", "", "    return 1"]), "def f(): return 1")

    @PROPERTY
    @given(HOSTILE)
    def test_hostile_pastes(self, block: str) -> None:
        """Whatever is pasted, its lines are clean, and there is at least one."""
        lines = terminal.pasted(block)
        self.assertTrue(lines)
        for line in (*lines, terminal.joined(lines)):
            self.assertIsNone(DANGEROUS.search(line))
