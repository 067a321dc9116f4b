import numpy as np
import pytest

from .avg import avg
from .descent import SGD, Adam
from .lives import random_life, random_network
from .network import Linear, Network
from .return_scale import ReturnScale, UnitScale
from .squashed_gaussian import act, pull_back
from .trees import dot

NET = Network(layer_norm=False, unit_features=True)


def test_the_density_of_an_action_integrates_to_one():
    noise = np.linspace(-9, 9, 6001)
    pairs = [act(np.array([0.3, -0.5]), z) for z in noise[:, None]]
    actions, log_p = np.array([a[0] for a, _ in pairs]), np.array([p for _, p in pairs])
    mass = np.sum(0.5 * (np.exp(log_p[1:]) + np.exp(log_p[:-1])) * np.diff(actions))
    np.testing.assert_allclose(mass, 1.0, rtol=1e-6)


def test_the_log_density_is_finite_where_the_action_rounds_to_one():
    """The squashing's part at u = 1 is -log(1 - a^2), at u = 25 it is -2 (log 2 - 25)."""
    constant = -0.5 * np.log(2 * np.pi)
    a, log_p = act(np.array([1.0, 0.0]), np.zeros(1))
    np.testing.assert_allclose(log_p, constant - np.log(1 - a[0] ** 2), rtol=0, atol=1e-15)
    a, log_p = act(np.array([25.0, 0.0]), np.zeros(1))
    assert a[0] == 1.0
    np.testing.assert_allclose(log_p - constant, 48.6, rtol=0, atol=0.02)


@pytest.mark.parametrize("raw", [[-0.5, 0.4], [-25.0, 3.0]])  # within and beyond what is clipped
def test_the_reparameterised_gradient_is_that_of_central_differences(raw):
    """Of Q - tau log pi for a quadratic Q, the noise held."""
    rng = np.random.default_rng(0)
    matrix, linear, noise = rng.normal(size=(2, 2)), rng.normal(size=2), rng.normal(size=2)
    outputs = np.concatenate([[0.2, -0.3], raw])

    def gain(outputs):
        a, log_p = act(outputs, noise)
        return a @ matrix @ a + linear @ a - 0.3 * log_p

    a, _ = act(outputs, noise)
    ours = pull_back(outputs, noise, (matrix + matrix.T) @ a + linear, 0.3)
    steps = 1e-5 * np.eye(4)
    differences = [(gain(outputs + s) - gain(outputs - s)) / 2e-5 for s in steps]
    # |a| is within 1e-6 of 1 beyond the clip: rounding of log(1 - a^2) over the step of 1e-5
    np.testing.assert_allclose(ours, differences, rtol=0, atol=1e-8)


def test_one_step_by_hand():
    """Linear actor and critic without biases, plain descent, lamda 0, no scale."""
    rng = np.random.default_rng(1)
    w, q = rng.normal(size=(2, 2)), rng.normal(size=(1, 3))
    x, following = rng.normal(size=2), rng.normal(size=2)
    (xi,), (xi_next,) = noise = rng.normal(size=(2, 1))
    tau, gamma, reward = 0.07, 0.9, 0.4
    replay = avg(
        Linear(), [w], SGD(0.1), Linear(), [q], SGD(0.2), [x], noise[:1], [following], noise[1:],
        [reward], [False], [False], UnitScale(), tau, gamma,
    )  # fmt: skip

    def sample(x, xi):
        mean, log_sigma = w @ x
        a = np.tanh(mean + np.exp(log_sigma) * xi)
        log_p = -0.5 * xi**2 - log_sigma - 0.5 * np.log(2 * np.pi) - np.log(1 - a**2)
        return a, log_p, np.exp(log_sigma)

    a, _, sigma = sample(x, xi)
    a_next, log_p_next, _ = sample(following, xi_next)
    ahead = q[0] @ [*following, a_next] - tau * log_p_next
    delta = reward + gamma * ahead - q[0] @ [*x, a]
    np.testing.assert_allclose(replay.td_errors, [delta], rtol=1e-13)
    critic = q[0] + 0.2 * delta * np.array([*x, a])
    np.testing.assert_allclose(replay.critic_parameters[0][0, 0], critic, rtol=1e-13)
    by_u = 2 * tau * a - (1 - a**2) * q[0, 2]
    by_log_sigma = by_u * sigma * xi - tau
    actor = w - 0.1 * np.outer([by_u, by_log_sigma], x)
    np.testing.assert_allclose(replay.actor_parameters[0][0], actor, rtol=1e-13)


def test_the_actor_climbs_its_objective_through_the_network():
    rng = np.random.default_rng(2)
    life = random_life(rng, 1, 3)
    noise, after = rng.normal(size=(2, 1, 2))
    actor, critic = random_network(rng, (3, 6, 6, 4)), random_network(rng, (5, 6, 6, 1))
    replay = avg(
        NET, actor, SGD(1e-6), NET, critic, SGD(0.1), life.observations, noise,
        life.next_observations, after, life.rewards, [False], [False], UnitScale(), 0.3,
    )  # fmt: skip

    def gain(params):
        a, log_p = act(NET.forward(params, life.observations[0]), noise[0])
        return NET.forward(critic, np.concatenate([life.observations[0], a]))[0] - 0.3 * log_p

    moved = [p[0] - q for p, q in zip(replay.actor_parameters, actor, strict=True)]
    change = gain([p[0] for p in replay.actor_parameters]) - gain(actor)
    # to first order; the second is that of a step of 1e-6
    np.testing.assert_allclose(change, dot(moved, moved) / 1e-6, rtol=1e-3)


def test_the_trace_of_the_critic_ends_with_the_episode_and_holds_no_bootstrap():
    rng = np.random.default_rng(3)
    life = random_life(rng, 8, 3, terminated=(2,), truncated=(5,))
    noise, after = rng.normal(size=(2, 8, 2))
    actor, critic = random_network(rng, (3, 6, 4)), random_network(rng, (5, 6, 1))
    runs = [
        avg(
            NET, actor, Adam(0.0063, 0.0), NET, critic, Adam(0.0087, 0.0), life.observations,
            noise, life.next_observations, after, life.rewards, life.terminated, life.truncated,
            ReturnScale(), 0.07, 0.9, 0.8, rule,
        )
        for rule in (True, False)
    ]  # fmt: skip
    for run in runs:
        for z in run.critic_traces:
            assert np.all(z[[2, 5]] == 0) and np.any(z[[1, 4]] != 0)
        before = [p[5] for p in run.critic_parameters]
        x = np.concatenate([life.observations[6], run.actions[6]])
        own = NET.gradient(before, x, np.ones(1))
        for z, g in zip(run.critic_traces, own, strict=True):
            np.testing.assert_array_equal(z[6], g)
        np.testing.assert_array_equal(run.sigmas[:2], 1)
    np.testing.assert_array_equal(runs[0].td_errors[:5], runs[1].td_errors[:5])
    assert abs(runs[0].td_errors[5] - runs[1].td_errors[5]) > 1e-3


def test_errors_are_divided_by_the_scale_of_the_soft_rewards():
    """Nothing is learned, so that the unscaled errors are those of the same life."""
    rng = np.random.default_rng(4)
    life = random_life(rng, 12, 3, terminated=(3, 8))
    noise, after = rng.normal(size=(2, 12, 2))
    actor, critic = random_network(rng, (3, 6, 4)), random_network(rng, (5, 6, 1))

    def replay(scaler):
        return avg(
            NET, actor, SGD(0.0), NET, critic, SGD(0.0), life.observations, noise,
            life.next_observations, after, life.rewards, life.terminated, life.truncated,
            scaler, 0.5, 0.9,
        )  # fmt: skip

    plain, scaled = replay(UnitScale()), replay(ReturnScale())
    soft = life.rewards - 0.5 * plain.log_densities
    returns = [np.sum(soft[:4]), np.sum(soft[4:9])]
    discount = np.where(life.terminated, 0.0, 0.9)
    for t in range(12):
        finished = np.square(returns[: (t >= 3) + (t >= 8)])
        sigma = 1.0
        if len(finished):
            spread = np.var(soft[: t + 1]) + np.var(discount[: t + 1]) * np.mean(finished)
            sigma = np.sqrt(spread)
        np.testing.assert_allclose(scaled.td_errors[t], plain.td_errors[t] / sigma, rtol=1e-12)


def test_the_trace_decays_by_the_discount_into_the_state():
    rng = np.random.default_rng(5)
    life = random_life(rng, 3, 3, terminated=(2,))
    noise, after = rng.normal(size=(2, 3, 2))
    actor, critic = random_network(rng, (3, 6, 4)), random_network(rng, (5, 6, 1))
    run = avg(
        NET, actor, SGD(0.0), NET, critic, SGD(1.0), life.observations, noise,
        life.next_observations, after, life.rewards, life.terminated, life.truncated,
        UnitScale(), 0.07, 0.9, 0.8,
    )  # fmt: skip
    x = np.concatenate([life.observations[2], run.actions[2]])
    own = NET.gradient([p[1] for p in run.critic_parameters], x, np.ones(1))
    for p, z, g in zip(run.critic_parameters, run.critic_traces, own, strict=True):
        step = run.td_errors[2] * (0.72 * z[1] + g)
        np.testing.assert_allclose(p[2] - p[1], step, rtol=0, atol=1e-13)


def test_the_scale_of_an_episodic_task():
    """Reward 1, episodes of 4 steps, gamma 0.9 and 0 at the end."""
    scaler = ReturnScale()
    for t in range(40):
        if t < 4:
            assert scaler.sigma == 1.0
        scaler.update(1.0, 0.0 if t % 4 == 3 else 0.9, t % 4 == 3)
    np.testing.assert_allclose(np.var(scaler.discounts), 0.151875, rtol=1e-12)
    assert np.mean(scaler.squares) == 16
    np.testing.assert_allclose(scaler.sigma, 1.558846, rtol=0, atol=5e-7)


def test_adam_without_momentum_takes_steps_of_its_size_at_first():
    g = [np.array([1e-3, -40.0])]
    adam = Adam(0.01, 0.0)
    adam.init(g)
    (step,) = adam.update(g)
    np.testing.assert_allclose(step, [-0.01, 0.01], rtol=2e-5)  # eps 1e-8 beside 1e-3
