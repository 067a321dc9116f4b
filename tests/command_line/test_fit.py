"""`alberta fit`: the shortest way from a file to a learner that goes on."""

import json

import pytest

from alberta_framework.command_line.app import main

FILES = ["curve.csv", "fit.png", "learner.ckpt", "learner.json", "relevance.csv", "scores.csv"]


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "plants.csv"
    rows = [f"{t % 7},{t % 2 == 0},{'tall' if t % 7 > 3 else 'small'}" for t in range(120)]
    path.write_text("\n".join(["height,wet,kind", *rows, "1"]) + "\n")
    return path


def test_a_daemon_goes_on_with_what_was_learned(file, serve, tmp_path, capsys):
    assert main(["fit", str(file), "--target", "kind"]) == 0
    told = capsys.readouterr().out
    for text in (
        "kind, predicted before it was learned",
        "frequencies",
        "120 events, 1 not read",
        "line 122: has 1 cells, and the header 3",
        "height",
        "alberta daemon --config",
    ):
        assert text in told
    folder = tmp_path / "results" / "plants"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    served = serve("--checkpoint", folder / "learner.ckpt", config=folder / "learner.json")
    event = {"height": 6.0, "wet": True}
    answer = served.ask({"id": 1, "observation": event})
    assert answer["step"] == 120 and answer["predictions"]["tall"] > 0.6
    assert served.ask({"id": 1, "targets": "tall"})["step"] == 121
    assert "no class is called 'huge'" in served.ask({"id": 1, "targets": "huge"})["error"]
    assert served.end()[0] == 0


def test_a_number_is_predicted_as_one(file, tmp_path, capsys):
    arguments = ["--target", "height", "--ignore", "wet", "--output", "out", "--quiet"]
    assert main(["fit", str(file), *arguments]) == 0
    assert capsys.readouterr().out == "out\n"
    config = json.loads((tmp_path / "out" / "learner.json").read_text())
    assert config["learner"]["type"] == "LinearLearner"
    assert [field["name"] for field in config["features"]["fields"]] == ["kind"]


WRONG = {
    "no field is called 'size'": ["--target", "size"],
    "no field is called 'size'; there are": ["--target", "kind", "--ignore", "size"],
    "`task`": ["--target", "kind", "--task", "ranking"],
    "is never a number": ["--target", "kind", "--task", "regression"],
    "target": [],
}


@pytest.mark.parametrize("told", WRONG)
def test_mistakes(told, file, tmp_path, capsys):
    assert main(["fit", str(file), *WRONG[told]]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert main(["fit", str(tmp_path / "none.csv"), "--target", "y"]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_nothing_is_left_where_nothing_was_learned(file, tmp_path, capsys):
    file.write_text("x,y\n1,\n1e60,2\n2e60,3\n")
    assert main(["fit", str(file), "--target", "y"]) == 2
    assert "nothing was learned" in capsys.readouterr().err
    assert not list((tmp_path / "results").iterdir())
