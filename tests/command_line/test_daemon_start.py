"""`alberta daemon` starts: what it compiles until it is ready, what it keeps, and whom it tells."""

import json
import os
import select
import signal
import tempfile

import pytest

import alberta_framework as af
from alberta_framework.checkpoints import load_agent

from .daemons import CONFIG, SECONDS, Client, events, write_config

# What the tests tell JAX of a cache would be what the user does.
NO_CACHE_OF_OUR_OWN = {"JAX_COMPILATION_CACHE_DIR": ""}
COMPILED = "Finished XLA compilation"
NETWORK = {"learner": af.MLPLearner(hidden_sizes=(4,), normalizer=af.EMANormalizer()).to_config()}


@pytest.fixture
def serve_until_ready(serve):
    """Starts a daemon, and waits for the line that says that it is ready."""

    def start(*arguments, **options):
        read, write = os.pipe()
        try:
            served = serve(*arguments, "--ready-fd", write, pass_fds=(write,), **options)
            os.close(write)
            assert select.select([read], [], [], SECONDS)[0], served.said()
            told = os.read(read, 100)
            assert told == b"ready\n", served.said()
            # It is closed, so that whoever reads to the end finds it.
            assert os.read(read, 100) == b""
        finally:
            os.close(read)
        return served

    return start


def test_once_ready_nothing_is_compiled(serve_until_ready, tmp_path):
    """Not for the first event, the first save, the first report and the first metrics."""
    config = write_config(tmp_path, **NETWORK, checkpoint_every=2)
    served = serve_until_ready(
        *("--checkpoint", "agent.ckpt", "--report-every", 2, "--metrics-file", "alberta.prom"),
        config=config,
        environment={"JAX_LOG_COMPILES": "1"},
    )
    started = served.said()
    assert COMPILED in started
    for event in events(5):
        assert "step" in served.ask(event)
    served.ask({"observation": [1, 2]})
    code, said = served.end()
    assert code == 0 and said.startswith(started)
    later = said[len(started) :]
    assert later.count('"report"') == 2 and COMPILED not in later
    assert load_agent(tmp_path / "agent.ckpt")[1].step_count == 5


def lived(serve, *options, environment=None):
    """The answers of a short life, exactly, and what was said."""
    served = serve(*options, environment=environment)
    answers = [served.ask(event) for event in events(6)]
    code, said = served.end()
    assert code == 0
    return answers, said


def entries(folder):
    return {path: path.read_bytes() for path in folder.glob("*/*-cache")}


def test_programs_are_kept_beside_the_checkpoint(serve, tmp_path):
    """The next start takes them from there, and the numbers are the same bits."""
    (tmp_path / "states").mkdir()
    options = ("--checkpoint", "states/agent.ckpt")
    first, said = lived(serve, *options, environment=NO_CACHE_OF_OUR_OWN)
    folder = tmp_path / "states" / ".jax-cache"
    kept = entries(folder)
    assert kept and "not kept" not in said and folder.stat().st_mode & 0o077 == 0
    (tmp_path / "states" / "agent.ckpt").unlink()
    again, said = lived(serve, *options, environment=NO_CACHE_OF_OUR_OWN)
    assert again == first
    assert entries(folder).keys() == kept.keys(), said
    plain, _ = lived(serve, "--no-cache", environment=NO_CACHE_OF_OUR_OWN)
    assert plain == first


def test_half_written_programs_are_written_anew(serve, tmp_path):
    """What a crash or a full disk left, JAX would warn of at each start, and compile for ever."""
    options = ("--checkpoint", "agent.ckpt")
    first, _ = lived(serve, *options, environment=NO_CACHE_OF_OUR_OWN)
    folder = tmp_path / ".jax-cache"
    kept = entries(folder)
    for place, (path, octets) in enumerate(kept.items()):
        path.write_bytes(octets[: len(octets) // 2 * (place % 2)])
    (tmp_path / "agent.ckpt").unlink()
    again, said = lived(serve, *options, environment=NO_CACHE_OF_OUR_OWN)
    assert again == first and "Error reading" not in said
    assert {path: len(octets) > 0 for path, octets in entries(folder).items()} == dict.fromkeys(
        kept, True
    )


@pytest.mark.parametrize(
    "options, made",
    [
        (("--cache", "deep/mine", "--checkpoint", "agent.ckpt"), "deep/mine"),
        (("--no-cache", "--checkpoint", "agent.ckpt"), None),
        ((), None),
    ],
)
def test_which_folder_it_is(options, made, serve, tmp_path):
    lived(serve, *options, environment=NO_CACHE_OF_OUR_OWN)
    assert not (tmp_path / ".jax-cache").exists()
    assert made is None or any((tmp_path / made).iterdir())


def test_a_folder_that_the_user_has_told_jax_is_taken(serve, tmp_path):
    folder = tempfile.mkdtemp(dir=tmp_path)
    environment = {"JAX_COMPILATION_CACHE_DIR": folder}
    lived(serve, "--checkpoint", "agent.ckpt", environment=environment)
    assert os.listdir(folder) and not (tmp_path / ".jax-cache").exists()


def test_a_folder_that_cannot_be_written_to_is_told_and_no_more(serve, tmp_path):
    (tmp_path / "file").write_text("")
    answers, said = lived(
        serve, "--cache", "file/cache", "--checkpoint", "a.ckpt", environment=NO_CACHE_OF_OUR_OWN
    )
    told = [line for line in said.splitlines() if "not kept" in line]
    assert told == [
        "alberta: compiled programs are not kept in file/cache: Not a directory; going on"
    ]
    assert answers[-1]["step"] == 6


@pytest.mark.parametrize("options", [("--cache", "x", "--no-cache"), ("--ready-fd", "77")])
def test_options_that_make_no_sense(options, serve, tmp_path):
    code, said = serve("--checkpoint", "agent.ckpt", *options).end()
    assert code == 2 and options[0] in said and len(said.splitlines()) == 1
    assert not (tmp_path / "x").exists()


def test_a_wrong_configuration_makes_no_folder(serve, tmp_path):
    config = tmp_path / "wrong.json"
    config.write_text(json.dumps(CONFIG | {"learner": {"type": "LinearLerner"}}))
    served = serve("--checkpoint", "new/a.ckpt", config=config, environment=NO_CACHE_OF_OUR_OWN)
    assert served.end()[0] == 2 and not (tmp_path / "new").exists()


def test_a_socket_is_there_when_it_is_ready(serve_until_ready, tmp_path):
    served = serve_until_ready("--socket", "s")
    client = Client(tmp_path / "s")
    assert "step" in client.ask(events(1)[0])
    client.close()
    served.signal(signal.SIGTERM)
    assert served.end()[0] == 0
