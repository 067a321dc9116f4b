"""Identities of the replayed agents, and what ends their traces."""

import numpy as np
import pytest

from .action_values import epsilon, soft_greatest, stream_q, stream_sarsa
from .adaptive import Adaptive
from .adaptive_obgd import AdaptiveObGD
from .alpha_bound import AlphaBound
from .fixed_step import FixedStep
from .gradient_traces import gradient_trace_td, qrc
from .implicit import Implicit
from .implicit_td import ImplicitTD
from .intentional import Intentional
from .lives import random_life, random_network
from .network import Linear, Network, one_hot
from .obgd import ObGD
from .policies import Gaussian, Softmax
from .stream_ac import stream_ac
from .stream_td import stream_td
from .transitions import discounts

RULES = {
    "FixedStep": lambda: FixedStep(0.1),
    "ObGD": ObGD,
    "AdaptiveObGD": AdaptiveObGD,
    "Intentional": Intentional,
    "Implicit": Implicit,
    "AlphaBound": AlphaBound,
    "Adaptive": lambda: Adaptive(0.01),
}
FALSE = [False, False]


def test_the_trace_decays_by_the_discount_into_the_state():
    """Two steps, lamda 1, gamma 0.9, the reward at the end; the outgoing one gives [0, 0.1]."""
    x = np.eye(2)
    life = stream_td(
        Linear(), [np.zeros((1, 2))], FixedStep(0.1), x, [x[1], x[0]], [0.0, 1.0],
        [False, True], FALSE, gamma=0.9, lamda=1.0,
    )  # fmt: skip
    np.testing.assert_allclose(life.parameters[0][-1], [[0.09, 0.1]], rtol=0, atol=1e-16)


def test_one_value_has_one_trace_over_the_weights_of_all_actions():
    """Actions 0 then 1, the reward for the second: the first learns through its decayed trace."""
    args = dict(
        observations=np.ones((2, 1)), actions=[0, 1], next_observations=np.ones((2, 1)),
        rewards=[0.0, 1.0], terminated=[False, True], truncated=FALSE, gamma=0.9, lamda=0.8,
    )  # fmt: skip
    params = [np.zeros((2, 1))]
    for life in (
        stream_sarsa(Linear(), params, FixedStep(0.1), next_actions=[1, 0], **args),
        stream_q(Linear(), params, FixedStep(0.1), exploratory=FALSE, **args),
    ):
        np.testing.assert_allclose(life.parameters[0][-1], [[0.072], [0.1]], rtol=0, atol=1e-16)
        np.testing.assert_array_equal(life.td_errors, [0, 1])


def test_an_exploratory_action_still_gets_its_step_and_ends_its_trace():
    """As above, action 0 exploratory: it is updated at its own step, and no longer at the next."""
    life = stream_q(
        Linear(), [np.zeros((2, 1))], FixedStep(0.1), np.ones((2, 1)), [0, 1], [True, False],
        np.ones((2, 1)), [2.0, 1.0], [False, True], FALSE, gamma=0.9, lamda=0.8,
    )  # fmt: skip
    np.testing.assert_allclose(life.parameters[0][:, :, 0], [[0.2, 0], [0.2, 0.1]], atol=1e-16)
    np.testing.assert_array_equal(life.traces[0][:, :, 0], [[0, 0], [0, 0]])


@pytest.mark.parametrize("bootstrap_on_truncation", [True, False])
def test_what_is_bootstrapped_and_what_is_cut(bootstrap_on_truncation):
    """All four ways in which a step can end."""
    terminated, truncated = [False, True, False, True, False], [False, False, True, True, False]
    out, into, boundary = discounts(terminated, truncated, 0.9, bootstrap_on_truncation)
    kept = 0.9 if bootstrap_on_truncation else 0.0
    np.testing.assert_array_equal(out, [0.9, 0, kept, 0, 0.9])
    np.testing.assert_array_equal(boundary, [False, True, True, True, False])
    np.testing.assert_array_equal(into, [0, 0.9, 0, 0, 0])  # 0 on the first step of an episode


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("bootstrap_on_truncation", [True, False])
@pytest.mark.parametrize("ending", ["none", "terminated", "truncated", "both"])
def test_an_ending_bootstraps_and_cuts_as_it_must(name, bootstrap_on_truncation, ending):
    """The TD error of the third step by hand, its trace, and the trace of the fourth."""
    rng = np.random.default_rng(0)
    ends = {
        "terminated": (2,) if ending in ("terminated", "both") else (),
        "truncated": (2,) if ending in ("truncated", "both") else (),
    }
    life = random_life(rng, 4, 3, **ends)
    network, params = Network(), random_network(rng, (3, 4, 1))
    replay = stream_td(
        network, params, RULES[name](), life.observations, life.next_observations, life.rewards,
        life.terminated, life.truncated, 0.9, 0.8, bootstrap_on_truncation,
    )  # fmt: skip

    before = [p[1] for p in replay.parameters]
    ended = ending in ("terminated", "both")
    ended = ended or (ending == "truncated" and not bootstrap_on_truncation)
    value, ahead = (
        network.forward(before, x[2])[0] for x in (life.observations, life.next_observations)
    )
    target = life.rewards[2] + (0.0 if ended else 0.9) * ahead
    np.testing.assert_allclose(replay.td_errors[2], target - value, rtol=1e-13)

    after = [p[2] for p in replay.parameters]
    own = network.gradient(after, life.observations[3], np.ones(1))
    for z, g in zip(replay.traces, own, strict=True):
        if ending == "none":
            np.testing.assert_allclose(z[3], 0.72 * z[2] + g, rtol=1e-13)
        else:
            np.testing.assert_array_equal(z[2], 0)
            np.testing.assert_array_equal(z[3], g)


@pytest.mark.parametrize("name", RULES)
def test_where_nothing_is_truncated_the_two_rules_are_one(name):
    rng = np.random.default_rng(1)
    life = random_life(rng, 12, 3, n_actions=2, terminated=(4, 8))
    params = random_network(rng, (3, 4, 2))
    first, second = (
        stream_q(
            Network(), params, RULES[name](), life.observations, life.actions, life.exploratory,
            life.next_observations, life.rewards, life.terminated, life.truncated,
            bootstrap_on_truncation=rule,
        )
        for rule in (True, False)
    )  # fmt: skip
    for a, b in zip(first.parameters, second.parameters, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", RULES)
def test_lamda_reaches_every_agent(name):
    """A trace that were lost somewhere would make all lamdas one."""
    rng = np.random.default_rng(2)
    life = random_life(rng, 6, 3, n_actions=2)
    both = []
    for lamda in (0.0, 0.8):
        args = (life.rewards, life.terminated, life.truncated)
        x, following = life.observations, life.next_observations
        local = np.random.default_rng(3)
        values, one = random_network(local, (3, 4, 2)), random_network(local, (3, 4, 1))
        both.append(
            (
                stream_td(Network(), one, RULES[name](), x, following, *args, lamda=lamda),
                stream_q(
                    Network(), values, RULES[name](), x, life.actions, np.zeros(6, bool),
                    following, *args, lamda=lamda,
                ),
                stream_sarsa(
                    Network(), values, RULES[name](), x, life.actions, following,
                    life.next_actions, *args, lamda=lamda,
                ),
            )
        )  # fmt: skip
    for without, within in zip(*both, strict=True):
        for a, b in zip(without.parameters, within.parameters, strict=True):
            assert np.all(np.isfinite(b)) and not np.allclose(a[-1], b[-1])


@pytest.mark.parametrize("name", RULES)
def test_one_action_makes_q_and_sarsa_td(name):
    rng = np.random.default_rng(4)
    life = random_life(rng, 15, 3, n_actions=1, terminated=(5,), truncated=(9,))
    params = random_network(rng, (3, 4, 1))
    x, following = life.observations, life.next_observations
    args = (life.rewards, life.terminated, life.truncated)
    td = stream_td(Network(), params, RULES[name](), x, following, *args)
    q = stream_q(
        Network(), params, RULES[name](), x, life.actions, np.zeros(15, bool), following, *args
    )
    sarsa = stream_sarsa(
        Network(), params, RULES[name](), x, life.actions, following, life.next_actions, *args
    )
    for other in (q, sarsa):
        np.testing.assert_array_equal(td.td_errors, other.td_errors)
        for a, b in zip(td.parameters, other.parameters, strict=True):
            np.testing.assert_array_equal(a, b)


def test_greedy_next_actions_make_sarsa_q():
    rng = np.random.default_rng(5)
    life = random_life(rng, 10, 3, n_actions=3, truncated=(4,))
    params = random_network(rng, (3, 4, 3))
    args = (life.rewards, life.terminated, life.truncated)
    q = stream_q(
        Network(), params, ObGD(), life.observations, life.actions, np.zeros(10, bool),
        life.next_observations, *args,
    )  # fmt: skip
    greedy = []
    for t in range(10):
        now = params if t == 0 else [p[t - 1] for p in q.parameters]
        greedy.append(np.argmax(Network().forward(now, life.next_observations[t])))
    sarsa = stream_sarsa(
        Network(), params, ObGD(), life.observations, life.actions, life.next_observations,
        greedy, *args,
    )  # fmt: skip
    np.testing.assert_array_equal(q.td_errors, sarsa.td_errors)


@pytest.mark.parametrize("ending", ["terminated", "truncated", "none"])
def test_a_rule_that_looks_ahead_is_told_the_discounted_derivative(ending):
    """After a step of the full implicit rule the error is that before over 1 + eta c."""
    rng = np.random.default_rng(12)
    life, w = random_life(rng, 1, 4), rng.normal(size=(1, 4))
    life.next_observations *= -1 if life.next_observations[0] @ life.observations[0] > 0 else 1
    flags = [ending == "terminated"], [ending == "truncated"]
    x, following = life.observations[0], life.next_observations[0]
    replay = stream_td(
        Linear(), [w], ImplicitTD(0.5, "full"), [x], [following], life.rewards, *flags, gamma=0.9
    )
    ahead = (0.0 if ending == "terminated" else 0.9) * following
    before = life.rewards[0] + (ahead - x) @ w[0]
    after = life.rewards[0] + (ahead - x) @ replay.parameters[0][0, 0]
    np.testing.assert_allclose(after, before / (1 + 0.5 * (x - ahead) @ x), rtol=1e-12)


def test_soft_values():
    """Equal to the mean of q - T log pi; above n equal values by T log n; near 0 the maximum."""
    q, temperature = np.array([0.3, -1.0, 0.35, 0.0]), 0.3
    value, p = soft_greatest(q, temperature)
    np.testing.assert_allclose(value, np.sum(p * (q - temperature * np.log(p))), rtol=1e-15)
    np.testing.assert_allclose(soft_greatest(np.full(4, 2.0), 0.3)[0], 2 + 0.3 * np.log(4))
    np.testing.assert_allclose(soft_greatest(q, 1e-4)[0], 0.35, rtol=1e-15)


def test_exploration_falls_linearly_and_stays():
    rates = [epsilon(t, 1.0, 0.01, 0.05, 100) for t in (0, 1, 5, 90)]
    np.testing.assert_allclose(rates, [1.0, 1.0 - 0.99 / 5, 0.01, 0.01], rtol=1e-14)


# Actor and critic


@pytest.mark.parametrize("policy", [Softmax(), Gaussian()])
def test_an_actor_ascends_log_pi_plus_its_entropy_by_the_sign_of_the_error(policy):
    """First steps with a plain step size: alpha delta (grad log pi + tau sign(delta) grad H)."""
    rng = np.random.default_rng(6)
    outputs = 3 if isinstance(policy, Softmax) else 4
    for _ in range(5):
        life = random_life(rng, 1, 3, n_actions=3)
        action = life.actions[0] if isinstance(policy, Softmax) else rng.normal(size=2)
        actor, critic = random_network(rng, (3, 5, outputs)), random_network(rng, (3, 5, 1))
        replay = stream_ac(
            policy, Network(), actor, FixedStep(1e-6), Network(), critic, FixedStep(0.1),
            life.observations, [action], life.next_observations, life.rewards, [False], [False],
            gamma=0.9, entropy_coefficient=0.3,
        )  # fmt: skip
        x, delta = life.observations[0], replay.td_errors[0]

        def gain(params, x=x, action=action, delta=delta):
            out = Network().forward(params, x)
            entropy = 0.3 * np.sign(delta) * policy.entropy(out)
            return policy.log_probability(out, action) + entropy

        # a step along alpha delta grad changes the gain by alpha delta |grad|^2 to first order
        moved = [p[0] - q for p, q in zip(replay.actor_parameters, actor, strict=True)]
        length = sum(np.sum(m**2) for m in moved) / (1e-6 * delta)
        change = gain([p[0] for p in replay.actor_parameters]) - gain(actor)
        np.testing.assert_allclose(change, length, rtol=1e-3)  # second order of a step of 1e-6

        values = (Network().forward(critic, s)[0] for s in (life.next_observations[0], x))
        np.testing.assert_allclose(
            delta, life.rewards[0] + 0.9 * next(values) - next(values), rtol=1e-13
        )


def test_without_an_error_nothing_moves_though_there_is_entropy_to_gain():
    """A single state of value 0 and no reward: delta = 0, sign(0) = 0."""
    actor, critic = [np.array([[1.0], [0.0]])], [np.zeros((1, 1))]
    one = np.ones((3, 1))
    replay = stream_ac(
        Softmax(), Linear(), actor, ObGD(kappa=3.0), Linear(), critic, ObGD(), one, [0, 1, 0], one,
        np.zeros(3), np.zeros(3, bool), np.zeros(3, bool), entropy_coefficient=1.0,
    )  # fmt: skip
    np.testing.assert_array_equal(replay.td_errors, 0)
    np.testing.assert_array_equal(replay.actor_parameters[0][-1], actor[0])


def test_the_critic_of_an_actor_is_stream_td():
    rng = np.random.default_rng(7)
    life = random_life(rng, 20, 3, n_actions=3, terminated=(6,), truncated=(12,))
    actor, critic = random_network(rng, (3, 5, 3)), random_network(rng, (3, 5, 1))
    x, following = life.observations, life.next_observations
    args = (life.rewards, life.terminated, life.truncated)
    td = stream_td(Network(), critic, Implicit(), x, following, *args)
    replay = stream_ac(
        Softmax(), Network(), actor, ObGD(kappa=3.0), Network(), critic, Implicit(), x,
        life.actions, following, *args,
    )  # fmt: skip
    np.testing.assert_array_equal(td.td_errors, replay.td_errors)
    for ours in (replay.actor_traces, replay.critic_traces):
        assert all(np.all(z[[6, 12]] == 0) for z in ours)


def test_the_trace_of_an_actor_decays_as_its_critics():
    """The second trace is the first, decayed, and the gradient of its own step."""
    rng = np.random.default_rng(13)
    life = random_life(rng, 2, 3, n_actions=3)
    actor, critic = random_network(rng, (3, 5, 3)), random_network(rng, (3, 5, 1))
    replay = stream_ac(
        Softmax(), Network(), actor, ObGD(kappa=3.0), Network(), critic, ObGD(), life.observations,
        life.actions, life.next_observations, life.rewards, life.terminated, life.truncated,
        gamma=0.9, lamda=0.8, entropy_coefficient=0.0,
    )  # fmt: skip
    params = [p[0] for p in replay.actor_parameters]
    outputs = Network().forward(params, life.observations[1])
    weights = one_hot(life.actions[1], 3) - Softmax().probabilities(outputs)
    own = Network().gradient(params, life.observations[1], weights)
    for z, g in zip(replay.actor_traces, own, strict=True):
        np.testing.assert_allclose(z[1], 0.72 * z[0] + g, rtol=0, atol=1e-14)


def test_a_soft_actor_is_paid_for_its_entropy():
    rng = np.random.default_rng(14)
    life = random_life(rng, 1, 3, n_actions=3)
    actor, critic = random_network(rng, (3, 5, 3)), random_network(rng, (3, 5, 1))
    args = (
        Softmax(), Network(), actor, ObGD(), Network(), critic, ObGD(), life.observations,
        life.actions, life.next_observations, life.rewards, life.terminated, life.truncated,
    )  # fmt: skip
    plain, soft = (stream_ac(*args, entropy_coefficient=0.3, soft=s) for s in (False, True))
    entropy = Softmax().entropy(Network().forward(actor, life.observations[0]))
    np.testing.assert_allclose(soft.td_errors - plain.td_errors, 0.3 * entropy, rtol=1e-12)


# Gradient eligibility traces


def episode(rng, steps, features):
    x = rng.normal(size=(steps + 1, features))
    ends = np.arange(steps) == steps - 1
    return x[:-1], x[1:], rng.normal(size=steps), ends, np.zeros(steps, bool)


def test_over_a_frozen_episode_gradient_traces_sum_to_tdc():
    """Sum of delta z - gamma (1 - lamda) (z.h) x' (Maei 2011), weights frozen."""
    rng = np.random.default_rng(8)
    w, h = rng.normal(size=5), rng.normal(size=5)
    x, following, rewards, terminated, truncated = episode(rng, 30, 5)
    gamma, lamda = 0.9, 0.7
    replay = gradient_trace_td(
        Linear(), [w[None]], Linear(), [h[None]], x, following, rewards, terminated, truncated,
        step_size=0.0, gamma=gamma, lamda=lamda,
    )  # fmt: skip
    z, decay, tdc = np.zeros(5), 0.0, []
    for t in range(30):
        discount = 0.0 if terminated[t] else gamma
        z = decay * lamda * z + x[t]
        delta = rewards[t] + discount * following[t] @ w - x[t] @ w
        tdc.append(delta * z - discount * (1 - lamda) * (z @ h) * following[t])
        decay = discount
    ours = replay.directions[0][:, 0]
    size = np.max(np.abs(np.sum(tdc, axis=0)))
    assert np.max(np.abs(ours - tdc)) > 0.1 * size / 30  # they differ at every step
    np.testing.assert_allclose(
        np.sum(ours, axis=0), np.sum(tdc, axis=0), rtol=0, atol=1e-15 * 100 * size
    )


def test_forgetting_that_a_termination_masks_the_next_gradient_breaks_the_sum():
    """The same episode, truncated instead: only the last direction differs, by its bootstrap."""
    rng = np.random.default_rng(8)
    w, h = rng.normal(size=5), rng.normal(size=5)
    x, following, rewards, ends, none = episode(rng, 30, 5)
    kinds = [
        gradient_trace_td(
            Linear(), [w[None]], Linear(), [h[None]], x, following, rewards, *flags,
            step_size=0.0, gamma=0.9, lamda=0.7,
        )
        for flags in ((ends, none), (none, ends))
    ]  # fmt: skip
    a, b = (kind.directions[0][:, 0] for kind in kinds)
    np.testing.assert_array_equal(a[:-1], b[:-1])
    zeta, z, decay = 0.0, np.zeros(5), 0.0
    for t in range(30):
        zeta, z, decay = decay * 0.7 * zeta + x[t] @ h, decay * 0.7 * z + x[t], 0.9
    ahead = 0.9 * following[-1]
    np.testing.assert_allclose(b[-1] - a[-1], -zeta * ahead + (ahead @ w) * z, rtol=1e-10)


def test_each_ratio_enters_a_trace_once():
    """The coefficient of x_{t-k} is (gamma lamda)^k times the ratios from then to now."""
    rng = np.random.default_rng(9)
    steps = 6
    x, following = np.eye(steps), np.roll(np.eye(steps), 1, axis=1)
    rhos, none = rng.uniform(0.2, 3, size=steps), np.zeros(steps, bool)
    h = rng.normal(size=(1, steps))
    replay = gradient_trace_td(
        Linear(), [np.zeros((1, steps))], Linear(), [h], x, following, np.zeros(steps), none,
        none, step_size=0.0, gamma=0.9, lamda=0.7, rhos=rhos,
    )  # fmt: skip
    expected = [0.63 ** (steps - 1 - k) * np.prod(rhos[k:]) for k in range(steps)]
    np.testing.assert_allclose(replay.traces[0][-1, 0], expected, rtol=1e-13)
    np.testing.assert_allclose(replay.auxiliary_traces[0][-1, 0], expected, rtol=1e-13)
    np.testing.assert_allclose(replay.value_traces[-1], np.dot(expected, h[0]), rtol=1e-13)


def test_gradient_td_without_correction_is_gtd2():
    """lamda 0: -h (gamma x' - x); with it TDC: delta x - h gamma x'."""
    rng = np.random.default_rng(10)
    w, h = rng.normal(size=(1, 3)), rng.normal(size=(1, 3))
    x, following, rewards, _, none = episode(rng, 1, 3)
    x, following = x[0], following[0]
    for correction in (True, False):
        replay = gradient_trace_td(
            Linear(), [w], Linear(), [h], [x], [following], rewards, none, none, step_size=0.1,
            auxiliary_scale=0.5, regularization=0.3, gamma=0.9, lamda=0.0, correction=correction,
        )  # fmt: skip
        delta, value = rewards[0] + 0.9 * following @ w[0] - x @ w[0], x @ h[0]
        tdc = delta * x - value * 0.9 * following
        expected = tdc if correction else -value * (0.9 * following - x)
        np.testing.assert_allclose(replay.parameters[0][0, 0], w[0] + 0.1 * expected, rtol=1e-12)
        auxiliary = h[0] + 0.05 * ((delta - value) * x - 0.3 * h[0])
        np.testing.assert_allclose(replay.auxiliary_parameters[0][0, 0], auxiliary, rtol=1e-12)


def test_qrc_with_one_action_is_the_prediction_form_and_cuts_where_it_explored():
    rng = np.random.default_rng(11)
    life = random_life(rng, 20, 3, n_actions=1, terminated=(6,), truncated=(12,))
    params, auxiliary = random_network(rng, (3, 4, 1)), random_network(rng, (3, 4, 1))
    args = (life.rewards, life.terminated, life.truncated)
    x, following = life.observations, life.next_observations
    settings = dict(step_size=0.01, auxiliary_scale=0.5, regularization=0.2)
    td = gradient_trace_td(Network(), params, Network(), auxiliary, x, following, *args, **settings)
    none = np.zeros(20, bool)
    q = qrc(
        Network(), params, Network(), auxiliary, x, life.actions, none, following, *args, **settings
    )
    for a, b in zip(td.parameters, q.parameters, strict=True):
        np.testing.assert_array_equal(a, b)
    explored = np.arange(20) == 15
    q = qrc(
        Network(), params, Network(), auxiliary, x, life.actions, explored, following, *args,
        **settings,
    )  # fmt: skip
    np.testing.assert_array_equal(td.td_errors[:17], q.td_errors[:17])
    assert not np.allclose(td.td_errors[17:], q.td_errors[17:], rtol=1e-12)
    for z in (*q.traces, *q.auxiliary_traces, q.value_traces):
        assert np.all(z[[6, 12, 15]] == 0) and np.any(z[14] != 0)


def test_qrc_takes_the_auxiliary_value_of_the_action_taken():
    """One state, two actions, all weights known: every term of the step by hand."""
    w, h = np.array([[1.0], [3.0]]), np.array([[0.5], [-2.0]])
    replay = qrc(
        Linear(), [w], Linear(), [h], np.ones((1, 1)), [0], [False], np.ones((1, 1)), [0.3],
        [False], [False], step_size=0.1, auxiliary_scale=0.5, regularization=0.2, gamma=0.9,
    )  # fmt: skip
    delta, taken, best = 0.3 + 0.9 * 3 - 1.0, one_hot(0, 2), one_hot(1, 2)
    direction = -0.5 * (0.9 * best - taken) + delta * taken - 0.5 * taken
    np.testing.assert_allclose(replay.parameters[0][0, :, 0], w[:, 0] + 0.1 * direction)
    auxiliary = (delta - 0.5) * taken - 0.2 * h[:, 0]
    np.testing.assert_allclose(replay.auxiliary_parameters[0][0, :, 0], h[:, 0] + 0.05 * auxiliary)
