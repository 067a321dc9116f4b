"""What step rules promise of the error after the step, and where they are one another."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.step_rules import cases
from tests.trees import assert_leaves_close, assert_same_steps

LIFE = cases.life(seed=2)
GAMMA, DECAY = 0.9, 0.72


class Transition(eqx.Module):
    """One transition of a linear value whose trace holds `earlier`."""

    w: jax.Array
    earlier: jax.Array
    x: jax.Array
    following: jax.Array
    reward: jax.Array

    def delta(self, w):
        return self.reward + GAMMA * self.following @ w - self.x @ w


def transitions(number, seed=0, features=6):
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=(4, number, features)).astype(np.float32)
    return Transition(*map(jnp.asarray, drawn), jnp.float32(rng.normal(size=number)))


@eqx.filter_jit
def learned(rule, cases_):
    """Of each transition: the weights after the step, its direction, and what it was made with."""

    def one(case):
        state = rule.init(case.w)
        state = eqx.tree_at(lambda s: s.trace, state, case.earlier)
        direction, state = rule.direction(state, case.x, DECAY)
        ahead = GAMMA * case.following
        bootstrap = af.Bootstrap(case.following @ case.w, ahead @ direction, ahead)
        step, _, info = rule.step(state, case.x, direction, case.delta(case.w), bootstrap, DECAY)
        return case.w + step, direction, info, case.delta(case.w), case.delta(case.w + step)

    return jax.vmap(one)(cases_)


LINEAR = {
    "StreamObGD": af.StreamObGD(0.5, 2.0),
    "Intentional": af.Intentional(average_decay=DECAY),
    "ImplicitTD, norm": af.ImplicitTD(0.3, "norm"),
    "ImplicitTD, pred": af.ImplicitTD(0.02, "pred"),
    "ImplicitTD, full": af.ImplicitTD(0.3, "full"),
    "Implicit": af.Implicit(average_decay=DECAY),
    "AlphaBound": af.AlphaBound(0.3),
    "Adaptive": af.Adaptive(0.1, clip=1e6, average_decay=DECAY),
}


@pytest.mark.parametrize("name", LINEAR)
def test_the_error_after_a_step_is_the_error_times_one_minus_alpha_c(name):
    """delta+ = delta (1 - alpha c), c = (g - gamma g').D of a linear value."""
    told = transitions(50)
    _, direction, info, before, after = learned(LINEAR[name], told)
    c = np.sum(np.float64(told.x - GAMMA * told.following) * np.float64(direction), axis=1)
    expected = np.float64(before) * (1.0 - np.float64(info.step_size) * c)
    np.testing.assert_allclose(after, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_less(1e-3, np.abs(after - before).max())
    if name in ("AlphaBound", "Implicit", "ImplicitTD, full"):
        of_the_rule = c if name == "AlphaBound" else np.maximum(c, 0.0)
        np.testing.assert_allclose(info.curvature, of_the_rule, rtol=1e-4, atol=1e-4)
    if name == "AlphaBound":
        # no error is overshot
        assert np.all(np.abs(np.float64(info.step_size) * c) <= 1.0 + 1e-5)


@pytest.mark.parametrize("eta", [0.05, 0.5, 4.0])
@pytest.mark.parametrize("mode", ["norm", "pred", "full"])
def test_implicit_td_solves_its_fixed_point(mode, eta):
    """w+ = w + eta [constant - y.w+] z, solved directly: (I + eta z y') w+ = w + eta constant z."""
    told = transitions(200, seed=1)
    weights, *_ = learned(af.ImplicitTD(eta, mode), told)
    seen = 0
    for i, ours in enumerate(np.asarray(weights)):
        case = jax.tree.map(lambda leaf, i=i: np.float64(leaf[i]), told)
        z, ahead = DECAY * case.earlier + case.x, GAMMA * case.following
        if min((case.x - ahead) @ z, case.x @ z) < 0:
            continue  # "full" keeps the step there, and 1 + eta g.z may vanish
        seen += 1
        bootstrap = case.reward + ahead @ case.w
        y, constant = {
            "norm": (z, bootstrap + DECAY * case.earlier @ case.w),
            "pred": (case.x, bootstrap),
            "full": (case.x - ahead, case.reward),
        }[mode]
        system = np.eye(len(z)) + eta * np.outer(z, y)
        solved = np.linalg.solve(system, case.w + eta * constant * z)
        np.testing.assert_allclose(ours, solved, rtol=1e-4, atol=1e-4)
    assert seen > 50


def test_implicit_td_by_norm_and_by_prediction_agree_without_a_trace():
    told = transitions(20)
    told = dataclasses.replace(told, earlier=jnp.zeros_like(told.earlier))
    one, other = (learned(af.ImplicitTD(0.7, mode), told)[0] for mode in ("norm", "pred"))
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_implicit_td_takes_the_plain_step_where_every_step_enlarges_the_error():
    told = transitions(200, seed=2)
    weights, direction, _, before, after = learned(af.ImplicitTD(0.7, "full"), told)
    worse = np.sum((told.x - GAMMA * told.following) * direction, axis=1) < -1e-3
    assert worse.sum() > 5
    plain = told.w + 0.7 * before[:, None] * direction
    np.testing.assert_allclose(weights[worse], plain[worse], rtol=1e-5, atol=1e-6)
    assert np.all(np.abs(after[worse]) > np.abs(before[worse]))


@pytest.mark.parametrize("normalize_delta", [True, False])
def test_implicit_without_curvature_is_intentional_up_to_its_second_moment(normalize_delta):
    """kappa = 1 and c = 0, since the value ahead changes as much; v is made the other's."""
    rules = (
        af.Intentional(normalize_delta=normalize_delta, average_decay=DECAY),
        af.Implicit(kappa=1.0, normalize_delta=normalize_delta, average_decay=DECAY),
    )

    @eqx.filter_jit
    def both(rows):
        def one(states, now):
            gradient, error, decay, reset = now
            intentional, implicit = states
            found, intentional, _ = rules[0].update(intentional, gradient, error, decay, reset)
            steps = intentional.steps.astype(jnp.float32)
            moment = jax.tree.map(
                lambda v: v / (1.0 - jnp.float32(0.999) ** steps), intentional.second_moment
            )
            implicit = implicit.replace(second_moment=moment)
            direction, implicit = rules[1].direction(implicit, gradient, decay)
            told = af.Bootstrap(jnp.float32(0), cases.along(gradient, direction))
            other, implicit, info = rules[1].step(
                implicit, gradient, direction, error, told, decay, reset
            )
            return (intentional, implicit), (found, other, info.curvature)

        return jax.lax.scan(one, tuple(rule.init(cases.zeros()) for rule in rules), rows)[1]

    rows = LIFE.gradients, LIFE.errors, LIFE.decays, LIFE.resets
    one, other, curvature = both(rows)
    np.testing.assert_array_equal(curvature, np.zeros(cases.STEPS, np.float32))
    assert_leaves_close(one, other, relative=1e-4)


def test_obgd_does_not_overshoot_inputs_of_at_most_one_and_may_overshoot_others():
    rng = np.random.default_rng(3)
    told = transitions(300, seed=3)
    none = jnp.zeros_like(told.x)
    small = jnp.float32(rng.uniform(-1, 1, size=told.x.shape))
    for kappa in (1.0, 2.0):
        case = dataclasses.replace(told, x=small, earlier=none, following=none)
        *_, before, after = learned(af.StreamObGD(1.0, kappa), case)
        kept = 1.0 - np.float64(after) / np.float64(before)
        assert np.all(kept > 0.0) and np.all(kept <= 1.0 / kappa + 1e-5)
    case = dataclasses.replace(told, x=10 * small, earlier=none, following=none)
    *_, before, after = learned(af.StreamObGD(1.0, 2.0), case)
    assert np.any(before * after < 0)


def test_obgd_that_bounds_nothing_is_td_lambda():
    rules = af.StreamObGD(0.01, 0.0), af.PerTensor(af.LMS(0.01))
    one, other = (cases.lived(rule, LIFE.rows())[1] for rule in rules)
    np.testing.assert_array_equal(one[2].bound, np.ones(cases.STEPS))
    assert_leaves_close(one[0], other[0], relative=1e-6)


def test_obgd_is_lms_for_each_tensor_under_the_bound_of_all():
    rules = af.StreamObGD(0.5, 2.0), af.PerTensor(af.LMS(0.5), af.ObGDBounding(2.0))
    one, other = (cases.lived(rule, LIFE.rows())[1] for rule in rules)
    assert np.min(one[2].bound) < 0.5
    np.testing.assert_allclose(one[2].bound, other[2].bound, rtol=1e-5)
    assert_leaves_close(one[:2], other[:2], relative=2e-6)


def test_intentional_moves_a_value_it_knows_by_its_share_of_the_error():
    """One example again and again, its trace cut: d = |g|, n = s = |g|_1, alpha g.D = eta."""
    rule, x = af.Intentional(0.3, average_decay=DECAY), jnp.float32([0.5, -2.0, 3.0])
    state, w = rule.init(x), jnp.zeros(3)
    for error in (1.0, -0.5, 2.0):
        step, state, _ = rule.update(state, x, error, 0.0, True)
        np.testing.assert_allclose(x @ (w + step) - x @ w, 0.3 * error, rtol=1e-4)


def test_alpha_bound_never_grows():
    _, (_, _, info) = cases.lived(af.AlphaBound(1.0), LIFE.rows())
    assert np.all(np.diff(info.step_size) <= 0) and info.step_size[-1] < info.step_size[0]


def test_each_tensor_may_have_an_optimizer_of_its_own():
    """Each by itself, in the order of the leaves."""
    optimizers = af.LMS(0.1), af.IDBD(0.05), af.Autostep(0.1), af.LMS(0.01)
    changes = cases.lived(af.PerTensor(optimizers), LIFE.rows())[1][0]
    for name, optimizer in zip(cases.SHAPES, optimizers, strict=True):
        alone = cases.lived(af.PerTensor(optimizer), LIFE.rows())[1][0]
        assert_leaves_close(changes[name], alone[name], relative=1e-6)


def test_an_error_that_the_gradients_hold_is_no_factor():
    rule = af.PerTensor(af.LMS(0.1), af.ObGDBounding(2.0))
    gradient = {name: jnp.ones(shape) for name, shape in cases.SHAPES.items()}
    state = rule.init(gradient)
    direction, state = rule.direction(state, gradient, 0.0)
    one, other = (
        rule.step(state, gradient, direction, error, None, 0.0, params=gradient)
        for error in (None, 1.0)
    )
    assert_same_steps(one, other)
