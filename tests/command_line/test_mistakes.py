"""Every mistake is one line on stderr, an exit code, and nothing else."""

import sys

import pytest

from alberta_framework.command_line.app import main

EXPERIMENT = """
num_steps = 40
seeds = 1
[stream]
type = "RandomWalkStream"
feature_dim = 2
[learners.LMS]
type = "LinearLearner"
optimizer = { type = "LMS" }
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(EXPERIMENT)
    return tmp_path


def said(capsys, arguments, exit_code):
    """The one line that the command said."""
    assert main(arguments) == exit_code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("alberta: ") and err.endswith("\n") and err.count("\n") == 1
    return err.removeprefix("alberta: ").rstrip("\n")


def test_an_unknown_name_tells_the_nearest_and_all(folder, capsys):
    line = said(capsys, ["run", "sutton1992-experiment-3"], 2)
    assert "'sutton1992-experiment-3'. Did you mean 'sutton1992-experiment-2'?" in line
    for name in ("abrupt-change", "random-walk-td", "scale-shift", "sutton1992-experiment-1"):
        assert name in line
    assert not (folder / "results").exists()


FILES = {
    "absent.toml": (None, "cannot read 'absent.toml': No such file or directory."),
    "syntax.toml": ("title = 'x'\nseeds = = 3\n", "line 2"),
    "syntax.json": ('{"seeds":\n 3,}', "line 2"),
    "list.json": ("[1]", "must hold a table of keys"),
    "latin.toml": (b"title = 'caf\xe9'", "is not UTF-8 text (byte 12)"),
    "text.txt": ("hello", "must be a .toml or .json file"),
    "key.toml": (EXPERIMENT + "speed = 3\n", "unknown key 'speed'"),
    "top.toml": ("speed = 3\n" + EXPERIMENT, "unknown key 'speed'"),
    "kind.toml": (EXPERIMENT.replace('"LMS" }', '"LSM" }'), "learners.LMS.optimizer: Unknown"),
    "range.toml": (
        EXPERIMENT.replace('"LMS" }', '"LMS", step_size = -1.0 }'),
        "`step_size` must lie in [0, inf), got -1.0",
    ),
    "path.toml": (EXPERIMENT + 'grid = { "optimizer.alpha" = [1.0] }', "unknown path"),
    "window.toml": ("window = 7\n" + EXPERIMENT, "`window` must divide `num_steps` (40), got 7"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_named_with_what_is_wrong(name, folder, capsys):
    content, message = FILES[name]
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(data)
    line = said(capsys, ["run", name], 2)
    assert name in line and message in line
    assert not (folder / "results").exists()


def test_a_folder_is_no_experiment(folder, capsys):
    (folder / "x.toml").mkdir()
    assert "cannot read 'x.toml': Is a directory" in said(capsys, ["run", "x.toml"], 2)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["run", "mine.toml", "--seeds", "0"], "Invalid value for '--seeds'"),
        (["run", "mine.toml", "--seeds", "many"], "Invalid value for '--seeds'"),
        (["run", "mine.toml", "--steps", "10007"], "--steps: `num_steps` must divide"),
        (["run", "mine.toml", "--sedes", "3"], "No such option: --sedes"),
        (["run", "mine.toml", "other.toml"], "mine reads no file; leave it out"),
        (["run", "mine.toml", "a.csv", "b.csv"], "unexpected extra argument"),
        (["rum"], "No such command 'rum'"),
    ],
)
def test_wrong_options_are_usage_errors(arguments, message, folder, capsys):
    assert message in said(capsys, arguments, 2)


# No user, root included, can make a folder below a file or in /proc.
@pytest.mark.parametrize("output", ["mine.toml/out", "/proc/out"])
def test_an_unwritable_folder_is_told_before_anything_runs(output, folder, capsys):
    line = said(capsys, ["run", "mine.toml", "--output", output], 1)
    assert line.startswith(f"cannot write to '{output}': ")


def test_a_folder_that_holds_something_is_not_written_to(folder, capsys):
    (folder / "out").mkdir()
    (folder / "out" / "notes").write_text("mine")
    line = said(capsys, ["run", "mine.toml", "--output", "out"], 2)
    assert line == "'out' is not empty, and nothing is overwritten."
    assert [path.name for path in (folder / "out").iterdir()] == ["notes"]


WORLD = """
seeds = 1
[environment]
type = "NavixEnvironment"
env_id = "Navix-Empty-5x5-v0"
"""
AGENT = """
type = "SARSAAgent"
sarsa_config = { n_actions = 3 }
hidden_sizes = []
optimizer = { type = "LMS" }
"""
OF_A_MISSING_PACKAGE = {
    "run": f"episodes = 2{WORLD}[agents.Linear]{AGENT}",
    "sweep": f"num_steps = 9{WORLD}[agent]{AGENT}[axes]\n'agent.sarsa_config.gamma' = [0.9]\n",
}


@pytest.mark.parametrize("command", OF_A_MISSING_PACKAGE)
def test_a_world_whose_package_is_missing_names_the_extra(command, folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "navix", None)
    (folder / "world.toml").write_text(OF_A_MISSING_PACKAGE[command])
    line = said(capsys, [command, "world.toml"], 1)
    assert line.startswith("world.toml: ") and "pip install 'alberta_framework[navix]'" in line
    assert not (folder / "results").exists()
