"""Several devices, several processes, and a process that is killed."""

import signal
import time

import jax
import numpy as np
import pytest

import alberta_framework as af
from tests.sweeps.grids import IDBD, KEYS, META, WALK, assert_same
from tests.sweeps.processes import example, finish, free_port, start

# A batch of another size is another program, which may contract a product and a sum elsewhere; IDBD
# carries the difference on for thousands of steps.
ROUNDING = {"rtol": 1e-4, "atol": 1e-6}


@pytest.fixture(scope="module")
def alone():
    result = example()
    return {"rejected": result.rejected, **result.metrics}


def assert_close(path, expected):
    with np.load(path) as found:
        assert set(found) == set(expected)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, **ROUNDING)


@pytest.mark.slow
def test_two_devices_give_the_results_of_one(tmp_path, alone):
    finish(start(tmp_path / "out.npz", devices=2))
    assert_close(tmp_path / "out.npz", alone)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"devices": 2, "max_batch": 4}])
def test_two_processes_each_get_the_results_of_one(tmp_path, alone, options):
    port = free_port()
    outs = [tmp_path / "0.npz", tmp_path / "1.npz"]
    finish(*[start(out, port=port, process=i, **options) for i, out in enumerate(outs)])
    for out in outs:
        assert_close(out, alone)


@pytest.mark.slow
def test_a_killed_sweep_goes_on_with_the_same_bits(tmp_path):
    # Blocks of 4 of 15 members: it is killed with some finished and one half done.
    folder, out = tmp_path / "checkpoint", tmp_path / "out.npz"
    process = start(out, checkpoint=folder, max_batch=4)
    saves, deadline = folder / "process-0", time.monotonic() + 300
    while steps_saved(saves) < 8000:
        assert process.poll() is None, process.communicate()[1][-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL and not out.exists()
    assert 8000 <= steps_saved(saves) < 4 * 6000
    finish(start(out, checkpoint=folder, max_batch=4))
    expected = example(max_batch=4)
    whole = {"rejected": expected.rejected, **expected.metrics}
    if jax.default_backend() != "cpu":  # where the killed process did not run
        assert_close(out, whole)
        return
    with np.load(out) as found:
        for name, values in whole.items():
            np.testing.assert_array_equal(found[name], values)


def steps_saved(folder):
    """The steps of the last complete save."""
    done = [path for path in folder.glob("*") if path.name.isdigit()] if folder.exists() else []
    return max((int(path.name) for path in done), default=0)


ARGUMENTS = {"num_steps": 4000, "keys": KEYS, "record": af.WindowMean(100), "max_batch": 4}
AXES = {META: [0.0, 0.01, 0.02]}


@pytest.mark.parametrize("segments", [1, 3, 6])
def test_a_stopped_sweep_goes_on_where_it_stopped(tmp_path, segments):
    run = af.SweepRun(IDBD, WALK, AXES, checkpoint=tmp_path, checkpoint_every_s=0.0, **ARGUMENTS)
    for _ in range(segments):
        run.advance()
    again = af.SweepRun(IDBD, WALK, AXES, checkpoint=tmp_path, **ARGUMENTS)
    assert again.steps_done == run.steps_done > 0
    while not again.finished:
        again.advance()
    assert_same(again.result(), af.sweep(IDBD, WALK, AXES, **ARGUMENTS))
    # A finished sweep is not run again.
    assert af.SweepRun(IDBD, WALK, AXES, checkpoint=tmp_path, **ARGUMENTS).finished


def test_nothing_is_saved_before_it_is_time(tmp_path):
    run = af.SweepRun(IDBD, WALK, AXES, checkpoint=tmp_path, checkpoint_every_s=1e6, **ARGUMENTS)
    run.advance()
    fresh = af.SweepRun(IDBD, WALK, AXES, checkpoint=tmp_path, **ARGUMENTS)
    assert fresh.steps_done == 0
    run.save()
    saved = af.SweepRun(IDBD, WALK, AXES, checkpoint=tmp_path, **ARGUMENTS)
    assert saved.steps_done == run.steps_done


@pytest.mark.parametrize(
    "axes, changes",
    [
        ({META: [0.0, 0.01, 0.03]}, {}),
        (AXES, {"num_steps": 8000}),
        (AXES, {"keys": KEYS[::-1]}),
        (AXES, {"record": af.WindowMean(200)}),
        (AXES, {"max_batch": None}),
    ],
)
def test_a_checkpoint_of_another_sweep_is_refused(tmp_path, axes, changes):
    run = af.SweepRun(IDBD, WALK, AXES, checkpoint=tmp_path, checkpoint_every_s=0.0, **ARGUMENTS)
    run.advance()
    with pytest.raises(ValueError, match="is of another sweep"):
        af.SweepRun(IDBD, WALK, axes, checkpoint=tmp_path, **ARGUMENTS | changes)
