"""Numbers outside of the bounds of their field are missing, wherever they are met."""

import json

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.command_line.app import main
from alberta_framework.fitting.field_bounds import read_bounds

BOUNDS = {"temp": (-60.0, None), "humidity": (0, 1), "load": (-100.0, 1000.0)}


def rows(nothing):
    """Of a station whose thermometer, hygrometer and target say so now and then that they have
    measured nothing."""
    rng = np.random.default_rng(3)
    for t in range(200):
        temp, humidity = 10.0 + 5.0 * rng.normal(), rng.uniform()
        load = 3.0 * temp - 20.0 * humidity + rng.normal()
        values = {"temp": temp, "humidity": humidity, "wind": rng.choice(["n", "s"]), "load": load}
        for name, every, said in (("temp", 17, -9999), ("humidity", 23, 255), ("load", 31, -999)):
            if t % every == 5:
                values[name] = said if nothing else None
        yield values


def write(path, nothing):
    with path.open("w") as file:
        if path.suffix == ".csv":
            file.write("temp,humidity,wind,load\n")
        for values in rows(nothing):
            if path.suffix == ".csv":
                cells = ["" if value is None else str(value) for value in values.values()]
                file.write(",".join(cells) + "\n")
            else:
                file.write(json.dumps(values) + "\n")
    return path


def learned(path, **options):
    fit = af.FileFit(af.plan_fit(path, "load", **options))
    while fit.advance():
        pass
    return fit


@pytest.mark.parametrize("name", ["station.csv", "station.jsonl"])
def test_it_is_the_fit_of_a_file_that_says_nothing_there(name, tmp_path):
    fit = learned(write(tmp_path / name, nothing=True), bounds=BOUNDS)
    (tmp_path / "plain").mkdir()
    plain = learned(write(tmp_path / "plain" / name, nothing=False))
    assert (fit.learned, fit.unlabelled) == (plain.learned, plain.unlabelled) == (193, 7)
    assert fit.scores() == plain.scores()
    for one, other in zip(fit.recent, plain.recent, strict=True):
        np.testing.assert_array_equal(one.predictions, other.predictions)
    assert "temp.missing" in fit.relevance()


def test_a_daemon_that_goes_on_has_them_too(tmp_path):
    fit = learned(write(tmp_path / "station.csv", nothing=True), bounds=BOUNDS)
    fields = {field["name"]: field for field in fit.config()["features"]["fields"]}
    assert fields["temp"]["low"] == -60.0 and fields["temp"].get("high") is None
    event = {"temp": 8.0, "humidity": 0.5, "wind": "n"}
    found = [fit.daemon.step(event | {"temp": temp}).predictions for temp in (-9999.0, None, 8.0)]
    np.testing.assert_array_equal(found[0], found[1])
    assert found[0] != found[2]


def test_without_bounds_they_are_numbers(tmp_path):
    file = write(tmp_path / "station.csv", nothing=True)
    told, untold = (learned(file, bounds=own).scores()[0].all["RMSE"] for own in (BOUNDS, None))
    assert told < 0.5 * untold


def test_a_text_of_json_is_no_number_that_stands_for_nothing(tmp_path):
    file = write(tmp_path / "station.jsonl", nothing=False)
    with file.open("a") as more:
        more.write('{"temp": "-9999", "humidity": 0.5, "wind": "n", "load": 3.0}\n')
    fit = learned(file, bounds=BOUNDS)
    assert fit.not_read == 1 and "temp" in fit.problems[0]


def test_classes_may_have_some_that_are_none(tmp_path):
    file = tmp_path / "states.csv"
    lines = [f"{t % 7},{-1 if t % 10 == 0 else int(t % 7 > 3)}" for t in range(100)]
    file.write_text("\n".join(["x,state", *lines]) + "\n")
    plan = af.plan_fit(file, "state", task="classification", bounds={"state": (0, None)})
    assert plan.target.classes == ("0", "1")
    fit = af.FileFit(plan)
    while fit.advance():
        pass
    assert (fit.learned, fit.unlabelled) == (90, 10)


@pytest.mark.parametrize(
    "bounds, error, told",
    [
        ({"size": (0, 1)}, ValueError, "no field is called 'size'"),
        ({"wind": (0, 1)}, ValueError, "'wind' must be a number to have bounds, and .* taken as a"),
        ({"temp": (1, 0)}, ValueError, r"`bounds` of 'temp' must be two finite numbers.*\(1, 0\)"),
        ({"temp": (None, None)}, ValueError, "`bounds` of 'temp'"),
        ({"temp": (0, float("nan"))}, ValueError, "`bounds` of 'temp'"),
        ({"temp": 3}, TypeError, "`bounds` of 'temp' .*, got 3"),
        ({"temp": ("0", 1)}, TypeError, "`bounds` of 'temp'"),
    ],
)
def test_mistakes_are_named(bounds, error, told, tmp_path):
    with pytest.raises(error, match=told):
        af.plan_fit(write(tmp_path / "station.csv", nothing=True), "load", bounds=bounds)


def test_as_a_command_line_writes_them():
    assert read_bounds("temp=-60:60") == ("temp", (-60.0, 60.0))
    assert read_bounds("a=b=-1e3:") == ("a=b", (-1000.0, None))
    assert read_bounds("x=:0") == ("x", (None, 0.0))
    for wrong in ("temp", "temp=", "temp=:", "temp=1", "=0:1", "temp=a:b", "temp=3:1", "t=0:inf"):
        with pytest.raises(ValueError, match=r"must be FIELD=LOW:HIGH, .* got '"):
            read_bounds(wrong)


def test_by_the_command(tmp_path, capsys):
    file = write(tmp_path / "station.csv", nothing=True)
    run = ["fit", str(file), "--target", "load", "--quiet", "--output", str(tmp_path / "out")]
    assert main([*run, "--bounds", "temp=-60:", "--bounds", "load=-100:1000"]) == 0
    config = json.loads((tmp_path / "out" / "learner.json").read_text())
    assert config["features"]["fields"][0]["low"] == -60.0
    capsys.readouterr()
    assert main([*run, "--bounds", "temp=3"]) == 2
    assert "--bounds must be FIELD=LOW:HIGH" in capsys.readouterr().err
    assert main([*run, "--bounds", "temp=0:1", "--bounds", "temp=0:2"]) == 2
    assert "--bounds must be given once for 'temp'" in capsys.readouterr().err


def test_bounds_that_leave_nothing_say_so(tmp_path):
    file = write(tmp_path / "station.csv", nothing=False)
    plan = af.plan_fit(file, "load", bounds={"temp": (1000, 2000)})
    assert plan.left_out == {"temp": "it is never there within its bounds"}
    with pytest.raises(ValueError, match="target 'load' is never there within its bounds"):
        af.plan_fit(file, "load", bounds={"load": (1e6, 2e6)})
    with pytest.raises(ValueError, match="target 'wind' must be written as numbers to have bounds"):
        af.plan_fit(file, "wind", bounds={"wind": (0, 1)})
    with pytest.raises(ValueError, match=r"bounds of 'temp': .*low"):
        af.plan_fit(file, "load", bounds={"temp": (-1e300, 1)})
