"""`--bare`: programs as people wrote them for these exercises. `docs/seeds.md` names the rest."""

from __future__ import annotations

import signal
from itertools import permutations

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import Socket
from tests.harness.processes import Hub

CHAT = """if True:
    import socket, sys, threading
    nickname = sys.argv[2]
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect(("127.0.0.1", int(sys.argv[1])))
    def receive():
        while True:
            try:
                message = client.recv(1024).decode("ascii")
                if message == "NICK":
                    client.send(nickname.encode("ascii"))
                else:
                    print(message)
            except:
                print("An error occured!")
                client.close()
                break
    def write():
        while True:
            message = "{}: {}".format(nickname, input(""))
            client.send(message.encode("ascii"))
    threading.Thread(target=receive).start()
    threading.Thread(target=write, daemon=True).start()
"""
"""A client of a chatroom (seed 001): it never ends by itself, but by an error of its socket."""

RACER = """if True:
    import socket, sys
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect(("127.0.0.1", int(sys.argv[1])))
    print("From Server: " + client.recv(1024).decode())
    client.send(input().encode())
    print("From Server: " + client.recv(1024).decode())
    client.close()
"""
"""A client of seed 002: exactly two recvs."""

TALKER = """if True:
    import socket, sys, threading
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect(("127.0.0.1", int(sys.argv[1])))
    print(client.recv(1024).decode())
    def receive():
        while True:
            message = client.recv(1024).decode()
            print(message)
            if message == "Bye":
                break
        client.close()
    thread = threading.Thread(target=receive)
    thread.start()
    while thread.is_alive():
        try:
            client.send(input().encode())
        except (OSError, EOFError):
            break
    thread.join()
"""
"""A client of the extra credit of seed 002: a message that is `Bye` and nothing else ends it."""

CALLER = """if True:
    import socket, sys, threading
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect(("127.0.0.1", int(sys.argv[1])))
    print("Connected to chat server. Type 'exit' to leave.")
    def receive():
        while True:
            try:
                print(client.recv(1024).decode())
            except OSError as e:
                break
    threading.Thread(target=receive).start()
    while True:
        message = input()
        client.send(message.encode())
        if message == "exit":
            break
    print("Disconnected from server")
"""
"""A client of seed 003: after `exit` its other thread reads on, and only an error ends it."""


class Programs(SynchronousTestCase):
    """Such programs, each at the hub in its own mode."""

    def test_relay(self) -> None:
        """bare-1: in mode `pair` two of them, and one with nc, hear each other's messages whole."""
        with Hub("--bare") as hub:
            one, netcat = hub.script(CALLER, hub.port), hub.program("nc", "hello from nc")
            one.hears("Connected to chat server. Type 'exit' to leave.", "hello from nc")
            one.says("hello from a program")
            netcat.hears("-!- your partner joined", "hello from a program")
            ann, bob = (hub.peer(room="tea") for _ in range(2))
            ann.says("both know lines")
            bob.hears("both know lines")

    def test_chatroom(self) -> None:
        """bare-3, bare-8: it answers NICK, and no user's; it isn't doubled; it hears who comes, and why it ends."""
        with Hub("--mode", "room", "--bare") as hub:
            mute = Socket(hub.port)
            ann = hub.script(CHAT, hub.port, "ann")
            hub.logs("'ann'")
            bob = hub.peer("/nick bob")
            bob.hears("-!- you are bob in lobby; here: ann, bob")
            ann.says("hello")
            bob.hears("ann: hello")
            ann.hears("Connected to server!", "bob joined!", "ann: hello")
            bob.says("NICK")
            bob.hears("bob: NICK")
            ann.hears("bob: NICK")
            self.assertTrue(bob.is_quiet())
            self.assertEqual(mute.chunk(), b"NICK")
            mute.close()
            ann.finish()
            hub.stops(signal.SIGTERM)
            ann.hears("-!- closed (shutdown): the hub is shutting down", "An error occured!")
            self.assertEqual(ann.wait(), 0)

    def test_race(self) -> None:
        """bare-4: with just two recvs it hears the confirmation and the verdict, and ends with status 0."""
        with Hub("--mode", "order", "--bare") as hub:
            racers = [hub.script(RACER, hub.port) for _ in range(2)]
            confirmed = {racer: racer.line() for racer in racers}
            self.assertEqual(
                set(confirmed.values()), {f"From Server: Client {name} has connected." for name in ("X", "Y")}
            )
            x, y = sorted(racers, key=lambda racer: confirmed[racer])
            y.says("Bob")
            x.says("Alice")
            verdicts = {racer.rest().decode() for racer in racers}
            self.assertLess(
                verdicts, {f"From Server: {one} received before {two}\n" for one, two in permutations(["X: Alice", "Y: Bob"])}
            )
            self.assertEqual([racer.wait() for racer in racers], [0, 0])

    def test_duet(self) -> None:
        """bare-2: what is said comes labelled; then `Bye` travels alone, exactly so, and both end."""
        with Hub("--mode", "duet", "--bare") as hub:
            talkers = [hub.script(TALKER, hub.port) for _ in range(2)]
            names = [talker.line().split()[1] for talker in talkers]
            for n, talker in enumerate(talkers):
                talker.says(f"message {n}")
                for other in talkers:
                    other.hears(f"{names[n]}: message {n}")
            talkers[0].says("Bye")
            for talker in talkers:
                talker.hears(f"{names[0]}: Bye", "Bye")
                talker.finish()
                self.assertEqual(talker.wait(), 0)

    def test_broadcast(self) -> None:
        """bare-6: in mode `ports` it ends after its `exit`, and spins no more, since the hub resets it."""
        with Hub("--mode", "ports", "--bare") as hub:
            callers = [hub.script(CALLER, hub.port) for _ in range(2)]
            hub.logs(" joined ", 2)
            watcher = line_peer(hub)
            watcher.says("I watch")
            for caller in callers:
                caller.hears("Connected to chat server. Type 'exit' to leave.", f"{watcher.port}: I watch")
            callers[0].says("Hello, everyone!")
            for end in (callers[1], watcher):
                self.assertRegex(end.line(), r"^\d+: Hello, everyone!$")
            callers[0].says("exit")
            self.assertIn(b"Disconnected from server\n", callers[0].rest())
            self.assertEqual(callers[0].wait(), 0)
            self.assertTrue(watcher.is_quiet())


class Messages(SynchronousTestCase):
    """What such a program's socket sees."""

    def test_one_at_a_time(self) -> None:
        """bare-2: messages come whole and in order, without a newline; the gap between two is `test_bare`'s."""
        with Hub("--mode", "ports", "--bare") as hub:
            bare, speaker = bare_peer(hub), line_peer(hub)
            speaker.says(*(f"{n}" for n in range(10)))
            expected = "".join(f"{speaker.port}: {n}" for n in range(10))
            heard = ""
            while len(heard) < len(expected):
                heard += bare.chunk().decode()
            self.assertEqual(heard, expected)
            bare.close()

    def test_1024_bytes(self) -> None:
        """bare-5: a long line and broken bytes come as they were said; where it is cut is `test_outlet`'s."""
        with Hub("--mode", "ports", "--bare") as hub:
            bare, speaker = bare_peer(hub), line_peer(hub)
            text = "日本語é" * 200
            speaker.send(f"{text}\n".encode() + b"\x80broken\xff \n")
            heard = b""
            while not heard.endswith(b" "):
                heard += bare.chunk()
            label = f"{speaker.port}: "
            self.assertEqual(heard.decode(), f"{label}{text}{label}\ufffdbroken\ufffd ")
            bare.close()

    def test_silence_ends_a_message(self) -> None:
        """bare-1: 50 ms of silence end a message, but after a first newline only newlines do."""
        with Hub("--mode", "ports", "--bare") as hub:
            bare, other = bare_peer(hub), line_peer(hub)
            bare.send(b"no newline")
            other.hears(f"{bare.port}: no newline")
            other.says("I know lines")
            self.assertEqual(bare.chunk(), f"{other.port}: I know lines".encode())
            bare.send(b"one\ntw")
            other.hears(f"{bare.port}: one")
            self.assertTrue(other.is_quiet())
            bare.send(b"o\n")
            other.hears(f"{bare.port}: two")
            other.says("and so do you")
            bare.hears(f"{other.port}: and so do you")
            bare.close()

    def test_the_end_is_a_reset(self) -> None:
        """bare-6: the farewell word, then a reset; a program that reads on gets an error and no FIN."""
        with Hub("--mode", "duet", "--bare") as hub:
            ends = [Socket(hub.port) for _ in range(2)]
            for end in ends:
                self.assertRegex(end.chunk(), rb"^Client [XY] has connected\.$")
            ends[0].send(b"Bye")
            for end in ends:
                self.assertRegex(end.rest(), rb"^[XY]: ByeBye$")
                self.assertTrue(end.was_reset)
                end.close()

    def test_first_bytes(self) -> None:
        """bare-4: who begins first is first, also where its message ends later than the other's."""
        with Hub("--mode", "order", "--bare") as hub:
            x, y = Socket(hub.port), Socket(hub.port)
            for end, name in ((x, "X"), (y, "Y")):
                self.assertEqual(end.chunk(), f"Client {name} has connected.".encode())
            y.send(b"B")
            hub.catches_up()
            x.send(b"Alice\n")
            y.send(b"ob")
            # Where "ob" comes after the silence that ends a message, it comes too late for this one.
            self.assertRegex(y.rest(), rb"^Y: B(ob)? received before X: AliceBye$")
            for end in (x, y):
                end.close()


def bare_peer(hub: Hub) -> Socket:
    """Return an end that has sat down and never sent a newline."""
    end = hub.peer()
    hub.logs(f":{end.port}")
    return end


def line_peer(hub: Hub) -> Socket:
    """Return an end that has sat down and has sent a newline."""
    end = hub.peer("/who")
    assert "here: " in end.line()
    return end
