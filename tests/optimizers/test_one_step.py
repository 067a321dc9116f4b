"""Each update of a rule with a bound, against float64, from the states that it comes to itself.

Inputs, errors and first step sizes have sizes from 1e-6 to 1e12, each lane and feature its own.
What leaves float32's range on the way is the learner's to reject, and is left out here.
"""

import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.oracles import one_step

LANES, STEPS, FEATURES = 400, 25, 4
# The largest magnitude of anything in an update that float32 still tells, squares included.
LARGEST, SMALLEST = 1e37, 1e-30


def sizes(rng, *shape):
    """Of both signs, log-uniform from 1e-6 to 1e12."""
    drawn = 10 ** rng.uniform(-6, 12, size=shape) * rng.choice([-1.0, 1.0], size=shape)
    return np.float32(drawn)


def data(seed):
    """Half of the lanes have one size for each feature, half another at each step."""
    rng = np.random.default_rng(seed)
    steady = sizes(rng, LANES // 2, 1, FEATURES) * rng.normal(size=(LANES // 2, STEPS, FEATURES))
    x = np.concatenate([steady, sizes(rng, LANES // 2, STEPS, FEATURES)]).astype(np.float32)
    errors = np.where(
        np.arange(LANES)[:, None] % 4 < 2, sizes(rng, LANES, 1), sizes(rng, LANES, STEPS)
    )
    return x, np.float32(errors * rng.choice([-1, 1], size=(LANES, STEPS)))


def step_sizes_of_lanes(seed, low=-6, high=12):
    rng = np.random.default_rng(seed + 100)
    return jnp.asarray(np.float32(10 ** rng.uniform(low, high, size=LANES)))


@eqx.filter_jit
@eqx.filter_vmap(in_axes=(eqx.if_array(0), 0))
def run(optimizer, inputs):
    """States before and after each step, and what each step gave."""

    def step(state, now):
        update = optimizer.update(state, *now)
        given = (update.weight_delta, update.bias_delta)
        # As a learner does: what is not finite is not kept.
        finite = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(update.new_state)]
        kept = jnp.stack(finite).all()
        after = jax.tree.map(lambda a, b: jnp.where(kept, a, b), update.new_state, state)
        return after, (state, update.new_state, given)

    return jax.lax.scan(step, optimizer.init(FEATURES), inputs)[1]


def lanes_of(kind, seed, low=-6, high=12, **arguments):
    """One optimizer a lane, each with its own first step size."""
    with warnings.catch_warnings():
        # Some begin outside of the clip of the step sizes, which the first update puts right.
        warnings.simplefilter("ignore", UserWarning)
        optimizer = kind(step_sizes_of_lanes(seed, low, high), **arguments)
    return jax.tree.map(
        lambda leaf: jnp.broadcast_to(jnp.asarray(leaf, jnp.float32), LANES), optimizer
    )


def joined(weights, bias):
    return np.concatenate([np.float64(weights), np.float64(bias)[..., None]], axis=-1)


def with_one(x):
    return np.concatenate([np.float64(x), np.ones((*x.shape[:-1], 1))], axis=-1)


def logs(step_sizes):
    """Minus infinity of a step size that vanished."""
    with np.errstate(divide="ignore"):
        return np.log(np.float64(step_sizes))


def compared(found, expected, size, fits, relative=3e-5):
    """Where all fits float32; `size` is that of the terms that were added up."""
    with np.errstate(all="ignore"):
        slack = relative * (np.abs(expected) + size) + SMALLEST
        wrong = ~(np.abs(found - expected) <= slack) & fits
    assert not wrong.any(), (found[wrong][:5], expected[wrong][:5], np.argwhere(wrong)[:5])


def fitting(*parts):
    """Lanes, steps in which everything is within float32's range, and nothing vanishes from it."""
    good = np.isfinite(parts[0]).all(axis=-1)
    for part in parts:
        good &= np.isfinite(part).all(axis=-1) & (np.abs(part) < LARGEST).all(axis=-1)
        good &= ((np.abs(part) > SMALLEST) | (part == 0)).all(axis=-1)
    return good[..., None]


@pytest.mark.parametrize("floor, cap", [(1e-8, 1.0), (0.0, np.inf), (1e-3, 10.0)])
@pytest.mark.parametrize("mu", [0.01, 0.5])
def test_autostep(mu, floor, cap):
    x, errors = data(seed=1)
    arguments = {"meta_step_size": mu, "tau": 100.0, "min_step_size": floor, "max_step_size": cap}
    optimizer = lanes_of(af.Autostep, 1, **arguments)
    before, after, given = run(optimizer, (jnp.asarray(errors), jnp.asarray(x)))
    alphas, h, v = (
        joined(getattr(before, f"{name}s"), getattr(before, f"bias_{name}"))
        for name in ("step_size", "trace", "normalizer")
    )
    ones, error = with_one(x), np.float64(errors)
    with np.errstate(all="ignore"):
        expected = one_step.autostep(
            alphas, h, v, error, ones, mu=mu, tau=100.0, low=floor, high=cap
        )
        m = error[..., None] * ones * h
        squares = alphas * ones**2
        fits = fitting(alphas, h, v, m, m * squares, squares * np.exp(mu), *expected)
    # Errors, inputs and traces of 1e12 each have products beyond float32.
    assert fits.mean() > 0.25
    new = [
        joined(getattr(after, f"{name}s"), getattr(after, f"bias_{name}"))
        for name in ("step_size", "trace", "normalizer")
    ]
    compared(new[0], expected[0], 0.0, fits)
    compared(new[1], expected[1], np.abs(h) + np.abs(expected[3]), fits)
    compared(new[2], expected[2], np.abs(v) * (1 + squares / 100), fits)
    compared(joined(*given), expected[3], 0.0, fits)
    # The bound, wherever a state is finite: of all lanes, the ones left out above too.
    steps = (new[0] * ones**2).sum(axis=-1)
    finite = np.isfinite(new[0]).all(axis=-1)
    assert finite.mean() > 0.6 and steps[finite].max() <= 1 + 1e-5


@pytest.mark.parametrize("limit, log_change", [(None, 2.0), (1.0, None), (0.5, 2.0), (1e-3, 0.1)])
def test_guarded_idbd(limit, log_change):
    x, errors = data(seed=2)
    guards = {"max_effective_step": limit, "max_log_step_change": log_change}
    optimizer = lanes_of(af.IDBD, 2, -6, 0, meta_step_size=0.02, **guards)
    before, after, given = run(optimizer, (jnp.asarray(errors), jnp.asarray(x)))
    betas = joined(before.log_step_sizes, logs(before.bias_step_size))
    h = joined(before.traces, before.bias_trace)
    ones, error = with_one(x), np.float64(errors)
    with np.errstate(all="ignore"):
        expected = one_step.idbd(
            betas,
            h,
            error,
            ones,
            theta=0.02,
            low=-10.0,
            high=2.0,
            limit=limit,
            log_change=log_change,
        )
        moved = 0.02 * error[..., None] * ones * h
        fits = fitting(h, moved, np.exp(betas) * ones**2, *expected)
        # Without a limit of a change, a step size that a rounding of the exponent decides.
        told = np.abs(moved) < 100.0 if log_change is None else np.isfinite(moved)
        fits = fits & told.all(axis=-1, keepdims=True)
    assert fits.mean() > 0.2
    alphas = np.exp(joined(after.log_step_sizes, logs(after.bias_step_size)))
    # A float32 logarithm of size 10 to 30 is told to 2e-6, and the change beside it to its own.
    compared(alphas, expected[0], 0.0, fits, relative=1e-4)
    new_h = joined(after.traces, after.bias_trace)
    compared(new_h, expected[1], np.abs(h) + np.abs(expected[2]), fits, relative=1e-4)
    compared(joined(*given), expected[2], 0.0, fits, relative=1e-4)
    if limit is not None:
        finite = np.isfinite(alphas).all(axis=-1)
        assert (alphas * ones**2).sum(axis=-1)[finite].max() <= limit * (1 + 1e-5)
    if log_change is not None and limit is None:
        moves = np.abs(np.log(alphas) - betas)[:, 1:]
        finite = np.isfinite(moves)
        assert moves[finite].max() <= log_change + 1e-4


def transitions(seed):
    x, errors = data(seed)
    x_next, _ = data(seed + 50)
    gammas = np.random.default_rng(seed).choice([0.0, 0.5, 0.9, 1.0], size=errors.shape)
    return errors, x, x_next, np.float32(gammas)


TD_NAMES = ("log_step_size", "eligibility_trace", "h_trace", "normalizer")


def td_parts(state):
    return [
        (
            np.float64(getattr(state, f"{name}s")),
            np.float64(getattr(state, f"bias_{name}"))[..., None],
        )
        for name in TD_NAMES
    ]


@pytest.mark.parametrize("first", [(-6, 0), (0, 12)], ids=["below the cap", "above the cap"])
@pytest.mark.parametrize("theta, lamda", [(0.01, 0.0), (0.1, 0.8)])
def test_auto_td_idbd(theta, lamda, first):
    inputs = transitions(seed=3)
    arguments = {"meta_step_size": theta, "trace_decay": lamda, "normalizer_decay": 50.0}
    optimizer = lanes_of(af.AutoTDIDBD, 3, *first, **arguments)
    before, after, given = run(optimizer, tuple(map(jnp.asarray, inputs)))
    delta, x, x_next, gamma = (np.float64(part) for part in inputs)
    incoming = np.float64(before.previous_gamma)
    features = (x, np.ones((LANES, STEPS, 1)))
    differences = (gamma[..., None] * x_next - x, gamma[..., None] - 1.0)
    for place in (0, 1):
        old = [part[place] for part in td_parts(before)]
        new = [part[place] for part in td_parts(after)]
        u, f = differences[place], features[place]
        with np.errstate(all="ignore"):
            *expected, step = one_step.auto_td_idbd(
                *old, delta, f, u, incoming * lamda,
                theta=theta, tau=50.0, low=-10.0, high=2.0,
            )  # fmt: skip
            betas, z, h, eta = old
            meta = delta[..., None] * u * h
            averaged = np.exp(betas) * np.abs(u * z) * (np.abs(delta[..., None] * f * h) + eta) / 50
            terms = np.exp(betas) * u * z
            fits = fitting(
                z, h, eta, meta, delta[..., None] * f * h, averaged, terms, step, *expected
            )
            # The sum of the bound is told to the size of its terms.
            bound = (
                1e-6
                * np.abs(terms).sum(-1, keepdims=True)
                / np.maximum(1.0, -terms.sum(-1, keepdims=True))
            )
            fits = fits & (bound < 1e-5)
        assert fits.mean() > 0.1
        compared(new[0], expected[0], 2.0, fits)
        compared(new[1], expected[1], np.abs(z) + np.abs(f), fits)
        # 1 + alpha u z is told to the size of its larger term.
        kept = np.abs(h) * (1 + np.exp(expected[0]) * np.abs(u * expected[1]))
        compared(new[2], expected[2], kept + np.abs(step), fits, relative=1e-4)
        compared(new[3], expected[3], np.abs(eta) + averaged, fits, relative=1e-4)
        compared(np.float64(given[place]).reshape(step.shape), step, 0.0, fits, relative=1e-4)


@pytest.mark.parametrize("limit", [1.0, 0.25])
@pytest.mark.parametrize("kind", [af.AutoTDIDBD, af.TDIDBD], ids=["AutoTDIDBD", "TDIDBD"])
def test_the_effective_step_of_guarded_td(kind, limit):
    """To the value of x by all, to that by x alone, and to the TD error; for inputs of any size."""
    inputs = transitions(seed=4)
    optimizer = lanes_of(kind, 4, trace_decay=0.8, max_effective_step=limit)
    _, after, _ = run(optimizer, tuple(map(jnp.asarray, inputs)))
    _, x, x_next, gamma = (np.float64(part) for part in inputs)
    ones = with_one(x)
    u = gamma[..., None] * with_one(x_next) - ones
    (alphas, alpha_bias), (z, z_bias) = td_parts_of(after)
    alphas, z = np.exp(joined(alphas, alpha_bias)), joined(z, z_bias)
    finite = np.isfinite(alphas).all(-1) & np.isfinite(z).all(-1)
    assert finite.mean() > 0.6
    for measure in (ones**2, ones * z, -u * z):
        terms = alphas * measure
        # float32 sums signed terms to the size of the largest.
        slack = 1e-5 * limit + 1e-5 * np.abs(terms).sum(-1)
        assert (terms.sum(-1) - limit <= slack)[finite].all()


def td_parts_of(state):
    return [(getattr(state, f"{name}s"), getattr(state, f"bias_{name}")) for name in TD_NAMES[:2]]
