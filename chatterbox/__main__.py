"""`python -m chatterbox` is the `chatterbox` command."""

import sys

from .cli import main

sys.exit(main())
