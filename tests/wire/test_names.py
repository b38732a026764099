"""Which words are names, which names are too like each other, and where one is mentioned."""

from __future__ import annotations

from unicodedata import category, normalize

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.wire.names import (
    RESERVED,
    clash,
    fold,
    mentions,
    name_keys,
    numbered,
    read_name,
    room_fault,
)
from tests.harness.inputs import PROPERTY

LIMIT = 24
MADE_OF = "a name is made of letters, digits, _ and -"
SCRIPTS = ("abcé", "абвё", "αβγά", "ابت٣", "あア漢字ー", "한글", "गीत१", "กำแพง", "אבג", "აბგ", "日本々")
NAMES = st.one_of(
    [st.text(alphabet=letters + "019_-", min_size=1, max_size=LIMIT) for letters in SCRIPTS]
    + [st.text(min_size=1, max_size=LIMIT), st.text(alphabet="аaсcеepоoνvΝNｎ①", min_size=1, max_size=6)]
)


def fault(word: str) -> str:
    """Return why `word` is no name of a hub."""
    return read_name(word, LIMIT)[1]


class Reading(SynchronousTestCase):
    """Letters and digits of one script, `_` and `-`; but for the reserved ones."""

    def test_good_names(self) -> None:
        """ASCII from one to as many as the limit says, and names of people from many scripts."""
        for name in ("a", "ann", "Ann-2_x", "0", "-", "x" * 24):
            self.assertEqual(read_name(name, LIMIT), (name, ""))
        for name in (
            "José Ñandú Zoë Łukasz Đỗ Ömer-2 Håkon Þór Ægir ışık Екатерина Ђорђе Ґанна Αλέξανδρος Ἀριστοτέλης "
            "محمد علي٣ پری שרה अनीता_१ রবি ਗੁਰਪ੍ਰੀਤ தமிழ் స్వాతి ಸುಮಾ സ്മിത සුනිල් สมชาย ນາງ ကြွေး ភារុណ བསྟན ნინო Արամ አበበ "
            "小明 山田太郎 佐々木 サーバー さくら 민수 ㄅㄆ"
        ).split():
            self.assertEqual(fault(name), "", name)

    def test_each_fault_has_its_sentence(self) -> None:
        """Empty, too long by one, of other characters, of two scripts, and reserved in any case and by its looks."""
        for name, sentence in {
            "": "a name has at least one character",
            "x" * 25: "a name has at most 24 characters",
            "é" * 25: "a name has at most 24 characters",
            "\U00020000" * 19: "a name has at most 72 bytes",
            "a b": MADE_OF,
            "ann\n": MADE_OF,
            "josé!": MADE_OF,
            "\u0435ve": "a name has letters of one script: \u0435ve has more (Cyrillic, Latin)",
            "annさん": "a name has letters of one script: annさん has more (Han or kana, Latin)",
            "민수小": "a name has letters of one script: 민수小 has more (Han or kana, Hangul)",
            "Server": "Server is a reserved name",
            "you": "you is a reserved name",
            "Ｙｏｕ": "You is a reserved name",
            "ЅУЅТЕМ": "ЅУЅТЕМ is a reserved name",
        }.items():
            self.assertEqual(fault(name), sentence, name)

    def test_limits(self) -> None:
        """24 characters and 72 bytes, as they are composed: what is longer as it was typed is no fault."""
        for name in ("é" * 24, "漢" * 24, "e\u0301" * 24, "\U00020000" * 18, "\u1112\u1161\u11ab" * 24):
            self.assertEqual(fault(name), "", name)
        self.assertEqual(read_name("\ufdfa" * 100_000, LIMIT)[1], "a name has at most 24 characters")

    def test_what_nobody_sees_is_no_name(self) -> None:
        """Blank letters, joiners, selectors, marks without a letter, and heaps of marks on one."""
        for name in (
            "\u3164", "\uffa0", "a\u115f", "\u1160", "\u17b4", "a\u200b", "a\u200d", "a\u034f", "\u180b", "a\ufe0f",
            "\u0301", "\u0e31", "-\u0e31", "_\u0e31a", "ก" + "\u0e31" * 5, "a\u0336", "\u0640", "\U000e0061",
        ):  # fmt: skip
            self.assertEqual(fault(name), MADE_OF, ascii(name))

    def test_other_signs_are_no_names(self) -> None:
        """Emoji, symbols, controls, surrogates, private characters, and scripts that nobody writes names in."""
        for name in ("😀", "a☂", "a\x1b", "\ud800", "\ue000", "\U0010ffff", "ᎪᎳ", "𐌀", "½½", "٪", "＠"):
            self.assertEqual(fault(name), MADE_OF, ascii(name))

    @given(NAMES)
    @PROPERTY
    def test_a_name_is_what_it_should_be(self, typed: str) -> None:
        """It is composed, reads as itself, is within the limits, and has nothing in it but letters, digits and marks."""
        name, why = read_name(typed, LIMIT)
        if why:
            return
        self.assertEqual(name, normalize("NFKC", typed))
        self.assertEqual(read_name(name, LIMIT), (name, ""))
        self.assertTrue(1 <= len(name) <= LIMIT and len(name.encode()) <= 72)
        kinds = {category(char) for char in name if char not in "_-"}
        self.assertEqual(kinds - {"Lu", "Ll", "Lt", "Lo", "Lm", "Nd", "Mn", "Mc"}, set())
        self.assertTrue(RESERVED.isdisjoint(name_keys(name)))

    def test_room_names(self) -> None:
        """`[A-Za-z0-9._-]{1,64}`: they stand in addresses, shells and engines."""
        for room in ("a", "tea.time-2_x", "r" * 64):
            self.assertEqual(room_fault(room, 64), "")
        for room in ("", "r" * 65, "a b", "../\u00e9", "a\n", "caf\u00e9"):
            self.assertEqual(room_fault(room, 64), "a room's name is 1 to 64 of A-Z a-z 0-9 . _ and -")


class Likeness(SynchronousTestCase):
    """Which two names can't be in one room."""

    def alike(self, one: str, other: str) -> bool:
        """Return whether two names are too like each other."""
        return not set(name_keys(one)).isdisjoint(name_keys(other))

    def test_alike(self) -> None:
        """The same in another case, another composition, other digits; and letters of other scripts that look the same."""
        for one, other in (
            ("ann", "ANN"), ("José", "JOSE\u0301"), ("straße", "STRASSE"), ("σας", "ΣΑΣ"), ("علي٣", "علي۳"), ("गीत१", "गीत1"),
            ("сор", "cop"), ("АНН", "AHH"), ("Том", "Tom"), ("ΝΙΚ", "NIK"), ("νοο", "voo"), ("όνο", "óvo"), ("оо", "οο"),
            ("ТО", "το"), ("ёо", "ëo"), ("カ", "力"), ("ベ", "べ"),
        ):  # fmt: skip
            self.assertTrue(self.alike(one, other) and self.alike(other, one), (one, other))

    def test_not_alike(self) -> None:
        """Names that anybody tells apart."""
        for one, other in (("ann", "anna"), ("José", "Jose"), ("Вова", "Bova"), ("Иван", "Ivan"), ("小明", "小红")):
            self.assertFalse(self.alike(one, other), (one, other))

    @given(NAMES)
    @PROPERTY
    def test_folding_is_done_once(self, name: str) -> None:
        """What is folded is folded already, and so is the name in upper and lower case."""
        name = read_name(name, LIMIT)[0]
        self.assertEqual(fold(fold(name)), fold(name))
        if not fault(name):
            self.assertTrue(self.alike(name, name.casefold()))

    def test_the_reason(self) -> None:
        """It is said in what two names are alike."""
        self.assertEqual(clash("ann", "ann"), "the name ann is taken")
        self.assertEqual(clash("ANN", "ann"), "the name ANN is taken: ann is here, and case makes no difference")
        self.assertEqual(clash("сор", "cop"), "the name сор is taken: it looks like cop")

    @given(NAMES, st.integers(2, 10**9))
    @PROPERTY
    def test_a_number_behind_a_name_makes_a_name(self, typed: str, number: int) -> None:
        """Whatever the name and the number, it is cut so that both limits hold."""
        name, why = read_name(typed, LIMIT)
        if not why:
            self.assertEqual(fault(numbered(name, number, LIMIT)), "")
        self.assertEqual(numbered("ann", 2, LIMIT), "ann-2")


class Mentions(SynchronousTestCase):
    """Where a name stands in a line."""

    def test_mentions(self) -> None:
        """A name is mentioned as a word of its own, in any case, and not as a part of another."""
        for text in ("ann", "hi ANN!", "ann: look", "joann, ann", "(ann)", "annさん"):
            self.assertTrue(mentions(text, "ann"), text)
        for text in ("joann", "annual", "ann-marie", "ann_2", "anné", "", "a n n"):
            self.assertFalse(mentions(text, "ann"), text)
        self.assertFalse(mentions("anything", ""))

    def test_of_other_scripts(self) -> None:
        """However it is composed; where no spaces are written, anywhere; and not with another vowel behind it."""
        for text, name in (
            ("hola José!", "jose\u0301"), ("JOSE\u0301: mira", "José"), ("привет, ЕВА", "Ева"), ("山田さん、元気?", "山田"),
            ("민수가 왔다", "민수"), ("คุณสมชายมา", "สมชาย"),
        ):  # fmt: skip
            self.assertTrue(mentions(text, name), text)
        for text, name in (("Joséphine", "José"), ("Евангелие", "Ева"), ("रामे", "राम"), ("josefa", "José")):
            self.assertFalse(mentions(text, name), text)

    def test_heaps_of_marks(self) -> None:
        """Thousands of marks make no name of what is none, and hide none that stands beside them."""
        for heap in ("\u0301" * 4000, "\u0301\u0323" * 2000, "\uff9e\u0301" * 2000):
            self.assertFalse(mentions(f"ann{heap}", "ann"))
            self.assertTrue(mentions(f"x{heap} ann", "ann"))
            self.assertTrue(mentions(f"jose\u0301 x{heap}", "José"))
