"""`alberta replay`: the life of a daemon lived again from its recording."""

import json
from collections.abc import Sequence
from pathlib import Path

import jax

from ..checkpoints import CheckpointError
from ..daemon import replay_daemon
from .own_modules import import_own
from .problems import Problem, UsageProblem, reason


def replay(
    recording: Path, start: Path | None, checkpoint: Path | None, imports: Sequence[str] = ()
) -> int:
    """Learn what was recorded, print the report as JSON, and save the state to `checkpoint`.

    **Raises:** `Problem` for what a user can mend.
    """
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    for name in imports:
        import_own(name, "--import")
    if checkpoint is not None and checkpoint.exists():
        raise UsageProblem(f"{checkpoint} is there; choose a new file to save to.")
    try:
        lived = replay_daemon(recording, start)
        if checkpoint is not None:
            lived.save_to(checkpoint)
    except FileNotFoundError as error:
        raise UsageProblem(f"{error.filename} is not there.") from error
    except OSError as error:
        raise Problem(f"cannot replay {recording}: {reason(error)}.") from error
    except (CheckpointError, KeyError, TypeError, ValueError) as error:
        raise UsageProblem(f"cannot replay {recording}: {error}") from error
    print(json.dumps(lived.report(brief=True)))
    return 0
