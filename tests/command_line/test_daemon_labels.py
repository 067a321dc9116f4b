"""`alberta daemon` remembers events for labels that come later, through restarts and kills."""

import contextlib
import json
import signal
import time

import pytest

from alberta_framework.command_line.app import main
from alberta_framework.daemon import EventProcessor
from alberta_framework.daemon.serving import MOST_CLIENTS
from tests.daemon.daemons import small

from .daemons import SECONDS, Client, strict, wait_for_save, write_config
from .test_daemon_socket import listening


def killed(served):
    served.process.send_signal(signal.SIGKILL)
    assert served.process.wait(SECONDS) == -signal.SIGKILL


def test_labels_find_their_events_after_a_kill(serve, tmp_path):
    config = write_config(tmp_path, checkpoint_every=2)
    options = ("--checkpoint", "agent.ckpt")
    first = serve(*options, config=config)
    for number in range(5):
        first.ask({"id": number, "observation": [number, 1]})
    expected = [first.ask({"observation": [number, 1]})["predictions"] for number in range(5)]
    assert first.ask({"id": 0, "targets": [2]})["predictions"] == expected[0]
    first.ask({"id": "later", "observation": [3, 3]})
    # The second event that is learned makes a save due.
    first.ask({"id": 1, "targets": [2]})
    wait_for_save(tmp_path / "agent.ckpt", 2)
    at_the_save = [first.ask({"observation": [number, 1]})["predictions"] for number in (3, 4)]
    first.ask({"id": "lost", "observation": [4, 4]})
    killed(first)
    second = serve(*options, config=config)
    found = second.ask({"id": 3, "targets": [2]})
    assert (found["step"], found["predictions"]) == (3, at_the_save[0])
    assert "has learned it already" in second.ask({"id": 1, "targets": [2]})["error"]
    assert second.ask({"id": "later", "targets": [1]})["step"] == 4
    assert "no event 'lost'" in second.ask({"id": "lost", "targets": [1]})["error"]
    code, _ = second.end()
    assert code == 0
    third = serve(*options, config=config)
    assert third.ask({"id": 4, "targets": [2]})["step"] == 5
    third.end()


def test_a_client_of_a_socket_that_says_its_name(serve, tmp_path):
    options = ("--socket", "s", "--checkpoint", "agent.ckpt")
    first = serve(*options)
    one = listening(first, tmp_path / "s")
    assert one.ask({"client": "web"}) == {"client": "web", "step": 0, "remembered": 0}
    one.ask({"id": 1, "observation": [1, 2]})
    one.ask({"id": 2, "observation": [1, 2]})
    one.close()
    again = Client(tmp_path / "s")
    assert again.ask({"client": "web"})["remembered"] == 2
    assert again.ask({"id": 1, "targets": [1]})["step"] == 1
    again.close()
    first.signal()
    assert first.end()[0] == 0
    second = serve(*options)
    nameless = listening(second, tmp_path / "s")
    assert "no event 2" in nameless.ask({"id": 2, "targets": [1]})["error"]
    web = Client(tmp_path / "s")
    assert web.ask({"client": "web"}) == {"client": "web", "step": 1, "remembered": 2}
    assert web.ask({"id": 2, "targets": [1]})["step"] == 2
    nameless.close()
    web.close()


def test_a_client_too_many_is_told_and_let_go(serve, tmp_path):
    served = serve("--socket", "s")
    clients = [listening(served, tmp_path / "s")]
    clients += [Client(tmp_path / "s") for _ in range(MOST_CLIENTS - 1)]
    # Each is taken, once it is answered.
    for client in clients:
        assert "step" in client.ask({"observation": [1, 2]})
    refused = Client(tmp_path / "s")
    told = strict(refused.receive())
    assert told["id"] is None and str(MOST_CLIENTS) in told["error"]
    assert refused.receive() == b""
    refused.close()
    assert "step" in clients[0].ask({"observation": [1, 2]})
    # There is room again once one has left.
    clients.pop().close()
    deadline = time.monotonic() + SECONDS
    while True:
        late = Client(tmp_path / "s")
        # One that is refused may be gone before it has said anything.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if "step" in late.ask({"observation": [1, 2]}):
                break
        late.close()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for client in (*clients, late):
        client.close()


@pytest.mark.parametrize("length", [(1 << 20) + 1, 3 << 20])
def test_a_line_that_is_too_long_keeps_its_id(length, shared):
    step = shared.ask({"observation": [1, 2]})["step"]
    known = b'{"id": "long", "observation": [' + b"1" * length
    late = b'{"observation": [' + b"1" * length + b'], "id": 1}'
    for line, event_id in ((known, "long"), (late, None)):
        found = shared.ask(line)
        assert found["id"] == event_id
        assert found["error"] == "line: is longer than 1,048,576 bytes"
    assert shared.ask({"id": 3, "observation": [1, 2]})["step"] == step


def test_inspect_tells_how_many_events_wait(tmp_path, capsys):
    path = tmp_path / "agent.ckpt"
    with small(checkpoint=path) as ours:
        for number in range(3):
            EventProcessor(ours, client="web").answer(
                json.dumps({"id": number, "observation": [1, 2]}), number
            )
    assert main(["inspect", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metadata"]["daemon"]["label_windows"] == {"web": 3}
