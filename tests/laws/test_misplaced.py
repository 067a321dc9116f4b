"""What is easily passed in place of something else: a line that says what to pass instead."""

import re

import gymnasium
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af

DIM = 3
X = np.ones(DIM, np.float32)
HORDE = af.HordeLearner(
    af.create_horde_spec([af.GVFSpec("a", af.DemonType.PREDICTION, 0.9, 0.0, -1)]), (2,)
)
LEARNERS = {
    "LinearLearner": (af.LinearLearner(), (X, 1.0)),
    "SoftmaxLinearLearner": (af.SoftmaxLinearLearner(2), (X, 1)),
    "TDLinearLearner": (af.TDLinearLearner(), (X, 1.0, X, 0.9)),
    "OffPolicyHorde": (
        af.OffPolicyHorde(af.OffPolicyTD(), HORDE.horde_spec),
        (X, np.ones(1, np.float32), X, 1.5),
    ),
    "LinearHorde": (af.LinearHorde(HORDE.horde_spec), (X, np.ones(1, np.float32), X)),
    "MLPLearner": (af.MLPLearner((2,)), (X, 1.0)),
    "MultiHeadMLPLearner": (af.MultiHeadMLPLearner(2, (2,)), (X, np.ones(2, np.float32))),
    "HordeLearner": (HORDE, (X, np.ones(1, np.float32), X)),
    "SARSAAgent": (af.SARSAAgent(af.SARSAConfig(2), (2,)), (1.0, X, False, 1)),
}


def begun(name):
    learner, _ = LEARNERS[name]
    if not LEARNERS[name][0].draws_weights:
        return learner.init(DIM)
    return learner.init(DIM, jr.key(0))


def calls(name):
    learner, arguments = LEARNERS[name]
    yield lambda state: learner.update(state, *arguments)
    if name == "SARSAAgent":
        yield lambda state: learner.select_action(state, X)
        yield lambda state: learner.start(state, X)
        yield lambda state: learner.act_and_learn(state, 1.0, X, False, False)
    else:
        yield lambda state: learner.predict(state, X)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_result_in_place_of_its_state(name):
    learner, arguments = LEARNERS[name]
    result = learner.update(begun(name), *arguments)
    kind, given = type(result.state).__name__, type(result).__name__
    message = rf"{name}\.\w+: `state` must be a {kind}, got a {given}; pass its `\.state`\."
    for call in calls(name):
        for wrongly in (call, jax.jit(call)):
            with pytest.raises(TypeError) as caught:
                wrongly(result)
            assert re.fullmatch(message, str(caught.value))
        call(result.state)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_state_of_another_learner_or_none(name):
    other = "MLPLearner" if name != "MLPLearner" else "LinearLearner"
    for call in calls(name):
        for wrong in (begun(other), None, X, {}):
            with pytest.raises(TypeError, match=r"`state` must be a \w+State, got a ") as caught:
                call(wrong)
            assert "\n" not in str(caught.value)


def test_what_a_loop_returned_in_place_of_its_state():
    learner, stream = af.LinearLearner(), af.RandomWalkStream(DIM)
    returned = af.run_learning_loop(learner, stream, 5, jr.key(0))
    message = r"LinearLearner: `state` must be a LearnerState, got a tuple; pass its part \[0\]"
    with pytest.raises(TypeError, match=message):
        af.run_learning_loop(learner, stream, 5, jr.key(0), returned)
    with pytest.raises(TypeError, match=r"LinearLearner\.predict: .* got a tuple; pass its part"):
        learner.predict(returned, X)
    batch = af.run_learning_loop_batched(learner, stream, 5, jr.split(jr.key(0)))
    with pytest.raises(TypeError, match=r"BatchedLearningResult; pass a lane of its .\.states"):
        learner.predict(batch, X)
    network, heads = af.MLPLearner((2,)), LEARNERS["MultiHeadMLPLearner"][0]
    returned = af.run_mlp_learning_loop(network, stream, 5, jr.key(0))
    with pytest.raises(TypeError, match=r"MLPLearner: .* got a tuple; pass its part \[0\]"):
        af.run_mlp_learning_loop(network, stream, 5, jr.key(0), returned)
    rows = np.ones((4, DIM), np.float32)
    returned = af.run_multi_head_learning_loop(
        heads, begun("MultiHeadMLPLearner"), rows, rows[:, :2]
    )
    with pytest.raises(TypeError, match=r"MultiHeadLearningResult; pass its `\.state`"):
        af.run_multi_head_learning_loop(heads, returned, rows, rows[:, :2])
    returned = af.run_horde_learning_loop(HORDE, begun("HordeLearner"), rows, rows[:, :1], rows)
    with pytest.raises(TypeError, match=r"HordeLearningResult; pass its `\.state`"):
        af.run_horde_learning_loop(HORDE, returned, rows, rows[:, :1], rows)


def test_a_result_in_place_of_an_agent_s_state_in_its_loops():
    agent, env = LEARNERS["SARSAAgent"][0], gymnasium.make("CartPole-v1")
    result = af.run_sarsa_episode(agent, agent.init(4, jr.key(0)), env, 3)
    rows, flags = np.ones((3, 4), np.float32), np.zeros(3, bool)
    loops = [
        lambda state: af.run_sarsa_episode(agent, state, env, 3),
        lambda state: af.run_sarsa_continuing(agent, state, env, 3),
        lambda state: af.run_sarsa_from_arrays(agent, state, rows, flags, flags, rows),
    ]
    for loop in loops:
        with pytest.raises(TypeError, match=r"SARSAEpisodeResult; pass its `\.state`\.$"):
            loop(result)
        with pytest.raises(TypeError, match="`state` must be a SARSAState, got a MLPLearnerState"):
            loop(begun("MLPLearner"))
        loop(result.state)


WALK, CHAIN = af.RandomWalkStream(DIM), af.RandomWalkChainStream(5)
KEY = jr.key(0)
KEYS = jr.split(KEY)


def arrays():
    return np.ones((4, 5), np.float32), np.ones((4, 1), np.float32)


MISMATCHES = {
    "linear": lambda: af.run_learning_loop(af.LinearLearner(), CHAIN, 4, KEY),
    "linear, recorded": lambda: af.run_learning_loop(
        af.LinearLearner(), CHAIN, 4, KEY, record_every=2
    ),
    "linear, lanes": lambda: af.run_learning_loop_batched(af.LinearLearner(), CHAIN, 4, KEYS),
    "network": lambda: af.run_mlp_learning_loop(af.MLPLearner((2,)), CHAIN, 4, KEY),
    "td": lambda: af.run_td_learning_loop(af.TDLinearLearner(), WALK, 4, KEY),
    "td, lanes": lambda: af.run_td_learning_loop_batched(af.TDLinearLearner(), WALK, 4, KEYS),
    "td, examples": lambda: af.learn_from_trajectory(
        af.TDLinearLearner(), *arrays(), af.TDLinearLearner().init(5)
    ),
    "wrong loop": lambda: af.run_td_learning_loop(af.LinearLearner(), CHAIN, 4, KEY),
    "sweep": lambda: af.sweep(af.LinearLearner(), CHAIN, {}, num_steps=4, keys=KEYS),
}
TRANSITIONS = r"yields a TDTimeStep without `target`; a TDTimeStep is for a TDLinearLearner"
EXAMPLES = (
    r"yields a TimeStep without `reward`, `next_observation`, `gamma`; a TimeStep is for a "
    "LinearLearner"
)


@pytest.mark.parametrize("case", MISMATCHES)
def test_experience_of_another_kind(case):
    message = EXAMPLES if case.startswith("td") else TRANSITIONS
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        MISMATCHES[case]()
    assert "\n" not in str(caught.value)


def test_a_user_s_own_experience_needs_the_names_alone():
    """Whatever has an observation and a target is an example."""

    class Example(af.AbstractState):
        target: jax.Array
        observation: jax.Array
        note: jax.Array

    rows = jnp.ones((4, DIM))
    stream = af.RecordedStream(Example(jnp.ones((4, 1)), rows, jnp.zeros(4)))
    state, _ = af.run_learning_loop(af.LinearLearner(), stream, 4, KEY)
    assert state.step_count == 4


def test_a_stream_on_the_host_is_no_stream_of_a_compiled_loop():
    env = gymnasium.make("CartPole-v1")
    for loop, stream in (
        (lambda s: af.run_learning_loop(af.LinearLearner(), s, 4, KEY), af.GymnasiumStream(env)),
        (lambda s: af.run_td_learning_loop(af.TDLinearLearner(), s, 4, KEY), af.TDStream(env)),
        (
            lambda s: af.run_learning_loop_batched(af.LinearLearner(), s, 4, KEYS),
            af.GymnasiumStream(env),
        ),
    ):
        with pytest.raises(TypeError, match=r"collect_trajectory, collect_transitions") as caught:
            loop(stream)
        assert "\n" not in str(caught.value)
