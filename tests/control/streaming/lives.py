"""Lives of streaming agents in prescribed worlds, and their replay in float64."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import alberta_framework as af
from tests.oracles.streaming.action_values import stream_q, stream_sarsa
from tests.oracles.streaming.adaptive import Adaptive
from tests.oracles.streaming.alpha_bound import AlphaBound
from tests.oracles.streaming.implicit import Implicit
from tests.oracles.streaming.implicit_td import ImplicitTD
from tests.oracles.streaming.intentional import Intentional
from tests.oracles.streaming.network import Network
from tests.oracles.streaming.obgd import ObGD
from tests.oracles.streaming.policies import Gaussian, Softmax
from tests.oracles.streaming.stream_ac import stream_ac
from tests.oracles.streaming.trees import flatten

STEPS, FEATURES, ACTIONS = 200, 4, 3
GAMMA, LAMDA = 0.9, 0.8
# Steps small enough that a life stays near what float64 makes of it: a rounding grows with every
# step that overshoots.
RULES = {
    "ObGD": (lambda: af.ObGD(kappa=2.0), ObGD),
    "Intentional": (lambda: af.Intentional(0.1), lambda: Intentional(0.1)),
    "Adaptive": (lambda: af.Adaptive(0.01), lambda: Adaptive(0.01)),
    "Implicit": (lambda: af.Implicit(0.1), lambda: Implicit(0.1)),
    "ImplicitTD": (lambda: af.ImplicitTD(0.02, "full"), lambda: ImplicitTD(0.02, "full")),
    "AlphaBound": (lambda: af.AlphaBound(0.02), lambda: AlphaBound(0.02)),
}
TWO_LAYERS = ("Implicit", "Intentional")


class World(af.AbstractState):
    """What is seen, paid and ended at every step, whatever is done; `begins`: what is seen where
    an episode begins."""

    begins: Any
    observations: Any
    rewards: Any
    terminated: Any
    truncated: Any


def world(steps=STEPS, seed=0):
    """Episodes of every length, of one step among them, that end in every way."""
    rng = np.random.default_rng(seed)
    ends = rng.random((2, steps)) < 0.06
    ends[:, 50:62] = False  # where some tests spoil a step
    ends[0, [20, 21, 40]] = True  # ended by themselves; an episode of one step
    ends[1, [30, 31, 40]] = True  # cut off; both at once
    return World(
        np.float32(rng.normal(size=(steps + 1, FEATURES))),
        np.float32(rng.normal(size=(steps, FEATURES))),
        np.float32(rng.normal(size=steps)),
        *ends,
    )


class Lived(af.AbstractState):
    """Of every step: the pair that was learned from, what came of it, and the agent after it."""

    observations: Any
    actions: Any
    exploratory: Any
    next_actions: Any
    states: Any
    metrics: Any
    rejected: Any


@eqx.filter_jit
def _lived(agent, state, told):
    action, state = agent.start(state, told.begins[0])

    def one(carry, now):
        _, state = carry
        begin, (observation, reward, terminated, truncated) = now
        pair = state.last_observation, state.last_action, getattr(state, "exploratory", False)
        found = agent.act_and_learn(state, reward, observation, terminated, truncated)
        over = terminated | truncated
        anew, begun = agent.start(found.state, begin)
        chosen = jax.tree.map(lambda a, b: jnp.where(over, a, b), anew, found.action)
        after = jax.tree.map(lambda a, b: jnp.where(over, a, b), begun, found.state)
        row = Lived(*pair, found.action, found.state, found.metrics, found.rejected)
        return (chosen, after), row

    rows = told.begins[1:], (told.observations, told.rewards, told.terminated, told.truncated)
    (_, state), rows = jax.lax.scan(one, (action, state), rows)
    return rows, state


def strong(agent):
    """Its numbers as arrays, as in the library's own loops: agents of one structure are one
    program."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), agent)


def lived(agent, told, seed=0, state=None):
    """The life of a new agent in this world, and its state before it."""
    if state is None:
        state = agent.init(FEATURES, jr.key(seed))
    return (*_lived(strong(agent), state, told), state)


def leaves_of(params):
    """[W0, b0, W1, b1, ...] in float64."""
    return flatten(
        zip(map(np.asarray, params.weights), map(np.asarray, params.biases), strict=True)
    )


def history_of(params):
    return [
        leaf
        for pair in zip(params.weights, params.biases, strict=True)
        for leaf in map(np.asarray, pair)
    ]


def assert_close(ours, expected, atol=1e-4):
    for k, (one, other) in enumerate(zip(history_of(ours), expected, strict=True)):
        np.testing.assert_allclose(one, other, rtol=0, atol=atol, err_msg=f"leaf {k}")


def network(hidden, outputs):
    return af.StreamMLP(hidden, outputs, sparsity=0.3)


def agent_of(kind, rule="ObGD", **more):
    optimizer, hidden = RULES[rule][0](), (6, 5) if rule in TWO_LAYERS else (8,)
    more = {"gamma": GAMMA, "lamda": LAMDA} | more
    if kind in ("StreamQ", "StreamSARSA"):
        more = {"epsilon": af.Linear(1.0, 0.2, STEPS)} | more
        net = network(hidden, ACTIONS)
        return getattr(af, kind)(ACTIONS, net, optimizer, **more)
    policy = af.SoftmaxPolicy(ACTIONS) if kind == "softmax" else af.GaussianPolicy([-1, -2], [1, 2])
    actor, critic = network(hidden, policy.n_outputs), network(hidden, 1)
    return af.StreamAC(policy, actor, critic, optimizer, optimizer, **more)


def arguments(rows, told):
    """What every oracle is told of the life."""
    return dict(
        observations=np.float64(rows.observations),
        actions=np.asarray(rows.actions),
        next_observations=np.float64(told.observations),
        rewards=np.float64(told.rewards),
        terminated=told.terminated,
        truncated=told.truncated,
    )


def numbers(agent):
    return dict(
        gamma=agent.gamma,
        lamda=agent.lamda,
        bootstrap_on_truncation=agent.bootstrap_on_truncation,
    )


def replayed(kind, rule, agent, begin, rows, told):
    """The oracle's life of the same observations, actions and rewards."""
    make = RULES[rule][1]
    given = arguments(rows, told) | numbers(agent)
    if kind == "StreamQ":
        return stream_q(
            Network(),
            leaves_of(begin.params),
            make(),
            exploratory=np.asarray(rows.exploratory),
            soft_temperature=agent.soft_temperature,
            **given,
        )
    if kind == "StreamSARSA":
        chosen = np.asarray(rows.next_actions)
        return stream_sarsa(
            Network(), leaves_of(begin.params), make(), next_actions=chosen, **given
        )
    policy, centering = Softmax() if kind == "softmax" else Gaussian(), agent.reward_centering
    return stream_ac(
        policy,
        Network(),
        leaves_of(begin.actor_params),
        make(),
        Network(),
        leaves_of(begin.critic_params),
        make(),
        entropy_coefficient=agent.entropy_coefficient,
        soft=agent.soft,
        reward_rate_step_size=0.0 if centering is None else centering.reward_rate_step_size,
        **given,
    )
