"""What Python warns of while `alberta daemon` serves, in lines like its own."""

import warnings

from alberta_framework.command_line.daemon import _saying
from alberta_framework.daemon.serving import Stop


def test_a_warning_is_a_line_and_one_of_many_programs_too(capfd):
    """On a full disk JAX warns of each program that it cannot keep."""
    before = warnings.showwarning
    with warnings.catch_warnings(), _saying(Stop()):
        warnings.simplefilter("always")
        warnings.warn("agent.ckpt: is damaged", stacklevel=1)
        for program in ("jit_a", "jit_b"):
            for done in ("writing", "reading"):
                text = f"Error {done} persistent compilation cache entry for '{program}': full"
                warnings.warn(text, stacklevel=1)
    assert capfd.readouterr().err.splitlines() == [
        "alberta: agent.ckpt: is damaged",
        "alberta: Error writing persistent compilation cache entry for 'jit_a': full",
        "alberta: Error reading persistent compilation cache entry for 'jit_a': full",
    ]
    assert warnings.showwarning is before
