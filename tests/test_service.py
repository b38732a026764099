"""Options become limits, a mode, ports and a console; what can't be is refused in one sentence."""

from __future__ import annotations

import json
import resource
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from unittest import mock

import twisted.test
from twisted.internet.error import CannotListenError, VerifyError
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher
from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from chatterbox import service
from chatterbox.connections.sessions import stream_of
from chatterbox.core.modes import MODES
from chatterbox.limits import PUBLIC, Limits
from chatterbox.options import Options, ServeOptions
from chatterbox.service import SPARE_FILES, CannotStart, HubService
from tests.harness.memory import READ, End, FakeTransport
from tests.harness.processes import Hub
from twisted.plugins import chatterbox_plugin


def parsed(*words: str, kind: type[Options] = ServeOptions) -> Options:
    """Return the options as they are read from `words`."""
    options = kind()
    options.parseOptions(words)
    return options


class ReadingOptions(SynchronousTestCase):
    """What `twistd chatterbox` and `chatterbox serve` are told."""

    def test_the_plugin(self) -> None:
        """twistd finds the service under the name `chatterbox`."""
        maker = chatterbox_plugin.chatterbox
        self.assertEqual((maker.tapname, maker.module), ("chatterbox", "chatterbox.service"))
        self.assertIs(maker.options, Options)

    def test_defaults(self) -> None:
        """Without options: a pair's hub on port 5000, with the limits as they stand."""
        options = parsed()
        self.assertEqual(options["endpoints"], ["5000"])
        self.assertEqual((options["row"], options["limits"]), (MODES["pair"], Limits()))

    def test_a_browser_may_be_slow(self) -> None:
        """With `--web` a connection has a second for its first bytes, so that a busy browser's request is one."""
        self.assertEqual(parsed("--web")["limits"], Limits(handshake=1.0))
        self.assertEqual(parsed("--web", "--public")["limits"], Limits(handshake=1.0, **PUBLIC))

    def test_each_limit(self) -> None:
        """Each limit with an option is what the option says."""
        for option, field, value in (
            ("max-line", "max_line", 80),
            ("max-peers", "max_peers", 3),
            ("per-source", "per_source", 4),
            ("per-source-rate", "per_source_rate", 5),
            ("rate", "rate", 6),
            ("grace", "grace", 7),
            ("max-away", "max_away", 8),
        ):
            limits = parsed(f"--{option}", str(value))["limits"]
            self.assertEqual(limits, replace(Limits(), **{field: value}), option)

    def test_public(self) -> None:
        """`--public` turns on the limits by source and rate, and each can still be set."""
        self.assertEqual(parsed("--public")["limits"], Limits(per_source=16, per_source_rate=32, rate=10.0))
        limits = parsed("--public", "--per-source", "0", "--rate", "3")["limits"]
        self.assertEqual((limits.per_source, limits.per_source_rate, limits.rate), (0, 32, 3))

    def test_each_column(self) -> None:
        """Any column of a mode can be overridden by an option."""
        row = parsed(
            "--mode", "room", "--seats", "5", "--label", "port", "--no-echo", "--farewell", "bye", "--farewell", "Out",
            "--ends-together", "--once",
        )["row"]  # fmt: skip
        columns: dict[str, Any] = {"seats": 5, "label": "port", "echo": False, "farewell": ("/quit", "bye", "Out")}
        self.assertEqual(row, replace(MODES["room"], **columns, ends_together=True, once=True))

    def test_ports(self) -> None:
        """A port is a number or an endpoint string, may come several times, and `serve` takes it as a plain word."""
        options = parsed("--port", "unix:chat.sock", "-p", "tcp:1:backlog=2", "7000")
        self.assertEqual(set(options["endpoints"]), {"7000", "unix:chat.sock", "tcp:1:backlog=2"})
        self.assertEqual(parsed("0")["endpoints"], ["0"])
        self.assertEqual(parsed("65535")["endpoints"], ["65535"])

    def test_local(self) -> None:
        """`--local` is for numbers; what says itself who can reach it may stand beside, and the rest is refused."""
        self.assertTrue(parsed("--local", "--port", "unix:chat.sock", "7000")["local"])
        self.assertTrue(parsed("--local", "--port", "tcp:1:interface=127.0.0.1")["local"])
        for port in ("tcp:1", "ssl:1:privateKey=x", "haproxy:tcp:1", "systemd:domain=INET6:index=0"):
            fault = self.assertRaises(usage.UsageError, parsed, "--local", "--port", port)
            self.assertIn(f"write {port}:interface=127.0.0.1 instead", str(fault))

    def test_what_cannot_be(self) -> None:
        """Each wrong value is refused in a sentence that names it."""
        for words, named in (
            (["--port", "65536"], "65536"),
            (["--port", "x"], "port x is neither a number"),
            (["--mode", "party"], "--mode party: choose pair, room, ports, order, duet or talk"),
            (["--label", "hat"], "--label hat: choose none, nick, letter, port or address"),
            (["--seats", "-1"], "--seats -1 is no number from 0 up"),
            (["--seats", "two"], "--seats two is no number"),
            (["--seats", "1"], "--seats 1: mode pair is for two or more"),
            (["--mode", "duet", "--seats", "1"], "--seats 1: mode duet is for two or more"),
            (["--mode", "order", "--seats", "0"], "--seats 0: mode order is for two or more"),
            (["--max-line", "0"], "--max-line 0 is no number from 1 up"),
            (["--rate", "fast"], "--rate fast is no number"),
        ):
            fault = self.assertRaises(usage.UsageError, parsed, *words)
            self.assertIn(named, str(fault))

    def test_log_json_under_twistd(self) -> None:
        """twistd has its own way to choose a log, and `--log-json` says which."""
        fault = self.assertRaises(usage.UsageError, parsed, "--log-json", kind=Options)
        self.assertIn("--logger chatterbox.log.log_json", str(fault))


class Starting(SynchronousTestCase):
    """The service, on a reactor in memory."""

    def _started(self, *words: str) -> tuple[HubService, list[str]]:
        """Return a service that has opened its ports, and what it logged."""
        log: list[str] = []
        note = cast(ILogObserver, lambda event: log.append(formatEvent(event)))
        globalLogPublisher.addObserver(note)
        self.addCleanup(globalLogPublisher.removeObserver, note)
        hub = HubService(MemoryReactorClock(), parsed(*words, *([] if "--port" in words else ["tcp:5000"])))
        hub.privilegedStartService()
        with mock.patch.object(service, "Stdio"), mock.patch.object(service, "signal"):
            hub.startService()
        return hub, log

    def test_only_clear_text_is_warned_of(self) -> None:
        """A port that other machines reach says that text travels in clear; TLS and unix sockets don't."""
        pem = Path(twisted.test.__file__).with_name("server.pem")
        for port, is_clear in (
            ("tcp:5000", True),
            ("tcp6:5000", True),
            ("haproxy:tcp:5000", True),
            (f"ssl:5000:privateKey={pem}", False),
            ("unix:chat.sock", False),
        ):
            _, log = self._started("--port", port)
            self.assertEqual(any("in clear" in line for line in log), is_clear, port)

    def test_a_unix_socket_is_named(self) -> None:
        """The log says where the hub listens, as one would type it."""
        _, log = self._started("--port", "unix:chat.sock", "--port", "tcp6:5000")
        self.assertTrue({"listening on chat.sock", "listening on [::]:5000"} <= set(log), log)

    def test_public_says_so(self) -> None:
        """`--public` says at the start which limits count; without it nothing is said."""
        _, log = self._started("--public", "--rate", "3")
        self.assertIn("public: per_source 16, per_source_rate 32, rate 3", log)
        self.assertFalse([line for line in self._started()[1] if "public" in line])

    def test_as_many_peers_as_open_files_leave(self) -> None:
        """The limit on open files is raised, and connections are as many as it leaves, but for `--max-peers`."""
        with mock.patch.object(service, "resource") as system:
            system.RLIMIT_NOFILE, system.getrlimit.return_value = resource.RLIMIT_NOFILE, (256, 1024)
            self.assertEqual(self._started()[0].hub.limits.max_peers, 1024 - SPARE_FILES)
            system.setrlimit.assert_called_once_with(resource.RLIMIT_NOFILE, (1024, 1024))
            system.setrlimit.side_effect = OSError
            self.assertEqual(self._started()[0].hub.limits.max_peers, 256 - SPARE_FILES)
            system.getrlimit.return_value = (10, 10)
            self.assertEqual(self._started()[0].hub.limits.max_peers, 1)
            self.assertEqual(self._started("--max-peers", "7")[0].hub.limits.max_peers, 7)

    def test_what_is_no_endpoint(self) -> None:
        """What can't be listened on is one sentence with what was typed, and no word of Python's."""
        for port, why in (
            ("tpc:5000", "Unknown endpoint type: 'tpc'"),
            ("tcp:", "tcp: needs more words"),
            ("tcp:x", "x is no port number"),
            ("tcp:99999", "99999 is no port number"),
            ("tcp:5000:colour=red", "colour= is not known there"),
            ("ssl:5000:privateKey=nowhere.pem", "No such file or directory"),
            (f"ssl:5000:privateKey={__file__}", "are no PEM files"),
            ("tls:5001:privateKey=key.pem", "a hub says ssl:PORT"),
            ("tls:localhost:5001", "a hub says ssl:PORT"),
            ("systemd:domain=INET6:index=0", "no such socket"),
            ("haproxy:", "needs more words"),
            ("unix:chat.sock:mode=public", "can't be understood"),
        ):
            fault = self.assertRaises(CannotStart, HubService, MemoryReactorClock(), parsed("--port", port))
            self.assertIn(f"--port {port} is no place to listen: ", str(fault))
            self.assertIn(why, str(fault))
            self.assertNotRegex(str(fault), r"\(\)|Error|_parse|Errno")

    def test_tls_without_its_library(self) -> None:
        """It is named in one sentence."""
        with mock.patch("chatterbox.edges.listening.serverFromString", side_effect=ImportError("OpenSSL")):
            fault = self.assertRaises(CannotStart, HubService, MemoryReactorClock(), parsed("--port", "ssl:5000"))
        self.assertEqual(str(fault), "chatterbox: --port ssl:5000 needs TLS, which isn't installed; in a checkout: pip install '.[tls]'")

    def test_an_address_that_cannot_be_had(self) -> None:
        """What the system refuses is one sentence with the place and the reason."""
        for error, reason in (
            (CannotListenError("", 80, OSError(13, "Permission denied")), "can't listen on *:80: Permission denied"),
            (CannotListenError("::1", 80, OSError(98, "in use")), "can't listen on [::1]:80: in use"),
            (CannotListenError(None, "chat.sock", OSError(1, "locked")), "can't listen on chat.sock: locked"),
            (OSError(36, "File name too long"), "File name too long"),
            (VerifyError("Certificate public and private keys do not match."), "can't be used together"),
        ):
            reactor = MemoryReactorClock()
            hub = HubService(reactor, parsed("tcp:5000"))
            reactor.listenTCP = mock.Mock(side_effect=error)  # type: ignore[method-assign]
            fault = self.assertRaises(CannotStart, hub.privilegedStartService)
            self.assertIn(reason, str(fault))

    def test_the_clock(self) -> None:
        """A hub's clock never goes back (F6), and until it runs the signals that end it wait (C8)."""
        reactor = MemoryReactorClock()
        with mock.patch("twisted.internet.reactor", reactor, create=True), mock.patch.object(
            service.signal, "pthread_sigmask"
        ) as mask:
            hub = service.makeService(parsed("tcp:5000"))
            assert isinstance(hub, HubService)
            self.assertIs(hub.admission.now, time.monotonic)
            mask.assert_called_once_with(service.signal.SIG_BLOCK, service.ENDINGS)
            with mock.patch.object(service.signal, "signal") as handle:
                hub._listen_to_signals()
            self.assertEqual([call.args[0] for call in handle.call_args_list[1:]], list(service.ENDINGS))
            mask.assert_called_with(service.signal.SIG_UNBLOCK, service.ENDINGS)

    def test_stopping(self) -> None:
        """Stopping closes the ports, and is done when nobody is left."""
        hub, _ = self._started()
        self.successResultOf(hub.stopService())
        self.assertFalse(hub.admission.connections)


class Once(SynchronousTestCase):
    """`--once`: the hub ends with its first conversation."""

    def setUp(self) -> None:
        """Start a hub in memory."""
        self.reactor = MemoryReactorClock()
        self.stopped: list[str] = []
        self.reactor.stop = lambda: self.stopped.append("stopped")  # type: ignore[method-assign]
        self.hub = HubService(self.reactor, parsed("--once", "tcp:5000"))

    def _joins(self, room: str) -> End:
        transport = FakeTransport(self.reactor, "127.0.0.1", 50_000, READ)
        end = End(self.reactor, self.hub._factory, transport).says(f"/join {room}")
        self.reactor.advance(1)
        return end

    def _go(self, *ends: End) -> None:
        for end in ends:
            end.says("/quit")
        self.reactor.advance(1)

    def test_others_do_not_end_it(self) -> None:
        """C2: strangers who meet later in another room, or sit alone before, leave; the first pair talks on."""
        alone = self._joins("milk")
        ann, bob = self._joins("tea"), self._joins("tea")
        others = [self._joins("milk"), self._joins("cocoa"), self._joins("cocoa")]
        self._go(alone, *others)
        ann.says("still here")
        self.assertIn("still here", bob.lines())
        self.assertEqual(self.stopped, [])
        self._go(ann, bob)
        self.assertEqual(self.stopped, ["stopped"])

    def test_a_seat_that_is_kept_is_nobody(self) -> None:
        """One who says that it was with somebody has a seat kept beside it, and goes: the first pair talks on."""
        hello = {"chatterbox": 1, "session": "ab" * 16, "try": 1, "grace": 1, "room": "milk", "with": "f" * 16}
        stranger = End(self.reactor, self.hub._factory, FakeTransport(self.reactor, "127.0.0.1", 50_000, READ))
        stranger.says(json.dumps(hello))
        ann, bob = self._joins("tea"), self._joins("tea")
        self.reactor.advance(2)
        stranger.says('{"verb": "quit", "got": {}}')
        self.reactor.advance(1)
        self.assertEqual((stranger.closed, self.stopped), ("done", []))
        self._go(ann, bob)
        self.assertEqual(self.stopped, ["stopped"])

    def test_a_kept_seat_that_is_claimed(self) -> None:
        """Two who were together before the hub was restarted come back to it: theirs is the first conversation."""
        secrets = ["ab" * 16, "cd" * 16]
        ends = []
        for own, other in (secrets, secrets[::-1]):
            hello = {"chatterbox": 1, "session": own, "try": 1, "room": "milk", "with": stream_of(other)}
            end = End(self.reactor, self.hub._factory, FakeTransport(self.reactor, "127.0.0.1", 50_000, READ))
            ends.append(end.says(json.dumps(hello)))
        for end in ends:
            self.assertEqual(self.stopped, [])
            end.says('{"verb": "quit", "got": {}}')
            self.reactor.advance(1)
        self.assertEqual(self.stopped, ["stopped"])

    def test_a_partner_who_comes_back(self) -> None:
        """One leaves and another comes: the conversation is over when nobody is left of it."""
        ann, bob = self._joins("tea"), self._joins("tea")
        self._go(bob)
        cy = self._joins("tea")
        self._go(ann)
        self.assertEqual(self.stopped, [])
        cy.says("/join milk")
        self.reactor.advance(1)
        self.assertEqual(self.stopped, ["stopped"])


class Public(SynchronousTestCase):
    """A real hub with `--public`."""

    def test_says_so_and_slows(self) -> None:
        """It says so in its log, and 120 lines take the two seconds that the rate wants; none is lost."""
        with Hub("--public") as hub:
            limits = ", ".join(f"{key} {value:g}" for key, value in PUBLIC.items())
            ann, bob = hub.pair()
            lines = [f"line {number}" for number in range(120)]
            before = time.monotonic()
            bob.says(*lines)
            ann.hears(*lines)
            self.assertGreater(time.monotonic() - before, 1.5)
            self.assertIn(f"#info] public: {limits}\n", hub.log)
