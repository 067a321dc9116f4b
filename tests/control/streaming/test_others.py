"""QRC, AVG and the learners of whole networks against their equations in float64."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.oracles.streaming.avg import avg
from tests.oracles.streaming.descent import SGD
from tests.oracles.streaming.gradient_traces import gradient_trace_td, qrc
from tests.oracles.streaming.network import Network
from tests.oracles.streaming.obgd import ObGD
from tests.oracles.streaming.return_scale import ReturnScale
from tests.oracles.streaming.stream_td import stream_td

from . import lives

STEP_SIZE = 0.01


def test_qrc_is_the_published_one():
    told = lives.world()
    agent = af.QRC(
        lives.ACTIONS,
        lives.network((8,), lives.ACTIONS),
        optimizer=af.LMS(STEP_SIZE),
        auxiliary_scale=0.5,
        regularization=0.3,
        gamma=lives.GAMMA,
        lamda=lives.LAMDA,
        epsilon=af.Linear(1.0, 0.2, lives.STEPS),
    )
    rows, _, begin = lives.lived(agent, told)
    given = lives.arguments(rows, told) | lives.numbers(agent)
    found = qrc(
        Network(),
        lives.leaves_of(begin.params),
        Network(),
        lives.leaves_of(begin.auxiliary_params),
        exploratory=np.asarray(rows.exploratory),
        step_size=STEP_SIZE,
        auxiliary_scale=0.5,
        regularization=0.3,
        **given,
    )
    assert not np.any(rows.rejected)
    lives.assert_close(rows.states.params, found.parameters)
    lives.assert_close(rows.states.auxiliary_params, found.auxiliary_parameters)


def transitions(told):
    """A stream of values: each next observation is the next row's own, but at an end."""
    return np.concatenate([told.begins[:1], told.observations[:-1]])


@pytest.mark.parametrize("kind", ["StreamTD", "GradientTraceTD", "GTD2"])
def test_learners_of_values_are_the_published_ones(kind):
    told, net = lives.world(), lives.network((8,), 1)
    if kind == "StreamTD":
        learner = af.StreamTD(net, af.ObGD(kappa=2.0), lives.LAMDA, lives.GAMMA)
    else:
        learner = af.GradientTraceTD(
            net,
            optimizer=af.LMS(STEP_SIZE),
            regularization=0.3,
            lamda=lives.LAMDA,
            correction=kind != "GTD2",
        )
    state = begin = learner.init(lives.FEATURES, jr.key(0))
    observations, history = transitions(told), []
    discounts = np.where(told.terminated, 0.0, lives.GAMMA).astype(np.float32)
    rows = af.TDTimeStep(observations, told.rewards, told.observations, discounts, told.truncated)

    def one(state, row):
        state, _ = learner.learn(state, row)
        return state, state.params

    _, history = jax.lax.scan(one, state, jax.tree.map(jnp.asarray, rows))
    given = dict(
        observations=np.float64(observations),
        next_observations=np.float64(told.observations),
        rewards=np.float64(told.rewards),
        terminated=told.terminated,
        truncated=told.truncated,
        gamma=lives.GAMMA,
        lamda=lives.LAMDA,
    )
    params = lives.leaves_of(begin.params)
    if kind == "StreamTD":
        found = stream_td(Network(), params, ObGD(), **given)
    else:
        auxiliary = lives.leaves_of(begin.auxiliary_params)
        found = gradient_trace_td(
            Network(),
            params,
            Network(),
            auxiliary,
            step_size=STEP_SIZE,
            regularization=0.3,
            correction=kind != "GTD2",
            **given,
        )
    lives.assert_close(history, found.parameters)


@pytest.mark.parametrize("lamda", [0.0, 0.7])
def test_avg_is_the_published_one(lamda):
    steps = 80
    told = lives.world(steps)
    policy = af.TanhGaussianPolicy([-2.0, -1.0], [2.0, 1.0])
    agent = af.AVG(
        policy,
        af.UnitFeatureMLP((8,), 4),
        af.UnitFeatureMLP((8,), 1),
        actor_optimizer=af.LMS(0.01),
        critic_optimizer=af.LMS(0.02),
        gamma=lives.GAMMA,
        lamda=lamda,
    )
    begin = agent.init(lives.FEATURES, jr.key(0))
    _, state = agent.start(begin, told.begins[0])
    seen, noise, fresh, actors, critics, sigmas = [], [], [], [], [], []
    for t in range(steps):
        seen.append(np.float64(state.last_observation))
        noise.append(np.float64(state.last_noise))
        fresh.append(np.float64(jr.normal(jr.split(state.rng_key)[1], (2,))))
        ends = told.terminated[t], told.truncated[t]
        found = agent.act_and_learn(state, told.rewards[t], told.observations[t], *ends)
        state = found.state
        assert not found.rejected
        assert np.all(policy.action_space.contains(found.action))
        actors.append(state.actor_params)
        critics.append(state.critic_params)
        sigmas.append(found.metrics["error_scale"])
        if any(ends):
            _, state = agent.start(state, told.begins[t + 1])
    net = Network(layer_norm=False, unit_features=True)
    expected = avg(
        net,
        lives.leaves_of(begin.actor_params),
        SGD(0.01),
        net,
        lives.leaves_of(begin.critic_params),
        SGD(0.02),
        seen,
        noise,
        np.float64(told.observations),
        fresh,
        np.float64(told.rewards),
        told.terminated,
        told.truncated,
        ReturnScale(),
        gamma=lives.GAMMA,
        lamda=lamda,
    )
    stacked = [jax.tree.map(lambda *a: np.stack(a), *every) for every in (actors, critics)]
    lives.assert_close(stacked[0], expected.actor_parameters)
    lives.assert_close(stacked[1], expected.critic_parameters)
    np.testing.assert_allclose(sigmas, expected.sigmas, rtol=1e-4)
