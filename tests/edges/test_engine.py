"""The options of a hub among others, and what is loaded without them."""

from __future__ import annotations

import subprocess
import sys

from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.cluster.roster import MAX_NAME
from chatterbox.edges.engine import node_name
from chatterbox.options import ServeOptions
from tests.harness.processes import environment


def parsed(*words: str) -> ServeOptions:
    """Return what a command line asks for."""
    options = ServeOptions()
    options.parseOptions(words)
    return options


class EngineOptions(SynchronousTestCase):
    """`--engine` and `--node`."""

    def test_a_name_by_default(self) -> None:
        """A node is called after its host and its first port; names are as long as they may be."""
        self.assertTrue(parsed("--port", "7000", "--engine", "redis://engine")["node"].endswith(":7000"))
        self.assertEqual(parsed("--engine", "redis://engine", "--node", "n" * MAX_NAME)["node"], "n" * MAX_NAME)
        self.assertLessEqual(len(node_name("5000").encode()), MAX_NAME)

    def test_what_can_not_be_right(self) -> None:
        """Each is refused in one sentence."""
        for words, sentence in (
            (("--engine", "http://engine"), "redis://"),
            (("--engine", "redis://a:b@engine"), "CHATTERBOX_ENGINE_PASSWORD"),
            (("--node", "east"), "--engine"),
            (("--engine", "redis://engine", "--node", "n" * (MAX_NAME + 1)), "is not 1 to 23"),
            (("--engine", "redis://engine", "--node", "east.1"), "is not 1 to 23"),
        ):
            with self.assertRaises(UsageError) as caught:
                parsed(*words)
            self.assertIn(sentence, str(caught.exception))

    def test_nothing_is_loaded_without_one(self) -> None:
        """A hub that is alone imports neither the cluster nor the engine's client."""
        program = (
            "import sys, chatterbox.service\n"
            "from chatterbox.options import ServeOptions\n"
            "options = ServeOptions(); options.parseOptions([])\n"
            "from twisted.internet import reactor\n"
            "chatterbox.service.HubService(reactor, options)\n"
            "print([name for name in sys.modules if 'hiredis' in name or 'cluster' in name])\n"
        )
        said = subprocess.run([sys.executable, "-c", program], env=environment(), capture_output=True, text=True)
        self.assertEqual((said.stdout, said.returncode), ("[]\n", 0), said.stderr)
