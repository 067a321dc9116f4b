"""`python -m alberta_framework.command_line` is `alberta`."""

import sys

from .app import main

sys.exit(main())
