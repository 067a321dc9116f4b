"""A daemon that is killed again and again: `python -m tests.daemon.kills FOLDER KILLS KIND`.

Events of the KIND `rows` are rows of numbers, those of `fields` are objects of named fields.

Forks, which costs a tenth of a new interpreter; safe as long as this process has one thread, so
nothing is computed in it. Prints what happened as JSON.
"""

import json
import os
import pathlib
import random
import signal
import sys
import time
import traceback

import alberta_framework as af
from alberta_framework.daemon import Daemon
from tests.daemon.daemons import GAMMA, dim, events, same_but_for_clocks
from tests.event_features.cases import FEATURES, drawn

EVENTS = 20_000
KIND = sys.argv[3] if __name__ == "__main__" else "rows"


def made(**options):
    """It keeps an observation, and is compiled soon."""
    if KIND == "fields":
        learner = af.TDLinearLearner(normalizer=af.EMANormalizer(clip=10.0))
        return Daemon(learner, features=FEATURES, gamma=GAMMA, **options)
    return Daemon(af.TDLinearLearner(), dim("td"), gamma=GAMMA, **options)


def told():
    if KIND == "rows":
        return events("td", EVENTS)
    return [
        (event, *row[1:]) for event, row in zip(drawn(EVENTS), events("td", EVENTS), strict=True)
    ]


def learn(path, report, last=EVENTS):
    """Go on from the checkpoint, telling where, and after each event; saves at the end."""
    rows = told()
    with made(checkpoint=path, checkpoint_every=7, keep=2) as ours:
        os.write(report, b"%d\n" % ours.steps)
        for row in rows[ours.steps : last]:
            ours.step(*row)
            os.write(report, b"learned\n")
            time.sleep(0.0005)
    return ours


def compare(path, last):
    """Whether what lies there is the state of a run that nobody interrupted."""
    resumed, whole = made(checkpoint=path), made()
    for row in told()[:last]:
        whole.step(*row)
    same_but_for_clocks(resumed.state, whole.state)
    assert resumed.steps == whole.steps == last
    assert resumed.report().get("features") == whole.report().get("features")
    if KIND == "fields":
        rows = [each.event_row({"load": None}).features for each in (resumed, whole)]
        assert rows[0].tobytes() == rows[1].tobytes()
    ours, theirs = resumed.last_observation, whole.last_observation
    assert (ours is None) == (theirs is None)
    assert ours is None or (ours == theirs).all()


def forked(work):
    """The process that does `work(report)`, and where it reports to."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(read)
            work(write)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(write)
    return child, os.fdopen(read)


def finished(work):
    child, report = forked(work)
    report.close()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder, kills):
    path, rng, began, codes = folder / "agent.ckpt", random.Random(0), [], []
    assert len(os.listdir("/proc/self/task")) == 1
    for _ in range(kills):
        child, report = forked(lambda write: learn(path, write))
        with report:
            began.append(int(report.readline()))
            # A length of life counted in events is the same on machines of any speed.
            for _ in range(rng.randrange(80)):
                report.readline()
            time.sleep(rng.uniform(0, 0.005))
            os.kill(child, signal.SIGKILL)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    last = began[-1] + 200
    codes.append(finished(lambda write: learn(path, os.open(os.devnull, os.O_WRONLY), last)))
    codes.append(finished(lambda write: compare(path, last)))
    print(json.dumps({"began": began, "codes": codes, "last": last}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
