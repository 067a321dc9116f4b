"""What a running daemon tells those who watch it."""

import os
import re
import socket

import pytest

from .daemons import events, write_config
from .test_daemon_mistakes import said


def metrics(path):
    """Each sample of a file in the text format of Prometheus."""
    found, text = {}, path.read_text()
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP \w+ .+|TYPE \w+ (counter|gauge))", line), line
            continue
        match = re.fullmatch(r'(\w+(?:\{\w+="[^"\n]*"(?:,\w+="[^"\n]*")*\})?) (\S+)', line)
        assert match is not None and match[1] not in found, line
        found[match[1]] = float(match[2])
    return found


def test_metrics_and_the_service_manager(serve, tmp_path, monkeypatch):
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        served = serve("--metrics-file", "alberta.prom", "--checkpoint", "agent.ckpt")
        assert heard.recv(100) == b"READY=1"
        path = tmp_path / "alberta.prom"
        assert metrics(path)["alberta_events_total"] == 0.0
        for row in events(50):
            served.ask(row)
        served.ask({"observation": [1, 2]})
        for wrong in (b"wrong", b'{"observation": [1]}', b'{"x": 1, "observation": [1, 2]}'):
            served.ask(wrong)
        served.ask(b'{"observation": [1e39, 1], "targets": [1]}')
        assert served.end()[0] == 0
        assert heard.recv(100) == b"STOPPING=1"
    found = metrics(path)
    assert found["alberta_events_total"] == 51.0
    assert found["alberta_rejected_events_total"] == 1.0
    assert found["alberta_events_without_label_total"] == 1.0
    for kind in ("line", "observation", "unknown field"):
        assert found[f'alberta_error_lines_total{{kind="{kind}"}}'] == 1.0
    assert found['alberta_labels{head="y",over="all"}'] == 49.0
    assert found['alberta_skill{head="y",over="latest"}'] > 0.0
    assert found['alberta_latency_seconds{event="learned",quantile="0.5"}'] < 10.0
    assert [name for name in os.listdir(tmp_path) if "tmp-" in name] == []


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--metrics-file", "agent.ckpt"], "--checkpoint and --metrics-file must be different"),
        (["--metrics-file", "agent.ckpt.lock"], "the lock of --checkpoint and --metrics-file"),
        (["--metrics-file", "../{}/learner.json"], "--config and --metrics-file"),
        (["--metrics-file", "a", "--record", "a"], "--record and --metrics-file"),
        (["--socket", "agent.ckpt"], "--checkpoint and --socket must be different files"),
        (["--metrics-file", "data.csv"], "data.csv is there, and holds no metrics"),
    ],
)
def test_metrics_take_the_place_of_nothing_else(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path)
    (tmp_path / "data.csv").write_text("x,y\n1,2\n")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    named = [one.format(tmp_path.name) for one in arguments]
    line = said(capsys, ["daemon", "--config", config, "--checkpoint", "agent.ckpt", *named], 2)
    assert told in line
    after = {name: (tmp_path / name).read_bytes() for name in before}
    assert after == before


def test_metrics_of_an_earlier_life_are_written_over(serve, tmp_path):
    for number in (1, 2):
        served = serve("--metrics-file", "alberta.prom", "--checkpoint", "agent.ckpt")
        served.ask(events(1)[0])
        assert served.end()[0] == 0
        assert metrics(tmp_path / "alberta.prom")["alberta_events_total"] == number
