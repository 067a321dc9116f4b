"""The commands of the guide to deploying, run as a service manager runs them."""

import json
import pathlib
import re
import shlex
import signal
import socket

import pytest

import alberta_framework

from .daemons import CONFIG, Client, events
from .test_daemon_metrics import metrics

GUIDE = pathlib.Path(alberta_framework.__file__).parents[2] / "docs" / "guides" / "deploying.md"
FOLDERS = ("/etc/alberta", "/var/lib/alberta", "/run/alberta")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)[1]


def of_the_unit():
    unit = block("ini").replace("\\\n", " ")
    assert "Type=notify" in unit and "RestartPreventExitStatus=2" in unit
    return shlex.split(re.search(r"ExecStart=(.*)", unit)[1])


def of_the_container():
    lists = re.findall(r"(?:ENTRYPOINT|CMD) (.*)", block("dockerfile"))
    return [word for words in lists for word in json.loads(words)]


@pytest.mark.parametrize("found", [of_the_unit, of_the_container], ids=["unit", "container"])
def test_it_starts_serves_tells_and_stops(found, serve, tmp_path, monkeypatch):
    name, command, *arguments = found()
    assert (pathlib.Path(name).name, command) == ("alberta", "daemon")
    for folder in FOLDERS:
        arguments = [word.replace(folder, str(tmp_path)) for word in arguments]
    named = dict(zip(arguments[::2], arguments[1::2], strict=True))
    config = pathlib.Path(named.pop("--config"))
    assert config.suffix == ".toml"
    config = config.with_suffix(".json")
    config.write_text(json.dumps(CONFIG))
    options = [word for pair in named.items() for word in pair]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(120)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        served = serve(*options, config=config)
        assert heard.recv(100) == b"READY=1"
        client = Client(named["--socket"])
        try:
            for row in events(5):
                assert "step" in client.ask(row)
        finally:
            client.close()
        assert serve(*options, config=config).end()[0] == 2  # the checkpoint is in use
        served.signal(signal.SIGTERM)
        assert served.end()[0] == 0
        assert heard.recv(100) == b"STOPPING=1"
    assert metrics(pathlib.Path(named["--metrics-file"]))["alberta_events_total"] == 5.0
    assert pathlib.Path(named["--checkpoint"]).exists()
