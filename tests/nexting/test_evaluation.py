"""Errors of predictions beside those of baselines: in closed form, and of a machine."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af

# Two cores at work for half an hour, ten times a second, as `SystemStream` measures them.
RECORD = Path(__file__).parent / "system.npz"
TIMESCALES, DT = (0.1, 0.5, 2.0, 8.0), 0.1


def test_baselines_are_what_they_are_called():
    rng = np.random.default_rng(0)
    c = np.cumsum(rng.normal(size=(400, 2)), 0)
    spec = af.nexting_horde(["a", "b"], [1.0, 4.0], 1.0)
    gammas = np.asarray(spec.gammas)
    of = list(spec.cumulant_indices)
    returns = af.discounted_returns(c[1:][:, of], gammas)
    found = af.nexting_errors(spec, c, returns, last=100)
    np.testing.assert_allclose(found.learned, 0.0)
    assert found.ridge is None
    still = c[:-1][:, of] / (1 - gammas)
    np.testing.assert_allclose(found.persistence, af.return_error(still[-100:], returns[-100:]))
    means = [[np.nanmean(returns[:t, i]) for i in range(4)] for t in range(299, 399)]
    np.testing.assert_allclose(found.running_mean, af.return_error(means, returns[-100:]))


def test_ridge_finds_a_linear_rule_and_nothing_in_noise():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 600, 5))
    spec = af.nexting_horde(["a", "b"], [1.0], 1.0)
    rule = np.concatenate([[0.0], x @ np.arange(5.0) + 3.0])
    signals = np.stack([rule, np.append(noise[:, 0], 0.0)], 1)
    signals[50, 0] = np.nan  # missing
    for saw in ("past", "all"):
        found = af.nexting_errors(
            spec, signals, np.zeros((600, 2)), features=x, last=200, ridge_saw=saw
        )
        assert found.ridge[0] < 1e-3 and found.ridge[1] > 0.9
    nothing = af.ridge_predictions(x, np.full((600, 1), np.nan), 400)
    assert np.isnan(nothing).all()


def test_what_came_during_a_gap_is_not_evaluated():
    c = np.arange(40.0)[:, None] ** 2
    spec = af.nexting_horde(["a"], [1.0], 1.0)
    v = c[1:] + np.where(np.arange(39) == 20, 1e6, 0.0)[:, None]
    gaps = np.arange(39) == 20
    assert af.nexting_errors(spec, c, v).learned > 1.0
    np.testing.assert_allclose(af.nexting_errors(spec, c, v, gaps=gaps).learned, 0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"predictions": np.zeros((4, 1))}, r"`predictions` must have shape \(T, 1\)"),
        ({"last": 6}, r"`last` must lie in 1 .. 5, got 6"),
        ({"features": np.zeros((3, 2))}, r"`features` must have shape \(5, d\)"),
        ({"ridge_saw": "future"}, "`ridge_saw` must be 'past' or 'all'"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    spec = af.nexting_horde(["a"], [1.0], 1.0)
    given = {"signals": np.zeros((6, 1)), "predictions": np.zeros((5, 1))} | arguments
    with pytest.raises(ValueError, match=message):
        af.nexting_errors(spec, given.pop("signals"), given.pop("predictions"), **given)


@jax.jit
def life_of(learner, x):
    """What the learner is shown at each row but the first, and predicts there."""

    def one(state, rows):
        before, after = rows
        state, _ = learner.learn(state, af.DemonStep(before, None, after))
        return state, (state.last_shown, learner.predict(state, after))

    return jax.lax.scan(one, learner.init(x.shape[1], jax.random.key(0)), (x[:-1], x[1:]))[1]


@pytest.fixture(scope="module")
def errors():
    """Errors over the last third of half an hour, [signals, time scales] of each kind."""
    record = af.load_record(RECORD)
    learner = af.nexting_learner(record.names, TIMESCALES, DT)
    features, predictions = life_of(learner, jnp.asarray(record.values))
    spec, signals = learner.horde.horde_spec, record.values[1:]
    found = af.nexting_errors(
        spec, signals, predictions[:-1], features=features[:-1], last=len(signals) // 3
    )
    return record, {name: e.reshape(-1, len(TIMESCALES)) for name, e in found._asdict().items()}


def test_the_record_is_half_an_hour_at_ten_hertz():
    record = af.load_record(RECORD)
    assert len(record.times) == 18_000 and record.dt == pytest.approx(0.1, abs=1e-3)
    assert record.values.shape == (18_000, 13) and np.all(np.isfinite(record.values))
    assert RECORD.stat().st_size < 300_000


@pytest.mark.slow
def test_predictions_of_a_machine_are_better_than_what_needs_no_learning(errors):
    """At every time scale, on the average over its signals, after half an hour; and than weights
    fitted off-line to all that came before. At 2 and 8 seconds weights fitted in hindsight, to the
    evaluated steps too, are better by more than 15%: `benchmarks/nexting.py --record` prints it."""
    _, found = errors
    means = {name: np.nanmean(e, 0) for name, e in found.items()}
    medians = {name: np.nanmedian(e, 0) for name, e in found.items()}
    # swap alone never moved
    assert np.isfinite(found["learned"]).all(1).sum() == 12
    for average in (means, medians):
        assert np.all(average["learned"][1:] < average["running_mean"][1:])
        assert np.all(average["learned"][1:] < average["persistence"][1:])
        assert np.all(average["learned"] < 1.15 * average["ridge"])


@pytest.mark.slow
def test_persistence_is_better_for_what_hardly_moves(errors):
    """The miss: of loads, memory and the number of processes the last value says more than half an
    hour of learning can, at the shorter time scales. Should this fail, the guide has to be told."""
    record, found = errors
    worse = found["learned"][:, 1:3] >= found["persistence"][:, 1:3]
    names = {name for name, each in zip(record.names, worse, strict=True) if each.any()}
    assert names == {"load_1", "load_5", "load_15", "memory", "processes"}
