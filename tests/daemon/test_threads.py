"""Threads that share a daemon lose nothing."""

import concurrent.futures
import sys
import threading

import numpy as np

import alberta_framework as af
from alberta_framework.checkpoints import load_agent
from alberta_framework.daemon import Daemon

from .daemons import daemon, events, same_but_for_clocks, small

THREADS, EACH = 8, 60


def test_no_event_of_any_thread_is_lost(tmp_path):
    """All learn different events; what one thread saw in between is a state of all before it."""
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path, checkpoint_every=25)
    observations = np.float32(np.random.default_rng(0).normal(size=(THREADS, EACH, 2)))
    observations[:, ::10, 0] = np.nan
    start = threading.Barrier(THREADS)

    def work(number):
        start.wait()
        found = []
        for observation in observations[number]:
            found.append(ours.step(observation, observation[1:]))
            ours.predict(observation)
            if number == 0:
                assert ours.state.step_count <= ours.steps
            if number == 1:
                ours.report()
            if number == 2:
                ours.save(blocking=False)
        return found

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            results = [r for rows in pool.map(work, range(THREADS)) for r in rows]
    finally:
        sys.setswitchinterval(interval)
    total = THREADS * EACH
    assert sorted(result.step for result in results) == list(range(1, total + 1))
    rejected = sum(result.rejected for result in results)
    assert rejected == THREADS * EACH // 10
    state = ours.state
    assert (state.step_count, state.rejected_count) == (total - rejected, rejected)
    assert ours.steps == total
    ours.save()
    same_but_for_clocks(load_agent(path)[1], state)


def test_threads_learn_as_if_in_the_order_of_their_steps():
    """Replaying the events in the order of `step` gives the same bits."""
    ours, alone = daemon("horde"), daemon("horde")
    rows = events("horde", 4 * 30)

    def work(part):
        return [(ours.step(*row), row) for row in part]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(work, [rows[i::4] for i in range(4)]))
    ordered = sorted((pair for part in parts for pair in part), key=lambda pair: pair[0].step)
    for found, row in ordered:
        np.testing.assert_array_equal(alone.step(*row).predictions, found.predictions)
    same_but_for_clocks(alone.state, ours.state)


def test_two_daemons_in_one_process_are_apart():
    learner = af.LinearLearner(af.LMS(0.1))
    one, two = Daemon(learner, 2), Daemon(learner, 2)
    one.step([1.0, 2.0], [3.0])
    assert (one.steps, two.steps) == (1, 0)
    assert not np.any(np.asarray(two.state.weights))
