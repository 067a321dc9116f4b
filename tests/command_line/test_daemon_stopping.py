"""`alberta daemon` stops when it is told to, saved, whatever it is in the middle of."""

import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time

import pytest

from alberta_framework.checkpoints import load_agent
from alberta_framework.command_line.daemon import _stopped_by_signals

from .commands import COMMAND
from .daemons import SECONDS, Client, events, strict, write_config
from .test_daemon_socket import listening

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
# Two seconds on a machine of its own; here a few processes share two cores, and before it was
# mended there was no end to it.
SOON = 20


def stalled(write):
    """Send events, and read nothing, until no more are taken; how many were sent."""
    os.set_blocking(write, False)
    lines = b"".join(json.dumps(event).encode() + b"\n" for event in events(1000))
    sent, quiet = 0, time.monotonic() + 1.0
    while time.monotonic() < quiet:
        # Within a line at any byte: it goes on where it stopped.
        try:
            sent += os.write(write, lines[sent % len(lines) :][: 1 << 16])
            quiet = time.monotonic() + 1.0
        except BlockingIOError:
            time.sleep(0.02)
    return sent // len(lines) * 1000 + lines[: sent % len(lines)].count(b"\n")


def stopped_soon(process, number):
    began = time.monotonic()
    process.send_signal(number)
    code = process.wait(SOON)
    return code, time.monotonic() - began


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_reader_that_takes_nothing_does_not_hold_it_up(serve, tmp_path, number):
    served = serve("--checkpoint", "agent.ckpt")
    served.ask(events(1)[0])
    sent = stalled(served.lines.write)
    code, _ = stopped_soon(served.process, number)
    assert code == 0 and "Traceback" not in served.said()
    assert served.said().splitlines()[-1].endswith("saved to agent.ckpt")
    steps = load_agent(tmp_path / "agent.ckpt")[1].step_count
    assert 1 < steps <= sent + 1
    # Whoever reads now finds an answer for each event that was saved, but perhaps the last, whole.
    found = []
    while line := served.receive():
        found.append(line)
    whole = [strict(line)["step"] for line in found if line.endswith(b"\n")]
    assert whole == list(range(2, 2 + len(whole))) and steps - 1 <= len(whole) + 1 <= steps


def test_a_reader_that_is_slow_gets_its_answer_whole(serve):
    """It reads again while the daemon stops."""
    served = serve()
    step = served.ask(events(1)[0])["step"]
    stalled(served.lines.write)
    served.signal()
    found = []
    while line := served.receive():
        found.append(strict(line)["step"])
    assert found == list(range(step + 1, step + 1 + len(found)))
    assert served.process.wait(SOON) == 0


def test_a_client_that_takes_nothing_does_not_hold_it_up(serve, tmp_path):
    path = tmp_path / "s"
    served = serve("--socket", path, "--checkpoint", "agent.ckpt")
    deaf, busy = listening(served, path), Client(path)
    stalled(deaf.socket.fileno())
    assert "step" in busy.ask({"observation": [1, 2]})
    code, _ = stopped_soon(served.process, signal.SIGTERM)
    assert code == 0 and "Traceback" not in served.said() and not path.exists()
    assert load_agent(tmp_path / "agent.ckpt")[1].step_count > 1
    deaf.close()
    busy.close()


@pytest.fixture
def unheard(tmp_path):
    """A daemon whose standard error is a pipe that nobody reads."""
    started = []

    def start(*arguments, before=()):
        config = write_config(tmp_path)
        started.append(
            subprocess.Popen(
                [*before, *COMMAND, "daemon", "--config", str(config), *arguments],
                cwd=tmp_path,
                env=os.environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ask(process, event):
    process.stdin.write(json.dumps(event).encode() + b"\n")
    return json.loads(process.stdout.readline())


@pytest.mark.parametrize("number", SIGNALS[:2], ids=lambda number: number.name)
def test_reports_that_nobody_reads_do_not_hold_it_up(unheard, tmp_path, number):
    process = unheard("--checkpoint", "agent.ckpt", "--report-every", "1")
    ask(process, events(1)[0])
    answered, stalled_at = 1, time.monotonic() + SECONDS
    for event in events(1000):
        process.stdin.write(json.dumps(event).encode() + b"\n")
        if not select.select([process.stdout], [], [], 2.0)[0]:
            break
        process.stdout.readline()
        answered += 1
        assert time.monotonic() < stalled_at
    assert answered < 1000
    code, _ = stopped_soon(process, number)
    assert code == 0
    # The report belongs to an event that was learned.
    assert load_agent(tmp_path / "agent.ckpt")[1].step_count == answered + 1


def test_warnings_that_nobody_reads_do_not_hold_it_up(unheard, tmp_path):
    """A save that fails is told; there is no room for the telling."""
    process = unheard("--checkpoint", "agent.ckpt")
    ask(process, events(1)[0])
    filling = os.open(f"/proc/{process.pid}/fd/2", os.O_WRONLY | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(filling, b"x" * 4096)
    os.close(filling)
    (tmp_path / "agent.ckpt").write_bytes(b"emptied")  # is set aside, and told
    code, _ = stopped_soon(process, signal.SIGTERM)
    assert code == 0
    assert load_agent(tmp_path / "agent.ckpt")[1].step_count == 1


def test_a_signal_at_the_start_ends_it(serve, tmp_path):
    """While it compiles, nothing is learned, and nothing to be saved."""
    served = serve("--checkpoint", "agent.ckpt")
    deadline = time.monotonic() + SECONDS
    while not (tmp_path / "agent.ckpt.lock").exists():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    code, _ = stopped_soon(served.process, signal.SIGTERM)
    assert code == 0 and "Traceback" not in served.said()
    assert serve("--checkpoint", "agent.ckpt").ask(events(1)[0])["step"] == 1


def test_signals_that_follow_one_another_are_one(serve, tmp_path):
    served = serve("--checkpoint", "agent.ckpt")
    served.ask(events(1)[0])
    for number in SIGNALS * 10:
        served.signal(number)
    assert served.process.wait(SOON) == 0 and "Traceback" not in served.said()
    assert load_agent(tmp_path / "agent.ckpt")[1].step_count == 1


@pytest.mark.parametrize("waits", ["for input", "for room", "for ever"])
def test_a_signal_that_interrupts_no_wait_ends_it(waits):
    """It comes to another thread, or right before the wait: Python would handle it afterwards."""
    source, end = os.pipe()
    room, full = os.pipe()
    os.set_blocking(full, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(full, bytes(1 << 16))
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    with _stopped_by_signals() as stop:
        # What would end the wait, so that the test ends too.
        rescue = threading.Timer(
            SOON, lambda: (os.write(end, b"!"), os.read(room, 1 << 20), stop.ask())
        )
        rescue.start()
        sent = threading.Timer(0.3, signal.pthread_kill, (other.ident, signal.SIGTERM))
        sent.start()
        began = time.monotonic()
        if waits == "for input":
            assert not stop.wait_for_input(source)
        elif waits == "for room":
            assert not stop.wait_for_room(full)
        else:
            stop.wait()
        assert time.monotonic() - began < SOON and stop.asked
        rescue.cancel()
    over.set()
    for thread in (other, rescue, sent):
        thread.join()
    for descriptor in (source, end, room, full):
        os.close(descriptor)


def test_a_hangup_that_is_ignored_stays_ignored(unheard):
    """As under `nohup`."""
    process = unheard(before=["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"])
    ask(process, events(1)[0])
    process.send_signal(signal.SIGHUP)
    assert ask(process, events(1)[0])["step"] == 2
    assert stopped_soon(process, signal.SIGTERM)[0] == 0
