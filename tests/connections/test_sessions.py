"""The table of seats: whose a hello is about, who takes over, who is kept while away, and who is remembered."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.sessions import (
    AWAY_A_SOURCE,
    GRACE,
    MAX_AWAY,
    MAX_REMEMBERED,
    MOST_GRACE,
    REMEMBERED,
    Fault,
    Hello,
    Session,
    Sessions,
    read_hello,
    stream_of,
)


def secret(number: int) -> str:
    """Return one of many secrets."""
    return f"{number:032x}"


def hello(number: int, tries: int = 1, **keys: object) -> Hello:
    """Return what a hello with these keys asks for."""
    found = read_hello({"session": secret(number), "try": tries, **keys})
    assert isinstance(found, Hello)
    return found


class Link:
    """A link, to be told apart from others."""


def come(table: Sessions, number: int, room: str = "A", source: str = "", now: float = 0, **keys: object) -> tuple[Session, Link]:
    """Seat a session."""
    said = hello(number, **keys)  # type: ignore[arg-type]  # the keys of a hello
    arrival = table.arrive(said, room, source, now)
    assert arrival.session
    table.seat(arrival.session, room)
    link = Link()
    table.attach(arrival.session, said, link)
    return arrival.session, link


class AHello(SynchronousTestCase):
    """What a stranger may ask for."""

    def test_what_is_none_is_refused(self) -> None:
        """Secrets are 128 bits in hex, tries count from 1, a grace is a number."""
        good: dict[str, object] = {"session": secret(1), "try": 1}
        self.assertIsInstance(read_hello(good), Hello)
        for bad in ({"session": "x" * 32}, {"session": secret(1)[1:]}, {"session": secret(1) + "0"}, {"session": 7}, {"try": 0},
                    {"try": "1"}, {"try": True}, {"try": 2**53}, {"with": 7}, {"with": "0" * 17}, {"grace": -1}, {"grace": "9"},
                    {"grace": True}, {"grace": float("nan")}, {"grace": 1e9}):  # fmt: skip
            self.assertIsInstance(read_hello(good | bad), Fault, bad)

    def test_the_secret_goes_no_further(self) -> None:
        """Neither the hello, nor its fault, nor the table holds it; stream and digest don't give each other away."""
        table = Sessions()
        session, _ = come(table, 1)
        self.assertNotIn(secret(1), repr((hello(1), session, vars(table), read_hello({"session": secret(1), "try": 0}))))
        self.assertEqual(len(stream_of(secret(1))), 16)
        self.assertNotIn(stream_of(secret(1)), session.digest.hex())
        self.assertNotEqual(stream_of(secret(1)), stream_of(secret(2)))


class ATable(SynchronousTestCase):
    """Seats over links."""

    def setUp(self) -> None:
        self.table = Sessions()

    def test_a_higher_try_takes_over(self) -> None:
        """Also from a link that looks alive, which is returned to be closed."""
        session, old = come(self.table, 1, tries=3)
        arrival = self.table.arrive(hello(1, 4), "A", "", 0)
        self.assertEqual((arrival.session, arrival.known, arrival.closed), (session, True, ""))
        self.assertIs(self.table.attach(session, hello(1, 4), Link()), old)

    def test_a_lower_or_equal_try_disturbs_nobody(self) -> None:
        """A hello that crawled on an abandoned link is replaced already."""
        session, link = come(self.table, 1, tries=3)
        for tries in (1, 2, 3):
            self.assertEqual(self.table.arrive(hello(1, tries), "A", "", 0).closed, "replaced")
        self.assertIs(session.link, link)

    def test_an_equal_try_comes_back_to_a_seat_that_is_kept(self) -> None:
        """It is the same link, which comes back from another machine with the room; a lower one is late as ever."""
        session, link = come(self.table, 1, tries=3)
        self.table.cut(session, link, 0)
        self.assertEqual(self.table.arrive(hello(1, 2), "A", "", 0).closed, "replaced")
        self.assertEqual(self.table.arrive(hello(1, 3), "A", "", 0)[:2], (session, True))

    def test_another_secret_is_somebody_else(self) -> None:
        """Nobody takes a seat by its public stream."""
        come(self.table, 1)
        forged = hello(2)._replace(stream=stream_of(secret(1)), tries=9)
        self.assertEqual(self.table.arrive(forged, "A", "", 0).closed, "replaced")

    def test_a_cut_link_leaves_the_seat_for_the_grace(self) -> None:
        """120 s unless the hello asks for more or less, and no more than the hub's own bound."""
        for number, (keys, kept) in enumerate([({}, GRACE), ({"grace": 5}, 5), ({"grace": MOST_GRACE}, MOST_GRACE), ({"grace": MOST_GRACE + 1}, MOST_GRACE)]):
            session, link = come(self.table, number, **keys)
            self.assertTrue(self.table.cut(session, link, 100))
            self.assertEqual(self.table.due, 100 + kept)
            self.assertEqual(self.table.expired(100 + kept - 0.1), [])
            self.assertEqual(self.table.expired(100 + kept), [session])
            self.table.end(session, "lost", 100 + kept)
            self.assertIsNone(self.table.due)

    def test_no_grace_keeps_no_seat(self) -> None:
        """Neither where the hello wants none, nor where the hub gives none."""
        session, link = come(self.table, 1, grace=0)
        self.assertIs(self.table.cut(session, link, 0), False)
        session, link = come(Sessions(most_grace=0), 1)
        self.assertIs(Sessions(most_grace=0).cut(session, link, 0), False)

    def test_an_old_link_cuts_nobody(self) -> None:
        """Whoever was taken over from has no say."""
        session, old = come(self.table, 1)
        self.table.attach(session, hello(1, 2), Link())
        self.assertIsNone(self.table.cut(session, old, 0))
        self.assertFalse(session.away)

    def test_away_ends_are_counted(self) -> None:
        """At the bound a seat is kept, beyond it none is; who comes back makes room."""
        table = Sessions(max_away=3)
        sessions = [come(table, number) for number in range(4)]
        self.assertEqual([table.cut(*pair, 0) for pair in sessions], [True, True, True, False])
        table.end(sessions[3][0], "lost", 0)
        table.attach(sessions[0][0], hello(0, 2), Link())
        self.assertTrue(table.cut(*come(table, 9), 0))
        self.assertEqual((MAX_AWAY, AWAY_A_SOURCE), (1000, 16))

    def test_away_ends_of_one_source_are_counted(self) -> None:
        """Where sources are counted, one can't use up all."""
        table = Sessions(away_a_source=2)
        kept = [table.cut(*come(table, number, source="here"), 0) for number in range(3)]
        self.assertEqual(kept, [True, True, False])
        self.assertTrue(table.cut(*come(table, 9, source="there"), 0))
        table.end(table.expired(1e9)[0], "lost", 0)
        self.assertTrue(table.cut(*come(table, 10, source="here"), 0))

    def test_an_ended_session_is_remembered(self) -> None:
        """Its hello hears how it ended, its partner what it had got; after a while, nothing."""
        session, _ = come(self.table, 1)
        come(self.table, 2)
        partner = stream_of(secret(2))
        self.table.acknowledged(session, partner, 7)
        self.table.acknowledged(session, partner, 5)
        self.table.end(session, "quit", 0, finished=True)
        self.assertEqual(self.table.arrive(hello(1, 9), "A", "", REMEMBERED - 1).closed, "quit")
        asked = hello(2, **{"with": stream_of(secret(1))})  # type: ignore[arg-type]  # a key that is a word of Python
        other = self.table.arrive(hello(2, 2), "A", "", 0).session
        assert other
        fate = {"stream": stream_of(secret(1)), "why": "quit", "got": 7, "finished": True}
        self.assertEqual(self.table.fate(asked, other, REMEMBERED - 1), fate)
        self.assertIsNone(self.table.fate(asked, other, REMEMBERED))
        self.assertEqual(self.table.arrive(hello(1, 9), "A", "", REMEMBERED).closed, "")

    def test_who_was_lost_may_come_again(self) -> None:
        """A laptop that slept longer than the grace is a newcomer."""
        session, _ = come(self.table, 1)
        self.table.end(session, "lost", 0)
        arrival = self.table.arrive(hello(1, 2), "A", "", 1)
        self.assertEqual((arrival.closed, arrival.known), ("", False))

    def test_who_moved_on_is_told_of_too(self) -> None:
        """A `left (moved)` that fell into a cut is made good by the welcome."""
        session, _ = come(self.table, 1, room="B")
        other, _ = come(self.table, 2)
        self.table.acknowledged(session, other.stream, 3)
        asked = hello(2, **{"with": session.stream})  # type: ignore[arg-type]  # a key that is a word of Python
        self.assertEqual(self.table.fate(asked, other, 0), {"stream": session.stream, "why": "moved", "got": 3})

    def test_what_is_remembered_is_bounded(self) -> None:
        """A flood of sessions that end leaves no more than so many behind."""
        for number in range(MAX_REMEMBERED + 2):
            self.table.end(come(self.table, number)[0], "quit", 0)
        self.assertEqual(self.table.arrive(hello(1, 2), "A", "", 1).closed, "")
        self.assertEqual(self.table.arrive(hello(2, 2), "A", "", 1).closed, "quit")

    def test_gots_are_bounded(self) -> None:
        """No more than the last 64 other ends are remembered of one session."""
        session, _ = come(self.table, 1)
        for number in range(65):
            self.table.acknowledged(session, f"s{number}", 1)
        self.assertEqual([self.table.last_got(session, f"s{n}") for n in (0, 1, 64)], [0, 1, 1])


class AReservation(SynchronousTestCase):
    """After a restart the first one back keeps the other's seat."""

    def setUp(self) -> None:
        self.table = Sessions()
        self.partner = stream_of(secret(2))
        self.first, _ = come(self.table, 1)
        self.asked = hello(1, **{"with": self.partner})  # type: ignore[arg-type]  # a key that is a word of Python

    def reserve(self) -> Session:
        ghost = self.table.reserve(self.asked, "A", 0)
        assert ghost
        return ghost

    def test_is_claimed_by_whose_it_is(self) -> None:
        """With any try; then it is a session as any other, and no longer away."""
        ghost = self.reserve()
        self.assertTrue(ghost.away and ghost.reserved)
        arrival = self.table.arrive(hello(2, 1), "A", "", 1)
        self.assertEqual((arrival.session, arrival.known), (ghost, True))
        self.table.attach(ghost, hello(2, 1), Link())
        self.assertFalse(ghost.reserved or ghost.away)
        self.assertIsNone(self.table.due)

    def test_is_given_up_by_who_wants_another_room(self) -> None:
        """The one it was kept for sits elsewhere."""
        ghost = self.reserve()
        arrival = self.table.arrive(hello(2), "B", "", 1)
        self.assertEqual((arrival.evicted, arrival.known), (ghost, False))

    def test_ends_with_the_grace(self) -> None:
        """And leaves no memory behind."""
        ghost = self.reserve()
        self.assertEqual(self.table.expired(GRACE), [ghost])
        self.table.end(ghost, "lost", GRACE)
        self.assertIsNone(self.table.fate(self.asked, self.first, GRACE))

    def test_is_not_made_for_nobody(self) -> None:
        """Nor for who is seated somewhere, or has ended."""
        self.assertIsNone(self.table.reserve(hello(1), "A", 0))
        other, _ = come(self.table, 2, room="B")
        self.assertIsNone(self.table.reserve(self.asked, "A", 0))
        self.table.end(other, "quit", 0)
        self.assertIsNone(self.table.reserve(self.asked, "A", 0))

    def test_counts_as_away(self) -> None:
        """A stranger can't fill a hub with seats for nobody."""
        table = Sessions(max_away=0)
        come(table, 1)
        self.assertIsNone(table.reserve(self.asked, "A", 0))

    def test_yields_to_whose_partner_sits_there(self) -> None:
        """And to nobody else; a claimed one yields never."""
        ghost = self.reserve()
        members = [self.first, ghost]
        with_first = hello(3, **{"with": self.first.stream})  # type: ignore[arg-type]  # a key that is a word of Python
        self.assertIs(self.table.yields(members, with_first), ghost)
        self.assertIsNone(self.table.yields(members, hello(3)))
        with_ghost = hello(3, **{"with": ghost.stream})  # type: ignore[arg-type]  # a key that is a word of Python
        self.assertIsNone(self.table.yields(members, with_ghost))
        self.table.arrive(hello(2), "A", "", 1)
        self.assertIsNone(self.table.yields(members, with_first))
