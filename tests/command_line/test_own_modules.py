"""Files of the command name classes of a user's own, whose modules they import."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from alberta_framework.command_line.own_modules import import_own, with_own_modules
from alberta_framework.command_line.problems import UsageProblem

from .commands import alberta

OWN = Path(__file__).parents[1] / "learners" / "own.py"
STREAM = """
[stream]
type = "RandomWalkStream"
feature_dim = 3
"""
RUN = f"""
num_steps = 40
evaluate_last = 20
seeds = 2
{STREAM}
[learners.Mine]
type = "NLMSLearner"
grid.step_size = [0.05, 0.1]
[learners.LMS]
type = "LinearLearner"
optimizer = {{type = "LMS"}}
"""
SWEEP = f"""
num_steps = 40
seeds = 2
{STREAM}
[learner]
type = "NLMSLearner"
[axes]
learner.step_size = [0.05, 0.1]
"""


@pytest.fixture
def folder(tmp_path):
    shutil.copy(OWN, tmp_path / "my_module.py")
    return tmp_path


def finished(process):
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_run_imports_from_the_folder_of_the_file(folder):
    inner = folder / "files"
    inner.mkdir()
    (folder / "my_module.py").rename(inner / "my_module.py")
    (inner / "mine.toml").write_text('import = ["my_module"]\n' + RUN)
    told = finished(alberta("run", "files/mine.toml", "--output", "out", cwd=folder))
    assert "Mine" in told
    saved = json.loads((folder / "out" / "config.json").read_text())
    assert saved["learners"]["Mine"]["type"] == "NLMSLearner"


def test_sweep_imports_from_the_current_folder(folder):
    inner = folder / "files"
    inner.mkdir()
    (inner / "mine.toml").write_text(SWEEP)
    refused = alberta("sweep", "files/mine.toml", cwd=folder)
    assert refused.returncode == 2
    assert "Unknown learner type: 'NLMSLearner'" in refused.stderr
    own = ("--import", "my_module")
    told = finished(alberta("sweep", "files/mine.toml", *own, "--output", "out", cwd=folder))
    assert "step_size" in told


def test_the_daemon_serves_and_inspect_tells(folder, serve):
    config = folder / "mine.json"
    learner = {"type": "NLMSLearner", "step_size": 0.5}
    names = {"feature_names": ["a", "b"], "head_names": ["y"]}
    config.write_text(json.dumps({"import": ["my_module"], "learner": learner, **names}))
    served = serve("--checkpoint", "agent", config=config)
    x = np.array([1.0, 2.0])
    answer = served.ask({"id": 1, "observation": [1.0, 2.0], "targets": [1.0]})
    assert answer["predictions"] == {"y": 0.0}
    weights = 0.5 * x / (1e-3 + x @ x)
    answer = served.ask({"id": 2, "observation": [1.0, 2.0]})
    np.testing.assert_allclose(answer["predictions"]["y"], weights @ x, rtol=1e-5)
    assert served.end()[0] == 0
    told = finished(alberta("inspect", "agent", "--json", "--import", "my_module", cwd=folder))
    found = json.loads(told)
    assert found["counts"]["step_count"] == 1
    np.testing.assert_allclose(
        list(found["relevance"]["weight_relevance"].values()), weights, rtol=1e-5
    )


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to be in; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.mark.parametrize(
    "name, message",
    [
        ("absent_module", r"no module 'absent_module' is found in '.*', nor is one installed"),
        ("absent_package.inner", "no module 'absent_package.inner' is found"),
        ("my_module.py", "'my_module.py' is no name of a module.*imports it: my_module"),
        ("../other", "no name of a module.*imports it: other"),
        ("", "'' is no name of a module"),
        ("my-module", "'my-module' is no name of a module"),
        ("broken", r"'broken' cannot be imported: SyntaxError: .*broken.py, line 2"),
        ("failing", r"cannot be imported: ZeroDivisionError: .*failing.py, line 3"),
        ("leaving", r"cannot be imported: SystemExit: 3 .*leaving.py, line 1"),
        ("needing", r"cannot be imported: ModuleNotFoundError: No module named 'absent_module'"),
        ("types", r"types.py' is hidden by another module that is called 'types'"),
    ],
)
def test_what_cannot_be_imported_is_told(here, name, message):
    (here / "broken.py").write_text("x = 1\ny = = 2\n")
    (here / "failing.py").write_text("x = 1\n\n1 / 0\n")
    (here / "leaving.py").write_text("raise SystemExit(3)\n")
    (here / "needing.py").write_text("import absent_module\n")
    (here / "types.py").write_text("")
    with pytest.raises(UsageProblem, match=f"^--import: .*{message}"):
        import_own(name, "--import")
    with pytest.raises(UsageProblem, match=rf"^file.toml: import: .*{message}"):
        with_own_modules({"import": [name]}, "file.toml", here)


@pytest.mark.parametrize("listed", ["my_module", [1], {"a": 1}, None])
def test_the_key_holds_a_list_of_names(listed):
    with pytest.raises(UsageProblem, match=r"file\.toml: import: must be a list of names"):
        with_own_modules({"import": listed}, "file.toml", None)


def test_a_module_finds_its_neighbours_and_hides_nothing(here):
    (here / "own").mkdir()
    (here / "own" / "first_of_two.py").write_text("import second_of_two\n")
    (here / "own" / "second_of_two.py").write_text("def late():\n    import third_of_two\n")
    (here / "own" / "third_of_two.py").write_text("")
    before = list(sys.path)
    rest = with_own_modules({"import": ["first_of_two"], "seeds": 2}, "f", here / "own")
    assert rest == {"seeds": 2}
    sys.modules["second_of_two"].late()
    assert sys.path[: len(before)] == before
    assert set(sys.path[len(before) :]) <= {str(here), str(here / "own")}


def test_the_folder_of_the_file_comes_first(here):
    (here / "own").mkdir()
    (here / "which_one.py").write_text("place = 'current'\n")
    (here / "own" / "which_one.py").write_text("place = 'file'\n")
    with_own_modules({"import": ["which_one"]}, "f", here / "own")
    assert sys.modules["which_one"].place == "file"
