"""A nexting daemon that is killed again and again: `python -m tests.nexting.kills FOLDER KILLS`.

Predictions of all signals at every event, which it tells as it makes them; prints what happened as
JSON. Forks as `tests.daemon.kills` does, and computes nothing in this process.
"""

import json
import os
import pathlib
import random
import signal
import sys
import time

import numpy as np

import alberta_framework as af
from alberta_framework.daemon import Daemon
from tests.daemon.daemons import same_but_for_clocks
from tests.daemon.kills import finished, forked
from tests.nexting.small_record import small_record

EVERY = 7
LEARNER = af.nexting_learner(("a", "b"), (0.1, 0.8), 0.1, memories=(0.8,), tilings=2, tiles=2)


def events():
    """Each row of signals, and the cumulants of all demons: the signals themselves."""
    rows = small_record(20_000, 2)
    return [(row, row[list(LEARNER.horde.horde_spec.cumulant_indices)]) for row in rows]


def learn(path, report, last=None):
    """Go on from the checkpoint; tell where, then after each event its number and predictions."""
    with Daemon(LEARNER, 2, checkpoint=path, checkpoint_every=EVERY, keep=2) as ours:
        os.write(report, b"%d\n" % ours.steps)
        for row, cumulants in events()[ours.steps : last]:
            told = ours.step(row, cumulants)
            line = [told.step, told.predictions.tobytes().hex(), told.rejected]
            os.write(report, json.dumps(line).encode() + b"\n")


def compare(path, told, last):
    """Whether the state is that of a life that nobody ended, and every prediction told is its."""
    whole, predictions = Daemon(LEARNER, 2), {}
    for row, cumulants in events()[:last]:
        result = whole.step(row, cumulants)
        predictions[result.step] = result.predictions.tobytes().hex()
    resumed = Daemon(LEARNER, 2, checkpoint=path)
    same_but_for_clocks(resumed.state, whole.state)
    assert resumed.steps == whole.steps == last
    assert np.array_equal(resumed.last_observation, whole.last_observation)
    for step, prediction, rejected in told:
        assert not rejected and prediction == predictions[step], step


def saved(path):
    """When the checkpoint was written last."""
    return path.stat().st_mtime_ns if path.exists() else 0


def main(folder, kills):
    path, rng, began, codes, told = folder / "nexting.ckpt", random.Random(0), [], [], []
    for _ in range(kills):
        child, report = forked(lambda write: learn(path, write))
        with report:
            before = saved(path)
            began.append(int(report.readline()))
            # Lives are counted in events and end after a save: so they do on machines of any speed.
            more = rng.randrange(5, 60)
            while more > 0 or saved(path) == before:
                told.append(json.loads(report.readline()))
                more -= 1
            time.sleep(rng.uniform(0, 0.003))
            os.kill(child, signal.SIGKILL)
            # What was still told; the last line may be half of one.
            told += [
                json.loads(line) for line in report.read().splitlines(True) if line[-1] == "\n"
            ]
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    last = max(step for step, _, _ in told) + 50
    codes.append(finished(lambda write: learn(path, os.open(os.devnull, os.O_WRONLY), last)))
    codes.append(finished(lambda write: compare(path, told, last)))
    print(json.dumps({"began": began, "codes": codes, "last": last, "told": len(told)}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
