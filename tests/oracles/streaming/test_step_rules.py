import numpy as np
import pytest

from .adaptive import Adaptive
from .adaptive_obgd import AdaptiveObGD
from .alpha_bound import AlphaBound
from .descent import SGD, FromDescent
from .fixed_step import FixedStep
from .implicit import Implicit
from .implicit_td import ImplicitTD
from .intentional import Intentional
from .obgd import ObGD
from .trees import dot

MAKERS = {
    "FixedStep": lambda lanes=0: FixedStep(0.1, lanes=lanes),
    "ObGD": lambda lanes=0: ObGD(lanes=lanes),
    "AdaptiveObGD": lambda lanes=0: AdaptiveObGD(lanes=lanes),
    "Intentional": lambda lanes=0: Intentional(lanes=lanes),
    "Intentional, normalized": lambda lanes=0: Intentional(normalize_delta=True, lanes=lanes),
    "Intentional, variable": lambda lanes=0: Intentional(average="variable", lanes=lanes),
    "ImplicitTD, norm": lambda lanes=0: ImplicitTD(0.3, "norm", lanes=lanes),
    "ImplicitTD, pred": lambda lanes=0: ImplicitTD(0.3, "pred", lanes=lanes),
    "ImplicitTD, full": lambda lanes=0: ImplicitTD(0.3, "full", lanes=lanes),
    "Implicit, full": lambda lanes=0: Implicit(lanes=lanes),
    "Implicit, norm": lambda lanes=0: Implicit(mode="norm", lanes=lanes),
    "AlphaBound": lambda lanes=0: AlphaBound(lanes=lanes),
    "Adaptive": lambda lanes=0: Adaptive(lanes=lanes),
}
LOOKS_AHEAD = [name for name, make in MAKERS.items() if make().needs == "directional"]
SHAPES = ((3, 2), (3,))


def trees(rng, steps, lanes=()):
    return [[rng.normal(size=(*shape, *lanes)) for shape in SHAPES] for _ in range(steps)]


def run(rule, gradients, aheads, deltas, decays, resets):
    """Steps of one rule fed with a given sequence, `aheads` being gamma g'."""
    rule.init([np.zeros(g.shape) for g in gradients[0]], 0.72)
    steps = []
    for gradient, ahead, delta, decay, reset in zip(
        gradients, aheads, deltas, decays, resets, strict=True
    ):
        direction = rule.direction(gradient, decay)
        directional = dot(ahead, direction, rule.lanes)
        steps.append(rule.step(gradient, direction, delta, directional, decay, reset))
    return steps


@pytest.mark.parametrize("name", MAKERS)
def test_lanes_are_lives_of_their_own(name):
    rng = np.random.default_rng(0)
    gradients, aheads = trees(rng, 12, (3,)), trees(rng, 12, (3,))
    deltas, resets = rng.normal(size=(12, 3)), rng.random((12, 3)) < 0.2
    decays = np.where(rng.random((12, 3)) < 0.3, 0.0, 0.72)
    together = run(MAKERS[name](1), gradients, aheads, deltas, decays, resets)
    for lane in range(3):
        alone = run(
            MAKERS[name](),
            [[g[..., lane] for g in tree] for tree in gradients],
            [[g[..., lane] for g in tree] for tree in aheads],
            deltas[:, lane],
            decays[:, lane],
            resets[:, lane],
        )
        for a, b in zip(together, alone, strict=True):
            for x, y in zip(a, b, strict=True):
                np.testing.assert_allclose(x[..., lane], y, rtol=1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_a_hyperparameter_per_lane_is_a_loop_over_it(name):
    """The first argument of every rule, three values of it at once."""
    rng = np.random.default_rng(1)
    gradients, aheads = trees(rng, 8, (1,)), trees(rng, 8, (1,))
    deltas, decays = rng.normal(size=(8, 1)), np.full((8, 1), 0.72)
    resets = np.zeros((8, 1), bool)
    field = next(iter({"eta", "step_size", "initial"} & set(vars(MAKERS[name]()))))

    def steps(value):
        rule = MAKERS[name](1)
        setattr(rule, field, value)
        return run(rule, gradients, aheads, deltas, decays, resets)

    values = np.array([0.02, 0.3, 2.0])
    together = steps(values)
    for lane, value in enumerate(values):
        for a, b in zip(together, steps(value), strict=True):
            for x, y in zip(a, b, strict=True):
                np.testing.assert_allclose(x[..., lane], y[..., 0], rtol=1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_the_trace_is_cut_after_the_step_and_no_bound_scales_it(name):
    """Large errors, so that every bound is at work; the trace is the plain sum all the same."""
    rng = np.random.default_rng(2)
    gradients, aheads = trees(rng, 10), trees(rng, 10)
    deltas, resets = 50 * rng.normal(size=10), np.arange(10) == 5
    rule, z = MAKERS[name](), [np.zeros(shape) for shape in SHAPES]
    rule.init(z, 0.72)
    for t in range(10):
        before = z if t != 6 else [np.zeros(shape) for shape in SHAPES]
        z = [0.72 * e + g for e, g in zip(before, gradients[t], strict=True)]
        direction = rule.direction(gradients[t], 0.72)
        for a, b in zip(rule.trace, z, strict=True):
            np.testing.assert_array_equal(a, b)
        step = rule.step(
            gradients[t], direction, deltas[t], dot(aheads[t], direction), 0.72, resets[t]
        )
        assert any(np.any(s != 0) for s in step)
        left = [np.zeros(shape) for shape in SHAPES] if resets[t] else z
        for a, b in zip(rule.trace, left, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", MAKERS)
def test_update_is_direction_and_step_or_refuses(name):
    rng = np.random.default_rng(3)
    (gradient,) = trees(rng, 1)
    rule, other = MAKERS[name](), MAKERS[name]()
    rule.init(gradient, 0.72)
    other.init(gradient, 0.72)
    if name in LOOKS_AHEAD:
        with pytest.raises(ValueError, match="directional"):
            rule.update(gradient, 0.5, 0.72, False)
        return
    expected = other.step(gradient, other.direction(gradient, 0.72), 0.5, 0.0, 0.72, False)
    for a, b in zip(rule.update(gradient, 0.5, 0.72, False), expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", MAKERS)
def test_steps_follow_the_sign_of_the_error(name):
    """Whatever a rule averages of the errors is even in them."""
    rng = np.random.default_rng(4)
    gradients, aheads = trees(rng, 10), trees(rng, 10)
    deltas, decays, resets = rng.normal(size=10), np.full(10, 0.72), np.zeros(10, bool)
    plus = run(MAKERS[name](), gradients, aheads, deltas, decays, resets)
    minus = run(MAKERS[name](), gradients, aheads, -deltas, decays, resets)
    for a, b in zip(plus, minus, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, -y)


# ObGD


@pytest.mark.parametrize("kappa", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("largest", [1.0, 7.0])
def test_obgd_of_a_linear_value_overshoots_only_unnormalized_inputs(kappa, largest):
    """The change of the prediction over the error is at most max|x| / kappa."""
    rng = np.random.default_rng(5)
    for _ in range(200):
        x = largest * rng.uniform(-1, 1, size=rng.integers(1, 20))
        delta = rng.normal() * 10 ** rng.uniform(-2, 2)
        rule = ObGD(kappa=kappa)
        rule.init([x])
        (step,) = rule.update([x], delta, 0.0, False)
        share = (x @ step) / delta
        assert 0 < share <= np.max(np.abs(x)) / kappa * (1 + 1e-12)
        assert share <= x @ x / (kappa * np.sum(np.abs(x))) * (1 + 1e-12)


def test_obgd_overshoots_a_single_large_input():
    x = np.array([10.0])
    rule = ObGD(kappa=2.0)
    rule.init([x])
    (step,) = rule.update([x], 1.0, 0.0, False)
    np.testing.assert_allclose(x @ step, 5.0, rtol=1e-15)  # five times the error


def test_obgd_within_its_bound_is_lms_with_a_trace():
    rng = np.random.default_rng(6)
    gradients, deltas = trees(rng, 20), rng.normal(size=20)
    decays, resets = np.full(20, 0.9), np.zeros(20, bool)
    bounded = run(ObGD(1e-4), gradients, gradients, deltas, decays, resets)
    plain = run(FixedStep(1e-4), gradients, gradients, deltas, decays, resets)
    descent = run(FromDescent(SGD(1e-4)), gradients, gradients, deltas, decays, resets)
    for a, b, c in zip(bounded, plain, descent, strict=True):
        for x, y, z in zip(a, b, c, strict=True):
            np.testing.assert_array_equal(x, y)
            np.testing.assert_allclose(x, z, rtol=1e-14)


def test_obgd_is_one_bound_over_all_leaves_and_takes_small_errors_for_one():
    """|z|_1 = 1 + 2 + 3 + 4, error 0.5: M = 2 * 1 * 10."""
    gradient = [np.array([1.0, -2.0]), np.array([[3.0], [-4.0]])]
    rule = ObGD(kappa=2.0)
    rule.init(gradient)
    steps = rule.update(gradient, 0.5, 0.0, False)
    assert rule.info["bound"] == 20.0 and rule.info["trace_l1"] == 10.0
    for step, g in zip(steps, gradient, strict=True):
        np.testing.assert_allclose(step, 0.5 * g / 20, rtol=1e-15)


def test_adaptive_obgd_takes_the_moment_of_the_error_times_the_trace():
    """One step: v^ = (delta z)^2, so z/d is the sign over |delta|, and the bound is on that."""
    z, delta = np.array([3.0, -0.5]), 2.0
    rule = AdaptiveObGD(eps=0.0)
    rule.init([z])
    (step,) = rule.update([z], delta, 0.0, False)
    # |z/d|_1 = 2 / 2, M = 2 * 2 * 1, alpha = 1/4; 1 - 0.999 loses 1e-13
    np.testing.assert_allclose(step, 0.25 * np.sign(z), rtol=1e-12)
    rule = AdaptiveObGD(0.01, eps=0.0)  # within its bound
    rule.init([z])
    (step,) = rule.update([z], delta, 0.0, False)
    np.testing.assert_allclose(step, 0.01 * np.sign(z), rtol=1e-12)


# Intentional and Implicit


def test_intentional_changes_the_prediction_by_eta_times_the_error():
    g = [np.array([0.3, -2.0, 1.0]), np.array([[0.7]])]
    rule = Intentional(eta=0.5)
    rule.init(g, 0.0)
    for delta in (1.0, -0.3, 2.0, 0.01):
        change = dot(g, rule.update(g, delta, 0.0, False))
        # 1e-8 is added to the root of v
        np.testing.assert_allclose(change, 0.5 * delta, rtol=1e-7)


def test_intentional_clips_an_error_at_twenty_times_the_usual_one_with_itself_counted():
    """After 1000 errors of 1, m = 1; one of 500 enters m before the cap is made of it."""
    g = [np.array([1.0])]
    rule = Intentional()
    rule.init(g, 0.0)
    for t in range(1000):
        rule.update(g, (-1.0) ** t, 0.0, False)
        assert rule.info["delta"] == (-1.0) ** t
    rule.update(g, -500.0, 0.0, False)
    m = (0.9998 + 0.0002 * 500.0**2) / (1 - 0.9998**1001)
    np.testing.assert_allclose(rule.info["delta"], -20 * np.sqrt(m), rtol=1e-12)
    assert 300 < abs(rule.info["delta"]) < 400


def test_the_cap_of_intentional_cannot_act_in_the_first_four_hundred_steps():
    """The error's own share of m is 2e-4 / (1 - 0.9998^t), over 1/400 before."""
    g = [np.array([1.0])]
    rule = Intentional()
    rule.init(g, 0.0)
    for t in range(400):
        rule.update(g, 1e9 if t == 399 else 0.0, 0.0, False)
    assert rule.info["delta"] == 1e9


def test_intentional_divides_by_the_mean_error_it_was_told_to():
    g = [np.array([1.0])]
    rule = Intentional(normalize_delta=True, beta_norm=0.5)
    rule.init(g, 0.0)
    rule.update(g, 4.0, 0.0, False)
    np.testing.assert_allclose(rule.info["delta"], 1.0, rtol=1e-15)
    rule.update(g, -1.0, 0.0, False)  # a = 0.5 * 2 + 0.5, over 0.75
    np.testing.assert_allclose(rule.info["delta"], -0.5, rtol=1e-15)


def test_intentional_with_a_constant_decay_averages_in_both_ways_alike():
    rng = np.random.default_rng(7)
    gradients, deltas = trees(rng, 30), rng.normal(size=30)
    decays, resets = np.full(30, 0.72), np.zeros(30, bool)
    a = run(Intentional(), gradients, gradients, deltas, decays, resets)
    b = run(Intentional(average="variable"), gradients, gradients, deltas, decays, resets)
    for x, y in zip(a, b, strict=True):
        for p, q in zip(x, y, strict=True):
            np.testing.assert_allclose(p, q, rtol=1e-12)


@pytest.mark.parametrize("normalize_delta", [True, False])
def test_implicit_without_curvature_is_intentional_up_to_its_second_moment(normalize_delta):
    """kappa = 1 and c = 0, since the value ahead changes as much; v is made the other's."""
    rng = np.random.default_rng(8)
    intentional = Intentional(normalize_delta=normalize_delta)
    implicit = Implicit(kappa=1.0, normalize_delta=normalize_delta)
    tree = [np.zeros(shape) for shape in SHAPES]
    intentional.init(tree, 0.72)
    implicit.init(tree, 0.72)
    for t, gradient in enumerate(trees(rng, 40), start=1):
        delta, reset = rng.normal(), t % 9 == 0
        decay = 0.0 if t % 9 == 1 else 0.72
        expected = intentional.update(gradient, delta, decay, reset)
        implicit.v = [v / (1.0 - 0.999**t) for v in intentional.v]
        direction = implicit.direction(gradient, decay)
        steps = implicit.step(gradient, direction, delta, dot(gradient, direction), decay, reset)
        assert implicit.info["curvature"] == 0
        for a, b in zip(steps, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13)


def test_implicit_takes_the_moment_of_earlier_gradients():
    """v is 1 on the first step whatever the gradient: D = z, and then has seen one gradient."""
    g = [np.array([3.0, -4.0])]
    rule = Implicit(mode="norm", eps=0.0)
    rule.init(g, 0.0)
    (step,) = rule.update(g, 1.0, 0.0, False)
    # n = s = c = 25, b = 25, alpha = 0.5 / (25 + 0.5 * 25)
    np.testing.assert_allclose(step, g[0] * 0.5 / 37.5, rtol=1e-12)
    (direction,) = rule.direction(g, 0.0)
    np.testing.assert_allclose(direction, g[0] / np.sqrt(0.999 + 0.001 * g[0] ** 2), rtol=1e-15)


@pytest.mark.parametrize("kappa", [0.5, 1.0, 2.0])
def test_implicit_keeps_a_share_of_its_baseline_where_the_curvature_is_negative(kappa):
    """x.D = 25, gamma x'.D = 50: c = max(-25, 0), b = 25."""
    g = [np.array([3.0, -4.0])]
    rule = Implicit(kappa=kappa, eps=0.0)
    rule.init(g, 0.0)
    (step,) = rule.step(g, rule.direction(g, 0.0), 1.0, 50.0, 0.0, False)
    np.testing.assert_allclose(step, g[0] * 0.5 / (25 * max(kappa, 1.0)), rtol=1e-12)


# The curvature rules, on one transition of a linear value


def transition(rng, n=6):
    return Transition(
        rng.normal(size=n), rng.normal(size=n), rng.normal(size=n), rng.normal(size=n), rng.normal()
    )


class Transition:
    def __init__(self, w, earlier, x, following, reward):
        self.w, self.x, self.following, self.reward = w, x, following, reward
        self.gamma, self.decay, self.earlier = 0.9, 0.72, earlier

    def delta(self, w):
        return self.reward + self.gamma * self.following @ w - self.x @ w

    def learn(self, rule):
        """The error before, the new weights; the trace held `earlier`."""
        rule.init([self.w], self.decay)
        rule.trace = [self.earlier]
        (direction,) = rule.direction([self.x], self.decay)
        delta, ahead = self.delta(self.w), self.gamma * self.following @ direction
        (step,) = rule.step([self.x], [direction], delta, ahead, self.decay, False)
        self.direction = direction
        return delta, self.w + step


@pytest.mark.parametrize("name", sorted(MAKERS.keys() - {"AdaptiveObGD"}))  # rescales in `step`
def test_the_error_after_a_step_is_the_error_times_one_minus_alpha_c(name):
    """delta+ = delta (1 - alpha c_full); a clipped error makes alpha so much smaller."""
    rng = np.random.default_rng(9)
    for _ in range(30):
        case = transition(rng)
        rule = MAKERS[name]()
        delta, w = case.learn(rule)
        c = (case.x - case.gamma * case.following) @ case.direction
        alpha_c = rule.info["alpha"] * rule.info["delta"] / delta * c
        np.testing.assert_allclose(case.delta(w), delta * (1 - alpha_c), rtol=0, atol=1e-12)


@pytest.mark.parametrize("eta", [0.05, 0.5, 4.0])
def test_implicit_td_solves_its_fixed_point(eta):
    """w+ = w + eta [constant - y.w+] z, solved directly: (I + eta z y') w+ = w + eta constant z."""
    rng = np.random.default_rng(10)
    seen = 0
    while seen < 20:
        case = transition(rng)
        w, x, z = case.w, case.x, case.decay * case.earlier + case.x
        ahead = case.gamma * case.following
        if (x - ahead) @ z < 0 or x @ z < 0:
            continue  # "full" keeps the step there, and 1 + eta g.z may vanish
        seen += 1
        bootstrap = case.reward + ahead @ w
        for mode, y, constant in (
            ("norm", z, bootstrap + case.decay * case.earlier @ w),
            ("pred", x, bootstrap),
            ("full", x - ahead, case.reward),
        ):
            solved = np.linalg.solve(np.eye(len(w)) + eta * np.outer(z, y), w + eta * constant * z)
            _, learned = case.learn(ImplicitTD(eta, mode))
            # the condition of the system grows with eta |z| |y|, at most 4 * 10 * 10 here
            np.testing.assert_allclose(learned, solved, rtol=0, atol=1e-14 * (1 + 10 * eta))


def test_implicit_td_norm_and_pred_agree_without_a_trace():
    rng = np.random.default_rng(11)
    for _ in range(10):
        case = transition(rng)
        case.earlier = np.zeros_like(case.x)
        _, a = case.learn(ImplicitTD(0.7, "norm"))
        _, b = case.learn(ImplicitTD(0.7, "pred"))
        np.testing.assert_array_equal(a, b)


def test_implicit_td_full_takes_the_plain_step_where_every_step_enlarges_the_error():
    rng = np.random.default_rng(12)
    seen = 0
    while seen < 10:
        case = transition(rng)
        z = case.decay * case.earlier + case.x
        if (case.x - case.gamma * case.following) @ z >= 0:
            continue
        seen += 1
        delta, w = case.learn(ImplicitTD(0.7, "full"))
        np.testing.assert_allclose(w, case.w + 0.7 * delta * z, rtol=1e-15)
        assert abs(case.delta(w)) > abs(delta)


def test_alpha_bound_never_grows_and_never_overshoots_once_bounded():
    rng = np.random.default_rng(13)
    rule, w, last = AlphaBound(1.0), np.zeros(6), 1.0
    rule.init([w])
    for t in range(50):
        case = transition(rng)
        (direction,) = rule.direction([case.x], 0.72 if t else 0.0)
        delta, ahead = case.delta(w), case.gamma * case.following @ direction
        (step,) = rule.step([case.x], [direction], delta, ahead, 0.72, False)
        assert rule.alpha <= last
        last, w = rule.alpha, w + step
        c = (case.x - case.gamma * case.following) @ direction
        assert abs(rule.alpha * c) <= 1 + 1e-12
        if c > 0:
            assert abs(case.delta(w)) <= abs(delta)


def test_adaptive_without_a_trace_is_a_damped_sign_step():
    g = [np.array([0.0, 0.02, -5.0])]
    rule = Adaptive(step_size=0.5, eps=0.1, clip=1.0)
    rule.init(g, 0.0)
    (step,) = rule.update(g, -30.0, 0.0, False)
    np.testing.assert_allclose(step, -0.5 * g[0] / (np.abs(g[0]) + 0.1), rtol=1e-14)


def test_adaptive_decays_its_moment_at_the_rate_of_the_trace_and_keeps_it_at_boundaries():
    g = [np.array([2.0])]
    rule = Adaptive()
    rule.init(g, 0.75)
    rule.update(g, 1.0, 0.0, True)
    rule.update(g, 1.0, 0.0, False)
    np.testing.assert_allclose(rule.v[0], [0.75 * 0.25 * 4.0 + 0.25 * 4.0], rtol=1e-15)
