"""A signal that raises takes effect between two events, wherever in an event it comes."""

import dis
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import alberta_framework.daemon as room
from alberta_framework.checkpoints import load_agent

from . import agents
from .daemons import daemon, events, kept, same_but_for_clocks

ROOM = os.path.dirname(room.__file__)
PATIENCE = 120  # seconds, for a machine that is busy with other tests
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


class Interrupted(BaseException):
    """As KeyboardInterrupt and SystemExit are: no `Exception`."""


class At:
    """Raises before the n-th instruction of the daemon's own code, once `armed`.

    Python looks for signals when a function begins, after a call and where a loop goes back, so at
    fewer places than these. Not between a lock's being taken and the block that gives it back,
    where it does not look either.
    """

    def __init__(self, place):
        self.left, self.where, self.armed = place, None, False

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.trace)
        return self

    def __exit__(self, kind, error, traceback):
        sys.settrace(self.before)
        return kind is Interrupted

    def trace(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(ROOM):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode" and self.armed and not self.takes_a_lock(frame):
            self.left -= 1
            if self.left == 0:
                self.where = frame.f_code.co_qualname
                raise Interrupted
        return self.trace

    def takes_a_lock(self, frame):
        code = frame.f_code.co_code
        near = code[max(0, frame.f_lasti - 2) : frame.f_lasti + 2 : 2]
        return any("WITH" in dis.opname[instruction] for instruction in near)


@pytest.mark.parametrize("name", ["linear", "td"])  # of examples, and of transitions
def test_an_interrupt_anywhere_in_an_event_leaves_it_whole_or_undone(name):
    """Whoever goes on with the event that `steps` names ends as if never interrupted."""
    ours, other, rows = daemon(name), kept(name), events(name, 400, seed=3)
    ours.step(*rows[0])
    places = []
    while ours.steps < len(rows):
        number = ours.steps
        with At(len(places) + 1) as here:
            other.step(*rows[0])  # some versions trace instructions from the second call on
            here.armed = True
            ours.step(*rows[number])
        if here.where is None:
            break  # the event is shorter than that
        places.append(here.where)
        assert ours.steps in (number, number + 1)
        assert np.isfinite(ours.predict(rows[number][0])).all()
    assert len(places) > 100 and {"Daemon.step", "Moments.take"} <= set(places)
    whole = daemon(name)
    for row in rows[: ours.steps]:
        whole.step(*row)
    same_but_for_clocks(ours.state, whole.state)
    np.testing.assert_array_equal(ours.last_observation, whole.last_observation)


def test_an_interrupt_anywhere_in_an_event_of_an_agent_leaves_it_whole_or_undone():
    """The state with the pending action, and the episodes so far."""
    ours, rows = agents.daemon("Naive"), agents.events(600, seed=3)
    for row in rows[:4]:
        ours.act(*row)
    places = []
    while ours.steps < len(rows):
        number = ours.steps
        with At(len(places) + 1) as here:
            ours.act(rows[number][0], learn=False)
            here.armed = True
            ours.act(*rows[number])
        if here.where is None:
            if rows[number][1] is None:
                continue  # what begins an episode is shorter than a step
            break
        places.append(here.where)
        assert ours.steps in (number, number + 1)
    assert len(places) > 100 and {"Daemon.act", "Moments.take", "Episodes.step"} <= set(places)
    whole = agents.daemon("Naive")
    for row in rows[: ours.steps]:
        whole.act(*row)
    agents.same_life(ours.state, whole.state)
    assert ours.report()["episodes"] == whole.report()["episodes"]


@pytest.mark.parametrize("name", ["linear", "mlp", "td"])
def test_an_alarm_at_any_time_leaves_the_event_whole_or_undone(name):
    """The same with real signals, which come while the program runs."""
    ours, rows = daemon(name), events(name, 120, seed=4)
    interrupts = 0

    def interrupt(number, frame):
        raise Interrupted

    def go_on():
        signal.setitimer(signal.ITIMER_REAL, 1e-5 * (1 + interrupts % 40))
        while ours.steps < len(rows):
            ours.step(*rows[ours.steps])
        signal.setitimer(signal.ITIMER_REAL, 0)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        while ours.steps < len(rows):
            try:
                go_on()
            except Interrupted:
                interrupts += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    whole = daemon(name)
    for row in rows:
        whole.step(*row)
    assert interrupts > 10
    same_but_for_clocks(ours.state, whole.state)
    assert ours.steps == len(rows)


CHILD = """
import json, signal, sys
import jax
jax.config.update("jax_cpu_enable_async_dispatch", sys.argv[3] == "asynchronous")
from tests.daemon.daemons import daemon, events

if sys.argv[2] == "SIGTERM":
    def leave(number, frame):
        raise SystemExit(0)
    signal.signal(signal.SIGTERM, leave)
rows, answered = events("mlp", 500), 0
try:
    with daemon("mlp", checkpoint=sys.argv[1]) as ours:
        print("begun", flush=True)
        try:
            while True:
                answered = ours.step(*rows[ours.steps % 500]).step
        finally:
            # Pressed again while it saves, it would give up saving.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
except BaseException as error:
    print(json.dumps([type(error).__name__, answered, ours.steps]), flush=True)
"""


@pytest.mark.parametrize("dispatch", ["synchronous", "asynchronous"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_process_that_is_interrupted_saves_every_event_that_was_answered(
    number, dispatch, tmp_path
):
    path = tmp_path / "agent.ckpt"
    command = [sys.executable, "-c", CHILD, str(path), number.name, dispatch]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.05)
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None:  # JAX may swallow one
            if time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"{number.name} did not end the process in {PATIENCE} seconds")
            process.send_signal(number)
            try:
                process.wait(1.0)
            except subprocess.TimeoutExpired:
                continue
        name, answered, steps = json.loads(process.stdout.readline())
    assert name == {"SIGINT": "KeyboardInterrupt", "SIGTERM": "SystemExit"}[number.name]
    assert answered > 0 and answered <= steps <= answered + 1
    saved = load_agent(path)[1]
    assert saved.step_count + saved.rejected_count == steps
    whole, rows = daemon("mlp"), events("mlp", 500)
    for i in range(steps):
        whole.step(*rows[i % 500])
    same_but_for_clocks(saved, whole.state)
