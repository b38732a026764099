"""What an operator is told of people who sit in rooms on other machines."""

from __future__ import annotations

from chatterbox.core.events import Gone, News, Refused, Seated
from tests.cluster.test_nodes import Machines


class Records(Machines):
    """What the observers of one machine hear, as the log writes it."""

    def setUp(self) -> None:
        super().setUp()
        self.records: list[tuple[str, str, str]] = []
        self.b.hub.hub.observers.append(self)

    def happened(self, news: News) -> None:
        """Note what would be logged, as it is then."""
        if isinstance(news, Seated | Gone):
            self.records.append((type(news).__name__, news.room, news.peer.name))
        elif isinstance(news, Refused):
            self.records.append(("Refused", "", news.why))

    def test_somebody_elsewhere(self) -> None:
        """Whoever sits elsewhere is logged at its own machine, too, once it has its seat, by the name it has there."""
        self.nc(self.a, "/join tea")
        two = self.nc(self.b, "/join tea")
        self.says(two, "/quit")
        self.assertEqual(self.records, [("Seated", "tea", "guest-2"), ("Gone", "tea", "guest-2")])

    def test_who_gets_no_seat_elsewhere(self) -> None:
        """Whoever is refused by a room elsewhere never joined it."""
        for node in (self.a, self.c):
            self.nc(node, "/join tea")
        self.nc(self.b, "/join tea")
        self.fleet.wait(0.5)
        self.assertEqual(self.records, [("Refused", "", "full")])

    def test_a_move(self) -> None:
        """Going to a room elsewhere is no new arrival."""
        self.nc(self.a, "/join tea")
        two = self.nc(self.b, "/join milk")
        self.says(two, "/join tea", "/nick bob", "/quit")
        self.fleet.wait(0.5)
        self.assertEqual(self.records, [("Seated", "milk", "guest-1"), ("Gone", "tea", "guest-1")])
