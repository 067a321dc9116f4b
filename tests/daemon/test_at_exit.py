"""What is saved while a process ends is saved; the process has not ended yet."""

import os
import subprocess
import sys

import pytest

from alberta_framework.checkpoints import load_agent

ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
CHILD = """
import atexit, sys, threading
import numpy as np
import alberta_framework as af
Daemon, save_agent = af.Daemon, af.save_agent  # rooms are loaded when first asked for
made = lambda **options: Daemon(af.LinearLearner(), 2, checkpoint="agent.ckpt", **options)
def learned(daemon, events=5):
    for _ in range(events):
        daemon.step([1.0, 2.0], [1.0])
"""
ENDS = {
    "blocking": "daemon = made(); atexit.register(daemon.save); learned(daemon)",
    "closing": "daemon = made(); atexit.register(daemon.close); learned(daemon)",
    "in the background": (
        "daemon = made(); atexit.register(lambda: daemon.save(blocking=False)); learned(daemon)"
    ),
    "after saves in the background": (
        "daemon = made(checkpoint_every=1); atexit.register(daemon.save); learned(daemon)"
    ),
    "learning": "daemon = made(checkpoint_every=5); atexit.register(learned, daemon)",
    "registered before the daemon": (
        "atexit.register(lambda: daemon.save()); daemon = made(); learned(daemon)"
    ),
    "in a block of its own": """
import contextlib
stack = contextlib.ExitStack()
atexit.register(stack.close)
learned(stack.enter_context(made()))
""",
    "in a generator": """
def serving():
    with made() as daemon:
        learned(daemon)
        yield
kept = serving()
next(kept)
atexit.register(kept.close)
""",
    "after an error": "daemon = made(); atexit.register(daemon.save); learned(daemon); 1 / 0",
    "by sys.exit": "daemon = made(); atexit.register(daemon.save); learned(daemon); sys.exit(3)",
    "of a thread": """
def work():
    daemon = made()
    atexit.register(daemon.save)
    learned(daemon)
thread = threading.Thread(target=work)
thread.start()
""",
    "without a daemon": """
def save():
    learner = af.LinearLearner()
    state = learner.init(2)
    for _ in range(5):
        state = learner.update(state, [1.0, 2.0], 1.0).state
    save_agent(learner, state, "agent.ckpt", blocking=False)
atexit.register(save)
""",
}


@pytest.mark.parametrize("how", ENDS)
def test_a_save_at_the_end_of_the_process_is_saved(how, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", CHILD + ENDS[how]],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    codes = {"after an error": 1, "by sys.exit": 3}
    assert ended.returncode == codes.get(how, 0), ended.stderr
    assert load_agent(tmp_path / "agent.ckpt")[1].step_count == 5
    if how == "after an error":
        assert ended.stderr.endswith("ZeroDivisionError: division by zero\n")
    else:
        assert ended.stderr == ""


def test_a_save_that_fails_at_the_end_of_the_process_is_told(tmp_path):
    (tmp_path / "disk").mkdir()
    code = """
import os, shutil
daemon = Daemon(af.LinearLearner(), 2, checkpoint="disk/agent.ckpt")
def end():
    shutil.rmtree("disk")
    open("disk", "w").close()
    save_agent(daemon.learner, daemon.state, "disk/agent.ckpt", blocking=False)
atexit.register(end)
"""
    ended = subprocess.run(
        [sys.executable, "-c", CHILD + code],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert "disk/agent.ckpt: was not saved: " in ended.stderr, ended.stderr
