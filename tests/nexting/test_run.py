"""Lives of predictions: of records with holes, and of what is measured while it is predicted."""

import itertools
import json

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.nexting import configuration
from tests.nexting.small_record import small_record

ROWS = 600


def record(missing=(), late=None):
    values = small_record(ROWS, 3)
    for row, column in missing:
        values[row, column] = np.nan
    times = 0.5 * np.arange(ROWS)
    if late is not None:
        times[late:] += 30.0
    return af.SignalRecord(("a", "b", "c"), times, values)


def experiment(given=None, **settings):
    source = af.RecordSource(record() if given is None else given)
    return af.NextingExperiment(source, source.length, scales=(1, 5), **settings)


def lived(what):
    run = af.NextingRun(what)
    while not run.finished:
        run.advance()
    return run.result()


def test_it_is_its_learner_row_by_row():
    what, x = experiment(), record().values
    result = lived(what)
    learner, state = what.learner, what.learner.init(3, jr.key(0))
    expected = [learner.predict(state, x[0])]
    for before, after in itertools.pairwise(x[:61]):
        step = af.DemonStep(jnp.asarray(before), None, jnp.asarray(after))
        state, _ = learner.learn(state, step)
        expected.append(learner.predict(state, after))
    np.testing.assert_allclose(result.predictions[:61], np.stack(expected), rtol=1e-4, atol=1e-4)
    assert result.complete and result.rows_done == ROWS and result.rejected == 0
    assert what.timescales == (0.5, 2.5) and what.spec.names[1] == "a@2.5s"
    gammas = np.asarray(what.spec.gammas)
    np.testing.assert_allclose(result.means, result.predictions * (1 - gammas), rtol=1e-6)
    errors = result.errors
    assert np.all(errors.learned < errors.running_mean)
    assert np.all(errors.learned[1::2] < errors.persistence[1::2])  # further ahead than one row


def test_a_missing_number_teaches_nothing_and_stops_nothing():
    holes = [(0, 0), (200, 1), (201, 1), (350, 0)]
    result = lived(experiment(record(holes)))
    assert result.rejected == 0 and np.all(np.isfinite(result.predictions))
    assert np.isnan(result.signals).sum() == len(holes)
    assert np.all(result.errors.learned < result.errors.running_mean)


def test_a_gap_in_time_is_no_transition():
    result = lived(experiment(record(late=300)))
    assert np.flatnonzero(result.gaps).tolist() == [299] and result.rejected == 0
    jump = record()
    jump.values[300:] += 1000.0
    far = lived(experiment(jump._replace(times=result.times)))
    # What led over the gap was never learned, however far it was.
    assert np.array_equal(far.predictions[:300], result.predictions[:300])
    whole = lived(experiment(jump))
    assert np.abs(whole.predictions[301] - whole.predictions[299]).max() > 10
    weights = far.state.horde_state.weights
    assert np.all(np.isfinite(weights))


def test_what_is_measured_is_predicted_at_once():
    class Live:
        names, dt, length, at_once = ("a", "b", "c"), 0.5, None, 1

        def __init__(self):
            self.asked = 0

        def rows(self):
            for time, row in zip(record().times, record().values, strict=True):
                self.asked += 1
                yield float(time), row

    source = Live()
    run = af.NextingRun(af.NextingExperiment(source, 50, scales=(1, 5)))
    assert source.asked == 0  # compiled before anything is measured
    for k in range(1, 51):
        run.advance()
        assert run.rows_done == source.asked == k
        now, means = run.latest
        np.testing.assert_array_equal(now, record().values[k - 1])
        assert means.shape == (6,)
    assert run.finished
    whole = lived(experiment())
    np.testing.assert_allclose(
        run.result().predictions, whole.predictions[:50], rtol=1e-4, atol=1e-4
    )


def test_what_was_done_until_it_was_stopped_is_a_result(tmp_path):
    run = af.NextingRun(experiment())
    for _ in range(2):
        run.advance()
    result = run.result()
    assert not result.complete and 1 < result.rows_done < ROWS
    paths = af.save_nexting(result, tmp_path)
    assert all(path.stat().st_size for path in paths)
    assert json.loads((tmp_path / "config.json").read_text())["run"]["rows_done"] == 257
    again = af.load_series(tmp_path / "signals.csv")
    np.testing.assert_allclose(again.values, result.signals, rtol=1e-5)
    np.testing.assert_allclose(again.times, result.times)
    header, *rows = (tmp_path / "results.csv").read_text().splitlines()
    assert header.startswith("demon,signal,timescale_s,gamma,learned") and len(rows) == 6


def config(**settings):
    return {"nexting": {"source": "file", "scales": [1, 5]} | settings}


def test_a_file_is_an_experiment(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("time,a\n" + "".join(f"{k},{k % 7}\n" for k in range(50)))
    whole = configuration.nexting_from_config(config(path=str(path), tiles=3), "x")
    assert whole.num_rows == 50 and whole.tiles == 3 and whole.timescales == (1.0, 5.0)
    assert whole.resized(20).num_rows == 20
    with pytest.raises(ValueError, match="there are 50 rows, got 60"):
        whole.resized(60)
    given = configuration.nexting_from_config(config(path="none.csv"), "x", path)
    assert given.source.names == ("a",)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "nexting: must be a table"),
        (config(source="radio"), "nexting.source: must be one of system, file, got 'radio'"),
        (config(), "name the CSV file"),
        (config(path="none.csv"), "cannot read 'none.csv'"),
        (config(path="x.csv", tile=2), "unknown key 'nexting.tile': did you mean 'tiles'"),
        (config(path="x.csv", scales=3), "nexting.scales: must be a list"),
        (config(path="x.csv", scales=[0.5]), "`tau` must be"),
        (config(path="x.csv") | {"steps": 3}, "unknown key 'steps'"),
        (config(path="x.csv") | {"num_rows": 1}, "`num_rows` must be"),
        (config(path="x.csv", evaluate_last_share=2.0), "`evaluate_last_share` must lie in"),
    ],
)
def test_a_configuration_that_is_none_is_refused(given, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text("time,a\n0,1\n1,2\n2,4\n")
    with pytest.raises(ValueError, match=message):
        configuration.nexting_from_config(given)
