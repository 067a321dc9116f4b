"""A file is learned as its events would be, one after the other, and scored before it is."""

import csv
import json
import math

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.daemon import EventProcessor
from alberta_framework.fitting.scores import ClassScores, NumberScores

ROWS = 300


def table(path):
    """A number that follows from a number, a category and the time, and a class."""
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["when", "weather", "temp", "open", "note", "count", "busy"])
        for t in range(ROWS):
            temp, weather = 10.0 + 5.0 * rng.normal(), rng.choice(["rain", "sun"])
            count = 5e4 + 900.0 * temp - 8e3 * (weather == "rain") + 100.0 * rng.normal()
            cells = [f"2024-01-{1 + t // 24:02d}T{t % 24:02d}:00", weather]
            cells += ["" if t % 50 == 7 else f"{temp:.2f}", "true" if t % 3 else "false"]
            writer.writerow([*cells, f"n{t}", f"{count:.1f}", "yes" if count > 55e3 else "no"])
    return path


@pytest.fixture
def file(tmp_path):
    return table(tmp_path / "rides.csv")


def fitted(plan, **arguments):
    fit = af.FileFit(plan, **arguments)
    while fit.advance():
        pass
    return fit


def test_it_is_the_life_of_a_daemon(file):
    plan = af.plan_fit(file, "count", ignore=["busy"])
    fit = fitted(plan)
    by_hand = af.Daemon(plan.learner, features=plan.features)
    last, errors, cells = None, [], {k.name: k.cell for k in plan.kinds if k.field is not None}
    for row in plan.file.rows():
        event = {n: None if row.event[n] is None else c(row.event[n]) for n, c in cells.items()}
        y = float(row.event["count"])
        found = by_hand.step(event, [y]).predictions
        last, errors = found, [*errors, found[0] - y]
    assert fit.recent[-1].predictions.tobytes() == last.tobytes()
    scores = {one.system: one for one in fit.scores()}
    assert scores["learned"].all["MAE"] == pytest.approx(np.mean(np.abs(errors[1:])))
    assert scores["learned"].all["RMSE"] == pytest.approx(np.sqrt(np.mean(np.square(errors[1:]))))
    assert scores["learned"].all["MAE"] < 0.6 * scores["running mean"].all["MAE"]
    assert (fit.learned, fit.not_read, fit.rejected, fit.unlabelled) == (ROWS, 0, 0, 0)
    assert set(plan.left_out) == {"note", "busy"}
    assert next(iter(fit.relevance())) in ("temp", "weather=rain", "weather=sun")


def test_nothing_is_known_of_rows_that_are_still_to_come(file, tmp_path):
    lines = file.read_text().splitlines()
    other = tmp_path / "other.csv"
    changed = [line.replace(",sun,", ",rain,").replace(".1,", ".2,") for line in lines[201:]]
    other.write_text("\n".join(lines[:201] + changed) + "\n")
    found = []
    for path in (file, other):
        fit = af.FileFit(af.plan_fit(path, "count", ignore=["busy"]))
        fit.advance(200)
        found.append(b"".join(event.predictions.tobytes() for event in fit.recent))
    assert found[0] == found[1]


def test_classes(file, tmp_path):
    plan = af.plan_fit(file, "busy", ignore=["count"])
    assert plan.target.classes == ("no", "yes")
    fit = fitted(plan)
    learned, frequencies, last = fit.scores()
    assert learned.all["accuracy"] > frequencies.all["accuracy"] + 0.1
    assert learned.all["log loss"] < frequencies.all["log loss"]
    assert math.isnan(last.all["log loss"])
    path = tmp_path / "learner.ckpt"
    fit.daemon.save_to(path)
    config = json.loads(json.dumps(fit.config()))
    learner = af.from_config(config["learner"])
    features = af.EventFeatures.from_config(config["features"])
    names = config["head_names"]
    with af.Daemon(learner, features=features, head_names=names, checkpoint=path) as daemon:
        assert daemon.resumed and daemon.steps == ROWS


def test_classes_are_told_of_numbers(file):
    assert af.plan_fit(file, "count", task="regression").target.classes is None
    with pytest.raises(ValueError, match=r"'busy' is never a number, as '(yes|no)'"):
        af.plan_fit(file, "busy", task="regression")
    assert af.plan_fit(file, "open", ignore=["busy"]).target.classes == ("false", "true")


def test_what_is_wrong_with_a_row_is_told_and_the_others_are_learned(tmp_path):
    path = tmp_path / "events.jsonl"
    events = [{"x": float(i), "y": 2.0 * i} for i in range(20)]
    events[3]["y"], events[5]["x"], events[7]["y"] = None, 1e300, 1e39
    path.write_text("\n".join(json.dumps(event) for event in events) + "\n{\n")
    fit = fitted(af.plan_fit(path, "y"))
    assert (fit.rows_done, fit.learned, fit.unlabelled, fit.not_read) == (21, 17, 1, 3)
    assert [told.split(":")[0] for told in fit.problems] == ["line 6", "line 8", "line 21"]


WRONG = {
    "no field is called 'z'; there are: x, y": dict(target="z"),
    "no field is called 'q'": dict(target="y", ignore=["q"]),
    "there is no field to learn from": dict(target="y", ignore=["x"]),
    "`task`": dict(target="y", task="ranking"),
}


@pytest.mark.parametrize("told", WRONG)
def test_what_cannot_be_learned_is_told(told, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,2\n3,4\n")
    with pytest.raises(ValueError, match=told):
        af.plan_fit(path, **WRONG[told])


def test_a_target_of_one_class(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,a\n3,a\n")
    with pytest.raises(ValueError, match="is always 'a'"):
        af.plan_fit(path, "y")


def test_scores_of_numbers():
    rng = np.random.default_rng(0)
    y, p = 1e4 + rng.normal(size=2500), 1e4 + rng.normal(size=2500)
    scores = NumberScores()
    for prediction, target in zip(p, y, strict=True):
        scores.add(np.array([prediction]), target)
    means = np.cumsum(y)[:-1] / np.arange(1, len(y))
    for one, found in zip(scores.scores(), (p[1:], means, y[:-1]), strict=True):
        for told, part in ((one.all, slice(None)), (one.latest, slice(-1000, None))):
            errors = (found - y[1:])[part]
            assert told["MAE"] == pytest.approx(np.abs(errors).mean())
            assert told["RMSE"] == pytest.approx(np.sqrt((errors**2).mean()))
    counts, values = scores.curve()
    assert 500 <= len(counts) < 1000 and values.shape == (len(counts), 3)
    at = int(counts[-1])
    recent = np.abs(p[1:] - y[1:])[max(0, at - 1000) : at].mean()
    assert values[-1, 0] == pytest.approx(recent)


def test_scores_of_classes():
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 3, 400), rng.dirichlet(np.ones(3), 400)
    scores = ClassScores(3)
    for probabilities, target in zip(p, y, strict=True):
        scores.add(probabilities, target)
    learned, frequencies, last = (one.all for one in scores.scores())
    places = np.arange(1, 400)
    assert learned["accuracy"] == pytest.approx((p.argmax(1) == y)[1:].mean())
    assert learned["log loss"] == pytest.approx(-np.log(p[places, y[1:]]).mean())
    counts = 1.0 + np.cumsum(np.eye(3)[y], 0)[:-1]
    counts = counts / counts.sum(1, keepdims=True)
    assert frequencies["log loss"] == pytest.approx(-np.log(counts[places - 1, y[1:]]).mean())
    assert last["accuracy"] == pytest.approx((y[1:] == y[:-1]).mean())


def test_the_files_of_a_fit(file, tmp_path):
    fit = fitted(af.plan_fit(file, "count", ignore=["busy"]))
    folder = tmp_path / "out"
    folder.mkdir()
    files = {path.name: path for path in af.save_fit(fit, folder)}
    with files["scores.csv"].open() as text:
        rows = list(csv.DictReader(text))
    told = {(row["system"], row["events"], row["measure"]): row["value"] for row in rows}
    assert float(told["learned", "all", "MAE"]) == pytest.approx(fit.scores()[0].all["MAE"])
    assert files["fit.png"].read_bytes()[:4] == b"\x89PNG"
    with files["relevance.csv"].open() as text:
        assert len(list(csv.reader(text))) == 1 + fit.plan.features.feature_dim


def test_a_service_takes_the_events_of_the_file_as_they_are(tmp_path):
    """Of lines of JSON every one that was learned, large integers and texts included."""
    path, rng = tmp_path / "events.jsonl", np.random.default_rng(0)
    with path.open("w") as file:
        for i in range(60):
            event = {
                "at": 1_700_000_001 + i,
                "zip": int(rng.integers(80331, 80335)),
                "ok": i % 2 == 0,
            }
            print(json.dumps(event | {"price": f"{i % 7}.5", "y": i % 5}), file=file)
    plan = af.plan_fit(path, "y", categories=["zip"])
    fit = fitted(plan)
    assert (fit.learned, fit.not_read) == (60, 0)
    events = [json.loads(line) for line in path.read_text().splitlines()]
    processor = EventProcessor(fit.daemon)
    for i, event in enumerate(events):
        event.pop("y")
        found = processor.process(json.dumps({"observation": event}), i)
        assert not found["rejected"]


def test_classes_that_are_called_by_numbers_are_told_by_them(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "x,y\n" + "".join(f"{i % 3},{(1, 2, 5)[i % 3]}{'.0' * (i % 2)}\n" for i in range(90))
    )
    fit = fitted(af.plan_fit(path, "y", task="classification"))
    assert fit.plan.target.classes == ("1", "2", "5")
    processor = EventProcessor(fit.daemon)
    for i, told in enumerate((2, "2", "5", 5)):
        line = json.dumps({"id": i, "observation": {"x": 1.0}, "targets": told})
        assert processor.process(line, i)["step"] == 91 + i
    for told in ([2], {"2": 1}, 3, True, [0]):
        line = json.dumps({"observation": {"x": 1.0}, "targets": told})
        assert "targets: " in processor.process(line, 1)["error"]


def test_a_learner_of_probabilities_is_given_them(file):
    plan = af.plan_fit(file, "busy", ignore=["count"])
    parts = {"normalizer": af.EMANormalizer(clip=3.0), "sparsity": 0.0}
    learner = af.MultiHeadMLPLearner(2, (), af.LMS(0.05), loss="softmax", **parts)
    fit = fitted(plan, learner=learner)
    learned, frequencies, _ = fit.scores()
    assert learned.all["log loss"] < frequencies.all["log loss"]


def test_rows_with_a_bad_cell_are_told_and_the_others_learned(tmp_path):
    path = tmp_path / "a.csv"
    cells = [f"{i},{2 * i}" for i in range(40)]
    cells[7], cells[9] = "error,1", "3,inf"
    path.write_text("\n".join(["x,y", *cells]) + "\n")
    fit = fitted(af.plan_fit(path, "y"))
    assert (fit.learned, fit.not_read) == (38, 2)
    assert "line 9: x: " in fit.problems[0] and "line 11: y: is no number: 'inf'" in fit.problems[1]


def test_a_file_of_which_no_row_can_be_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"x": 1}]\n')
    with pytest.raises(ValueError, match="has no row that can be read; line 1 is no JSON object"):
        af.plan_fit(path, "y")


def test_a_name_with_an_underscore_is_no_number(tmp_path):
    """Although Python takes "1_12" for 112, as it takes "11_2"."""
    names = ["1_1", "11_2", "1_12", "1_3"]
    file = tmp_path / "devices.csv"
    rows = [f"{names[t % 4]},{t % 4},{names[(t + 1) % 4]}" for t in range(100)]
    file.write_text("\n".join(["device,y,next", *rows]) + "\n")
    plan = af.plan_fit(file, "y")
    kinds = [type(kind.field).__name__ for kind in plan.kinds]
    assert kinds == ["CategoryField", "CategoryField"]
    assert af.plan_fit(file, "next").target.classes == tuple(sorted(names))


def test_a_text_of_json_is_no_target_that_is_a_number(tmp_path):
    file = tmp_path / "some.jsonl"
    rows = [{"x": t % 5, "y": t % 3 if t != 30 else "2"} for t in range(60)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    fit = af.FileFit(af.plan_fit(file, "y"))
    while fit.advance():
        pass
    assert (fit.learned, fit.not_read) == (59, 1) and "y: is no number: '2'" in fit.problems[0]


def test_what_is_said_of_the_target_counts(tmp_path):
    file = tmp_path / "codes.csv"
    rows = [f"{t % 5},{(200, 404, 500)[t % 3]}" for t in range(60)]
    file.write_text("\n".join(["x,code", *rows]) + "\n")
    assert af.plan_fit(file, "code").target.classes is None
    assert af.plan_fit(file, "code", categories=["code"]).target.classes == ("200", "404", "500")
    for said, told in (
        ({"ignore": ["code"]}, "the target 'code' cannot be ignored"),
        ({"times": ["code"]}, "the target 'code' cannot be taken as a time"),
        ({"categories": ["code"], "task": "regression"}, "'code' is a category, and no number"),
        ({"categories": ["x"], "times": ["x"]}, "'x' cannot be both a category and a time"),
    ):
        with pytest.raises(ValueError, match=told):
            af.plan_fit(file, "code", **said)
    with pytest.raises(ValueError, match=r"more than 1,000 classes, as '0'"):
        file.write_text("x,code\n" + "".join(f"1,{t}\n" for t in range(1100)))
        af.plan_fit(file, "code", task="classification")
