"""Kill a process that saves without pause, again and again; print what was found each time.

Run: python -m tests.checkpoints.kills FOLDER KILLS SEED KEEP [background]

One line of JSON per kill: `acknowledged`, the last number that the process reported as saved;
`found`, the number of every kept file, newest first; `leftovers`, how many temporary files lie
there. Children are forked, so that they start in a millisecond; none of them uses a device.
"""

import json
import os
import pathlib
import random
import signal
import sys
import time
import warnings

from alberta_framework.checkpoints import list_checkpoints, load_checkpoint, save_checkpoint

from .states import number_of, numbered

# The longest life of a child, in seconds: some ten saves.
LIFE = 0.015


def save_forever(path, start, keep, background, report):
    n = start
    while True:
        n += 1
        saved = save_checkpoint(numbered(n), path, keep=keep, blocking=not background)
        if saved is not None and n % 3 == 0:  # up to three saves wait in line
            saved.result()
        if saved is None or n % 3 == 0:
            os.write(report, n.to_bytes(8, "little"))


def one_kill(path, last, keep, background, delay):
    """The last number acknowledged by a child killed `delay` seconds after its first save."""
    reader, report = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            save_forever(path, last, keep, background, report)
        finally:
            os._exit(1)
    os.close(report)
    told = os.read(reader, 8)  # it runs
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the child ended by itself: {status}"
    while more := os.read(reader, 65536):
        told += more
    os.close(reader)
    return int.from_bytes(told[-8:], "little")


def main():
    folder, kills, seed, keep, *mode = sys.argv[1:]
    path, rng, last = pathlib.Path(folder) / "x.ckpt", random.Random(int(seed)), 0
    save_checkpoint(numbered(0), path)
    # JAX warns of any fork; these children never reach its threads.
    warnings.filterwarnings("ignore", message=".*fork.*")
    for _ in range(int(kills)):
        acknowledged = one_kill(path, last, int(keep), bool(mode), rng.uniform(0, LIFE))
        kept = list_checkpoints(path)
        found = [number_of(load_checkpoint(numbered(0), one)[0]) for one in kept]
        last = number_of(load_checkpoint(numbered(0), path)[0])
        assert found[0] == last
        leftovers = len(list(path.parent.glob(".x.ckpt.tmp-*")))
        line = {"acknowledged": acknowledged, "found": found, "leftovers": leftovers}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
