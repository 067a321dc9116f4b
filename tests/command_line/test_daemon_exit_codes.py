"""What `alberta daemon` ends with: 0 stopped and saved, 1 unexpected, 2 not to be started again."""

import shutil
import signal
import tempfile

import pytest

from alberta_framework.checkpoints import load_agent

from .daemons import events, write_config
from .test_daemon_mistakes import said

# At the start, before any event: arguments, the code, and what the line names.
AT_THE_START = {
    "a folder in the place of the checkpoint": (["--checkpoint", "folder"], 2, "folder"),
    "no folder for the checkpoint": (["--checkpoint", "file/agent.ckpt"], 1, "file/agent.ckpt"),
    "no folder for the recording": (["--record", "nowhere/events.jsonl"], 1, "events.jsonl"),
    "something else in the place of the recording": (["--record", "file"], 2, "file"),
    "no folder for the metrics": (["--metrics-file", "nowhere/alberta.prom"], 1, "alberta.prom"),
    "no checkpoint of the shadow": (["--shadow", "nowhere.ckpt"], 2, "nowhere.ckpt"),
    "no checkpoint of a frozen one": (
        ["--frozen", "--checkpoint", "nowhere.ckpt"],
        2,
        "nowhere.ckpt",
    ),
    "frozen without a checkpoint": (["--frozen"], 2, "--checkpoint"),
}


@pytest.mark.parametrize("row", AT_THE_START)
def test_at_the_start(row, tmp_path, monkeypatch, capsys):
    arguments, code, named = AT_THE_START[row]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    config = write_config(tmp_path)
    line = said(capsys, ["daemon", "--config", config, *arguments], code)
    assert named in line
    assert (tmp_path / "file").read_text() == "mine" and not list((tmp_path / "folder").iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, None], ids=["signal", "end of input"])
def test_stopped_and_saved_is_0_and_not_saved_1(number, serve, tmp_path):
    served = serve("--checkpoint", "states/agent.ckpt")
    served.ask(events(1)[0])
    if number is not None:
        served.signal(number)
    code, told = served.end()
    assert code == 0 and told.splitlines()[-1] == "alberta: 1 events; saved to states/agent.ckpt"
    assert load_agent(tmp_path / "states" / "agent.ckpt")[1].step_count == 1
    served = serve("--checkpoint", "states/agent.ckpt")
    assert served.ask(events(1)[0])["step"] == 2
    shutil.rmtree(tmp_path / "states")
    (tmp_path / "states").write_text("in the way")
    if number is not None:
        served.signal(number)
    code, told = served.end()
    assert code == 1 and "NOT saved: " in told.splitlines()[-1]


def test_a_folder_that_takes_no_new_file_is_told_at_the_start(tmp_path, monkeypatch, capsys):
    """Although the lock that a killed process left can be had."""
    (tmp_path / "agent.ckpt.lock").write_text("")

    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    arguments = ["--config", write_config(tmp_path), "--checkpoint", tmp_path / "agent.ckpt"]
    line = said(capsys, ["daemon", *arguments], 1)
    assert line.endswith("agent.ckpt: Permission denied.")
