"""`alberta daemon --socket`: several clients of one learner."""

import os
import signal
import socket
import stat
import time

import pytest

from alberta_framework.checkpoints import load_agent

from .daemons import SECONDS, Client, events


def listening(served, path):
    """A client, as soon as there is something to connect to."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return Client(path)
        except OSError:
            assert served.process.poll() is None, served.said()
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    from .daemons import Served

    folder = tmp_path_factory.mktemp("socket")
    path = folder / "s"
    served = Served(folder, "--socket", path, "--checkpoint", "agent.ckpt")
    listening(served, path).close()
    yield served, path
    served.stop()


def test_only_the_owner_may_connect(running):
    _, path = running
    mode = os.stat(path).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


def test_clients_take_turns_on_one_learner(running):
    _, path = running
    one, two = Client(path), Client(path)
    step = one.ask({"observation": [1, 2]})["step"]
    for i, event in enumerate(events(20), 1):
        client = (one, two)[i % 2]
        assert client.ask(event)["step"] == step + i
    one.close()
    assert two.ask({"observation": [1, 2]})["step"] == step + 20
    two.close()


def test_each_client_has_ids_of_its_own(running):
    """Two programs that number their events from 1 label what each has seen itself."""
    _, path = running
    one, two = Client(path), Client(path)
    step = one.ask({"id": 1, "observation": [1, 0]})["step"]
    assert "no event 1" in two.ask({"id": 1, "targets": [1]})["error"]
    two.ask({"id": 1, "observation": [0, 1]})
    expected = [
        client.ask({"observation": row})["predictions"]["y"]
        for client, row in ((one, [1, 0]), (two, [0, 1]))
    ]
    # The answer to a label is the prediction at the observation it is learned on.
    found = one.ask({"id": 1, "targets": [1]})
    assert (found["step"], found["predictions"]["y"]) == (step + 1, expected[0])
    before = two.ask({"observation": [0, 1]})["predictions"]["y"]
    found = two.ask({"id": 1, "targets": [-1]})
    assert (found["step"], found["predictions"]["y"]) == (step + 2, before)
    # Nor do those of one who left pass to one who comes.
    two.ask({"id": "kept", "observation": [1, 2]})
    two.close()
    three = Client(path)
    assert "no event 'kept'" in three.ask({"id": "kept", "targets": [1]})["error"]
    one.close()
    three.close()


def test_the_lines_of_each_client_are_numbered(running):
    _, path = running
    one, two = Client(path), Client(path)
    numbers = [client.ask(b"wrong")["line"] for client in (one, one, two, one)]
    assert numbers == [1, 2, 1, 3]
    one.close()
    two.close()


def test_a_client_that_says_nothing_or_half_a_line_stops_nobody(running):
    _, path = running
    silent, half, busy = Client(path), Client(path), Client(path)
    half.socket.sendall(b'{"observation": [1,')
    assert "step" in busy.ask({"observation": [1, 2]})
    half.socket.sendall(b" 2]}\n")
    assert half.receive().startswith(b'{"id"')
    for client in (silent, half, busy):
        client.close()


def test_a_client_that_leaves_without_reading_stops_nobody(running):
    _, path = running
    for _ in range(3):
        rude = Client(path)
        for event in events(50):
            rude.send(event)
        rude.close()
    busy = Client(path)
    assert "step" in busy.ask({"observation": [1, 2]})
    busy.close()


def test_a_socket_that_is_served_is_refused(running, serve):
    first, path = running
    second = serve("--socket", path)
    code = second.process.wait(SECONDS)
    said = second.said()
    assert code in (1, 2) and str(path) in said.splitlines()[-1] and "Traceback" not in said
    client = Client(path)
    assert "step" in client.ask({"observation": [1, 2]})
    client.close()
    assert first.process.poll() is None and path.exists()


def test_what_is_no_socket_is_not_touched(serve, tmp_path):
    path = tmp_path / "notes"
    path.write_text("mine")
    served = serve("--socket", path)
    assert served.process.wait(SECONDS) in (1, 2)
    assert "notes" in served.said().splitlines()[-1] and "Traceback" not in served.said()
    assert path.read_text() == "mine"


def test_a_socket_of_a_dead_process_is_replaced_and_removed_at_the_end(serve, tmp_path):
    path = tmp_path / "s"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    assert path.exists()
    served = serve("--socket", path, "--checkpoint", "agent.ckpt")
    client = listening(served, path)
    for event in events(3):
        client.ask(event)
    served.signal(signal.SIGTERM)
    assert served.process.wait(SECONDS) == 0
    assert client.receive() == b""
    client.close()
    assert not path.exists()
    assert "Traceback" not in served.said()
    assert load_agent(tmp_path / "agent.ckpt")[1].step_count == 3
