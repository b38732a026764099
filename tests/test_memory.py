"""What is freed is used again, once a process has settled."""

from __future__ import annotations

import platform
import subprocess
import sys
from unittest import skipUnless

from twisted.trial.unittest import SynchronousTestCase

READS = """
import os, resource, tempfile
from chatterbox.memory import settle

def given_anew():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

settle()
file = tempfile.TemporaryFile()
file.write(bytes(245_000))
file.flush()
for number in range(60):
    before = given_anew() if number < 10 else before  # by then it has what it needs
    os.pread(file.fileno(), 256 * 1024, 0)
print(given_anew() - before)
"""
"""Prints how many pages of memory the system gave anew for fifty reads of 245,000 bytes, which are 60 pages each."""


class Memory(SynchronousTestCase):
    """Blocks of lines come and go."""

    @skipUnless(platform.libc_ver()[0] == "glibc", "another library has other habits")
    def test_what_one_read_took_the_next_one_takes(self) -> None:
        """Without `settle` it is given back to the system and taken again, 60 pages each time; so it is not."""
        found = subprocess.run([sys.executable, "-c", READS], stdout=subprocess.PIPE, check=True)
        self.assertLess(int(found.stdout), 50 * 3)
