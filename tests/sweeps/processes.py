"""A sweep in a process of its own: `python -m tests.sweeps.processes OUT key=value ...`."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def start(out, **options):
    """The process of a sweep that writes its result to `out`."""
    given = [f"{name}={value}" for name, value in options.items()]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.sweeps.processes", str(out), *given],
        cwd=ROOT,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*processes):
    """Wait for them, and see that none failed."""
    for process in processes:
        _, err = process.communicate(timeout=300)  # on a machine that is busy with other tests
        assert process.returncode == 0, err[-3000:]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def main():
    import jax
    import numpy as np

    out = Path(sys.argv[1])
    options = dict(argument.split("=", 1) for argument in sys.argv[2:])
    jax.config.update("jax_num_cpu_devices", int(options.get("devices", 1)))
    if "port" in options:
        jax.distributed.initialize(f"127.0.0.1:{options['port']}", 2, int(options["process"]))
    result = example(
        max_batch=int(options["max_batch"]) if "max_batch" in options else None,
        checkpoint=options.get("checkpoint"),
    )
    np.savez(out, rejected=result.rejected, **result.metrics)


def example(**options):
    """Five points, three seeds: no number of devices or processes divides them."""
    import jax.random as jr

    import alberta_framework as af

    axes = {"learner.optimizer.meta_step_size": [0.0, 0.001, 0.005, 0.01, 0.02]}
    learner = af.LinearLearner(af.IDBD(0.02), use_bias=False)
    return af.sweep(
        learner,
        af.SuttonExperiment1Stream(),
        axes,
        num_steps=6000,
        keys=jr.split(jr.key(1), 3),
        checkpoint_every_s=0.0,
        **options,
    )


if __name__ == "__main__":
    main()
