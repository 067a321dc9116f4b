"""Numbers and their names travel together, in whatever order a learner gives them."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.comparisons.comparisons import small

STEPS, SEEDS = 40, 2
NAMES = ("zebra", "alpha", "mid", "Beta")


def closed_form(name, factor, steps):
    """The metrics of step t = 1, 2, ..."""
    t = np.arange(1, steps + 1)
    return {
        "zebra": factor * t,
        "alpha": np.full(steps, -factor),
        "mid": factor**2 + 0.0 * t,
        "Beta": t % 4 + 10.0 * factor,
    }[name]


class Told(eqx.Module):
    """Declared in an order that is not that of the alphabet."""

    zebra: jax.Array
    alpha: jax.Array
    mid: jax.Array
    Beta: jax.Array


class Naming(af.AbstractLearner):
    """Learns nothing; gives closed forms of the step under names in an order of its own."""

    factor: float = 0.5
    diverges_at: float = 1e9
    order: tuple[str, ...] = eqx.field(static=True, default=NAMES)
    form: str = eqx.field(static=True, default="dictionary")

    def init(self, feature_dim):
        del feature_dim
        return jnp.float32(0.0)

    def learn(self, state, experience):
        del experience
        t, factor = state + 1.0, jnp.float32(self.factor)
        gone = jnp.where(t >= self.diverges_at, jnp.float32(jnp.inf), 1.0)
        values = {
            "zebra": factor * t,
            "alpha": -factor * gone,
            "mid": factor**2,
            "Beta": t % 4.0 + 10.0 * factor,
        }
        values = {name: values[name] for name in self.order}
        return t, Told(**values) if self.form == "module" else values


@pytest.fixture(autouse=True, scope="module")
def forgotten():
    """The class does not stay among the components of the library."""
    yield
    af.AbstractComponent._registry.pop("Naming", None)


def stream():
    return af.RandomWalkStream(2)


def swept(learner, axes, **options):
    keys = jax.random.split(jax.random.key(0), SEEDS)
    options = {"record": af.EveryNth(1)} | options
    return af.sweep(learner, stream(), axes, num_steps=STEPS, keys=keys, **options)


FACTORS = [0.25, 3.0]
ORDERS = list(itertools.permutations(NAMES))[::5]


@pytest.mark.parametrize("form", ["dictionary", "module"])
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_a_sweep(order, form):
    result = swept(Naming(order=order, form=form), {"learner.factor": FACTORS})
    assert set(result.metrics) == set(NAMES)
    for point, factor in enumerate(FACTORS):
        for name in NAMES:
            expected = closed_form(name, factor, STEPS)
            for seed in range(SEEDS):
                np.testing.assert_allclose(result.metrics[name][point, seed], expected, rtol=1e-5)
    assert not any(result.diverged(name).any() for name in NAMES)
    frame = result.to_dataframe()
    rows = frame[frame["learner.factor"] == 3.0]
    for name in NAMES:
        seen = rows[rows["seed"] == 1].sort_values("step")[name]
        np.testing.assert_allclose(seen, closed_form(name, 3.0, STEPS), rtol=1e-5)
    data = result.to_xarray()
    for name in NAMES:
        lane = data[name].isel(seed=0).sel({"learner.factor": 0.25})
        np.testing.assert_allclose(lane, closed_form(name, 0.25, STEPS), rtol=1e-5)


def test_learners_of_one_sweep_in_unequal_orders():
    """Structure differs, so each is a program of its own; the columns must still fit together."""
    orders = [NAMES, NAMES[::-1], (NAMES[2], NAMES[0], NAMES[3], NAMES[1])]
    learners = [Naming(0.5 + i, order=order) for i, order in enumerate(orders)]
    result = swept(learners[0], {"learner": learners})
    for point in range(len(orders)):
        for name in NAMES:
            expected = closed_form(name, 0.5 + point, STEPS)
            np.testing.assert_allclose(result.metrics[name][point, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("window", [1, 7, 40])
def test_window_means(window):
    result = swept(
        Naming(order=NAMES[::-1]), {"learner.factor": FACTORS}, record=af.WindowMean(window)
    )
    for name in NAMES:
        whole = closed_form(name, 3.0, STEPS)
        parts = [whole[a : a + window].mean() for a in range(0, STEPS, window)]
        np.testing.assert_allclose(result.metrics[name][1, 0], parts, rtol=1e-5)


def test_a_metric_that_one_learner_lacks():
    """It is an error to ask for it, and no learner is said to have diverged."""
    whole, part = Naming(), Naming(order=NAMES[:2])
    with pytest.raises(ValueError, match=r"mid") as told:
        swept(whole, {"learner": [whole, part]}, metrics=["mid"])
    assert all(name in str(told.value) for name in NAMES[:2])
    shared = swept(whole, {"learner": [whole, part]})
    assert set(shared.metrics) == set(NAMES[:2])
    assert not shared.diverged("zebra").any() and not shared.diverged("alpha").any()
    assert np.isfinite(shared.scores("zebra")).all()
    with pytest.raises(ValueError, match=r"squared_error"):
        shared.scores("squared_error")


def test_one_that_diverges():
    """Its own metric, its own point; the others' means are those of the closed form."""
    axes = {"learner.diverges_at": [1e9, 30.0]}
    result = swept(Naming(), axes)
    assert result.diverged("alpha").tolist() == [[False] * SEEDS, [True] * SEEDS]
    assert not result.diverged("zebra").any()
    np.testing.assert_allclose(result.scores("alpha")[0], -0.5, rtol=1e-6)
    assert not np.isfinite(result.scores("alpha")[1]).any()
    assert result.best("alpha").point == {"learner.diverges_at": 1e9}
    assert result.ranking("alpha", lower_is_better=False).tolist() == [0, 1]
    # Steps 1 to 29 are finite, and the last is not among them.
    assert (
        result.diverged("alpha", last=5)[1].all() and not result.diverged("alpha", last=5)[0].any()
    )


@pytest.mark.parametrize("score", NAMES)
@pytest.mark.parametrize("order", [NAMES, NAMES[::-1]], ids="-".join)
def test_a_comparison(order, score):
    contender = af.Contender(Naming(order=order), {"factor": FACTORS})
    arguments = {"num_steps": STEPS, "evaluate_last": 20, "window": 5, "seeds": SEEDS}
    comparison = small(stream=stream(), learners={"Own": contender}, score=score, **arguments)
    result = af.run_comparison(comparison)
    for point, factor in enumerate(FACTORS):
        expected = closed_form(score, factor, STEPS)[-20:].mean()
        np.testing.assert_allclose(result.scores("Own")[point], expected, rtol=1e-5)
    means = [closed_form(score, factor, STEPS)[-20:].mean() for factor in FACTORS]
    assert result.best("Own") == int(np.argmin(means))
    assert result.standing("Own").diverged == 0


def test_a_comparison_of_a_metric_that_is_not_there():
    learners = {"Own": Naming(), "Other": Naming(order=NAMES[:2])}
    with pytest.raises(ValueError, match=r"learners\.Other: .*zebra, alpha|alpha, zebra"):
        small(stream=stream(), learners=learners, score="mid")
    with pytest.raises(ValueError, match=r"squared_error"):
        small(stream=stream(), learners={"Own": Naming()})
