"""The checkpoint of `alberta daemon`: one process has it, and what breaks it is told and mended."""

import json
import signal
import time

import pytest

from alberta_framework.checkpoints import load_agent
from alberta_framework.command_line.app import main

from .daemons import CONFIG, SECONDS, Client, events, wait_for_save, write_config
from .test_daemon_mistakes import said
from .test_daemon_socket import listening


@pytest.mark.parametrize("by", ["standard input", "socket"])
def test_a_second_daemon_ends_with_a_line_that_names_the_first(serve, tmp_path, by):
    first = serve("--checkpoint", "agent.ckpt")
    for event in events(3):
        first.ask(event)
    sockets = [] if by == "standard input" else ["--socket", tmp_path / "s"]
    second = serve("--checkpoint", tmp_path / "agent.ckpt", *sockets)
    code, told = second.end()
    assert code == 2 and told.count("\n") == 1
    assert f"in use by process {first.process.pid} " in told and "agent.ckpt" in told
    assert not (tmp_path / "s").exists()
    # The first has lost nothing, and loses nothing now.
    assert first.ask(events(1)[0])["step"] == 4
    assert first.end()[0] == 0
    assert load_agent(tmp_path / "agent.ckpt")[1].step_count == 4


def test_a_killed_daemon_is_followed_at_once(serve, tmp_path):
    config = write_config(tmp_path, checkpoint_every=1)
    first = serve("--checkpoint", "agent.ckpt", config=config)
    first.ask(events(1)[0])
    wait_for_save(tmp_path / "agent.ckpt")
    first.signal(signal.SIGKILL)
    first.process.wait(SECONDS)
    second = serve("--checkpoint", "agent.ckpt", config=config)
    assert second.ask(events(1)[0])["step"] == 2
    assert second.end()[0] == 0
    names = {path.name for path in tmp_path.iterdir() if path.name.startswith("agent")}
    assert names == {"agent.ckpt"}


def test_a_new_state_says_where_no_checkpoint_was_found(serve, tmp_path):
    served = serve("--checkpoint", "agent.ckpt")
    served.ask(events(1)[0])
    assert f"a new state, no checkpoint was found at {tmp_path / 'agent.ckpt'};" in served.said()
    served.end()
    again = serve("--checkpoint", "agent.ckpt")
    again.ask(events(1)[0])
    assert "resumed at 1 events" in again.said() and "found" not in again.said()


def test_an_emptied_checkpoint_costs_no_event(serve, tmp_path):
    config = write_config(tmp_path, checkpoint_every=2, keep=2)
    served = serve("--checkpoint", "agent.ckpt", config=config)
    path, found = tmp_path / "agent.ckpt", []
    for number, event in enumerate(events(12)):
        if number == 4:
            deadline = time.monotonic() + SECONDS
            # A save that is still under way would put a whole file in the place of the empty one.
            while not path.exists() or time.time() - path.stat().st_mtime < 1.0:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            path.write_bytes(b"")
        found.append(served.ask(event)["step"])
    code, told = served.end()
    assert code == 0 and "agent.ckpt.damaged" in told
    assert found == list(range(1, 13)) and load_agent(path)[1].step_count == 12
    assert path.with_name("agent.ckpt.damaged").read_bytes() == b""


WRONG = {
    "another structure": {"feature_names": ["a", "b", "c"]},
    "another optimizer": {
        "learner": {"type": "LinearLearner", "optimizer": {"type": "LMS"}},
    },
    "other names": {"feature_names": ["b", "a"]},
    "another class": {
        "learner": {"type": "MLPLearner", "hidden_sizes": [2], "optimizer": {"type": "LMS"}}
    },
}


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """The bytes of a checkpoint."""
    from alberta_framework.components.component import from_config
    from alberta_framework.daemon import Daemon

    path = tmp_path_factory.mktemp("learned") / "agent.ckpt"
    names = {name: CONFIG[name] for name in ("feature_names", "head_names")}
    with Daemon(from_config(CONFIG["learner"]), 2, checkpoint=path, **names):
        pass
    return path.read_bytes()


@pytest.mark.parametrize("row", WRONG)
def test_a_checkpoint_of_another_learner_is_no_case_for_a_restart(row, learned, tmp_path, capsys):
    """A service manager restarts what ends with 1; exit code 2 tells it not to."""
    path = tmp_path / "agent.ckpt"
    path.write_bytes(learned)
    config = write_config(tmp_path, **WRONG[row])
    assert "agent.ckpt" in said(capsys, ["daemon", "--config", config, "--checkpoint", path], 2)
    assert path.read_bytes() == learned
    assert {file.name for file in tmp_path.iterdir()} == {"agent.ckpt", "learner.json"}


@pytest.mark.parametrize("content", [b"damaged", b""])
def test_nor_is_a_damaged_one(content, tmp_path, capsys):
    path = tmp_path / "agent.ckpt"
    path.write_bytes(content)
    said(capsys, ["daemon", "--config", write_config(tmp_path), "--checkpoint", path], 2)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_written_to_is_told_at_the_start(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    for bad in (tmp_path / "file" / "agent.ckpt", "/proc/agent.ckpt"):
        line = said(capsys, ["daemon", "--config", write_config(tmp_path), "--checkpoint", bad], 1)
        assert "agent.ckpt" in line


def test_a_checkpoint_that_is_missing_is_told_where(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", "agent.ckpt"]) == 1
    told = capsys.readouterr().err
    assert told == f"alberta: no checkpoint was found at {str(tmp_path / 'agent.ckpt')!r}.\n"
    (tmp_path / "mine.toml").write_text("")
    for folder in ("nowhere", "."):
        assert main(["sweep", "mine.toml", "--resume", folder]) == 2


def test_clients_that_come_and_go_share_one_checkpoint(serve, tmp_path):
    path = tmp_path / "s"
    served = serve("--socket", path, "--checkpoint", "agent.ckpt")
    listening(served, path).close()
    for step in (1, 2, 3):
        client = Client(path)
        assert client.ask(events(1)[0])["step"] == step
        client.close()
    served.signal()
    assert served.process.wait(SECONDS) == 0
    assert json.dumps(load_agent(tmp_path / "agent.ckpt")[2]["daemon"]["steps"]) == "3"
