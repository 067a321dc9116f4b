"""Running the command in a process of its own."""

import os
import subprocess
import sys

COMMAND = [sys.executable, "-m", "alberta_framework.command_line"]


def alberta(*arguments, cwd):
    """The finished process, with its output as text."""
    environment = os.environ | {"COLUMNS": "120"}
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, text=True
    )
