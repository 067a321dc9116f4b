"""Ctrl-C for real: a process with a terminal, a signal, and what it leaves."""

import csv
import json
import os
import re
import select
import signal
import subprocess
import time

import numpy as np
import pytest

from alberta_framework.comparisons import ComparisonRun, comparison_from_config

from .commands import COMMAND

EXPERIMENT = """
num_steps = {steps}
evaluate_last = {quarter}
window = 5_000
seeds = 2
[stream]
type = "RandomWalkStream"
feature_dim = 5
[learners.LMS]
type = "LinearLearner"
optimizer.type = "LMS"
grid.optimizer.step_size = [0.01, 0.1]
"""
STEPS, LONG = 4_000_000, 1_000_000_000
SECONDS = 240  # for a machine that is busy with other tests


CONTROL = """
episodes = 100_000
seeds = 2
[environment]
id = "CartPole-v1"
[agents.Sarsa]
type = "SARSAAgent"
sarsa_config = { n_actions = 2 }
hidden_sizes = []
optimizer = { type = "LMS", step_size = 0.001 }
"""


class Terminal:
    """The command in a process whose stderr is a terminal that we read."""

    def __init__(self, folder, text, *options):
        (folder / "mine.toml").write_text(text)
        ours, theirs = os.openpty()
        self.descriptor, self.text = ours, ""
        self.process = subprocess.Popen(
            [*COMMAND, "run", "mine.toml", *options],
            cwd=folder,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
        )
        os.close(theirs)

    def read(self):
        """Take in what was written within a tenth of a second; whether there may be more."""
        if not select.select([self.descriptor], [], [], 0.1)[0]:
            return True
        try:
            data = os.read(self.descriptor, 65536)
        except OSError:  # closed at the other end
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def wait_for(self, happened):
        deadline = time.monotonic() + SECONDS
        while not happened(self.text):
            assert self.process.poll() is None, f"ended too early: {self.text[-2000:]}"
            assert time.monotonic() < deadline, self.text[-2000:]
            self.read()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def end(self):
        """Exit code, stdout, and stderr after the progress bar was drawn for the last time."""
        deadline = time.monotonic() + SECONDS
        while self.read() and time.monotonic() < deadline:
            pass
        out, _ = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text)


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def open_terminal(text, *options):
        opened.append(Terminal(tmp_path, text, *options))
        return opened[-1]

    yield open_terminal
    for one in opened:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()
        os.close(one.descriptor)


def stream_experiment(steps):
    return EXPERIMENT.format(steps=steps, quarter=steps // 4)


def steps_shown(text):
    return max(
        (int(n.replace(",", "")) for n in re.findall(r"([\d,]+)/[\d,]+ steps", text)), default=0
    )


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_finished(tmp_path, terminal):
    running = terminal(stream_experiment(STEPS))
    running.wait_for(lambda text: steps_shown(text) >= STEPS // 10)
    running.interrupt()
    code, out, err = running.end()
    assert code == 130
    assert "Traceback" not in err
    folder = tmp_path / "results" / "mine"
    done = json.loads((folder / "config.json").read_text())["run"]["steps_done"]
    assert STEPS // 10 <= done < STEPS and done % (STEPS // 20) == 0
    said = err.replace("\r", "").rstrip().splitlines()[-1]
    assert said == f"alberta: stopped after {done:,} of {STEPS:,} steps; see results/mine"
    scored = min(done, STEPS // 4)
    assert f"over the last {scored:,} of {done:,} steps (stopped;" in " ".join(out.split())
    # What was saved is what an uninterrupted run has at this step.
    config = json.loads((folder / "config.json").read_text())
    run = ComparisonRun(comparison_from_config(config))
    while run.steps_done < done:
        run.advance()
    with (folder / "results.csv").open(newline="") as file:
        saved = [float(row["score"]) for row in csv.DictReader(file)]
    np.testing.assert_array_equal(saved, run.result().scores("LMS").ravel())
    assert (folder / "curves.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--output", "there")], ids=["new", "there before"])
def test_a_second_ctrl_c_drops_the_segment_that_is_running(tmp_path, terminal, options):
    (tmp_path / "there").mkdir()
    running = terminal(stream_experiment(LONG), *options)
    running.wait_for(lambda text: steps_shown(text) > 0)
    running.interrupt()
    running.wait_for(lambda text: "Ctrl-C again" in text)
    running.interrupt()
    code, out, err = running.end()
    assert code == 130
    assert "Traceback" not in err
    assert "alberta: stopped before anything was finished; nothing is saved." in err
    assert out == ""
    assert not (tmp_path / "results" / "mine").exists()
    assert (tmp_path / "there").is_dir() and not list((tmp_path / "there").iterdir())


IN_JAX = CONTROL.replace('id = "CartPole-v1"', 'type = "CartPole"')


@pytest.mark.slow
@pytest.mark.parametrize("experiment", [CONTROL, IN_JAX], ids=["on the host", "in JAX"])
def test_ctrl_c_keeps_the_episodes_that_every_seed_finished(tmp_path, terminal, experiment):
    running = terminal(experiment)
    # The progress tells the running return besides.
    running.wait_for(lambda text: re.search(r"[1-9]\d*/200,000 episodes return: Sarsa \d", text))
    running.interrupt()
    code, out, err = running.end()
    assert code == 130
    assert "Traceback" not in err
    folder = tmp_path / "results" / "mine"
    done = json.loads((folder / "config.json").read_text())["run"]["episodes_done"]
    assert 0 < done < 100_000
    said = err.replace("\r", "").rstrip().splitlines()[-1]
    stopped = re.fullmatch(
        r"alberta: stopped after ([\d,]+) of 200,000 episodes of all lives, each ([\d,]+) or more; "
        "see results/mine(; to go on: alberta run mine.toml --resume results/mine)?",
        said,
    )
    assert stopped, said
    lived, least = (int(number.replace(",", "")) for number in stopped.groups()[:2])
    assert least == done and 2 * done <= lived < 200_000
    # Lives on the host cannot be gone on with.
    assert bool(stopped[3]) == (experiment == IN_JAX)
    assert (folder / "checkpoint").exists() == (experiment == IN_JAX)
    assert f"of {done:,} episodes (stopped; 100,000 were asked for)" in " ".join(out.split())
    with (folder / "curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], int(row["episode"])) for row in rows] == [
        (seed, episode) for seed in "01" for episode in range(1, done + 1)
    ]
