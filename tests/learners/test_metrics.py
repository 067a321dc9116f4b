"""A metric is its name and its number in one: those of the library's learners, and of anyone's."""

import dataclasses
import itertools
from collections import OrderedDict
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.learners.metrics import (
    MetricsError,
    metrics_of_step,
    named_columns,
    own_names,
    parts_of,
    primary_metric,
)

KEY, X, NEXT_X = jr.key(3), jnp.array([0.5, -1.0, 2.0]), jnp.array([1.0, 0.0, -0.5])
NORMALIZER = af.EMANormalizer()


def linear(**parts):
    learner = af.LinearLearner(af.IDBD(0.05), **parts)
    state = learner.init(3)
    # After a step, so that the step sizes have moved and the variance is no round number.
    return learner, learner.update(state, NEXT_X, -1.0).state, af.TimeStep(X, jnp.full(1, 2.0))


def mlp(**parts):
    learner = af.MLPLearner((4,), af.LMS(0.1), bounder=af.ObGDBounding(), sparsity=0.0, **parts)
    state = learner.update(learner.init(3, KEY), NEXT_X, -1.0).state
    return learner, state, af.TimeStep(X, jnp.full(1, 2.0))


def td():
    learner = af.TDLinearLearner(af.TDIDBD(0.05, trace_decay=0.8))
    state = learner.update(learner.init(3), NEXT_X, 1.0, X, 0.9).state
    return learner, state, af.TDTimeStep(X, jnp.float32(1.5), NEXT_X, jnp.float32(0.9))


def of_update(learner, state, step):
    """What the update of a learner of one prediction says itself of the step."""
    if isinstance(step, af.TDTimeStep):
        inputs = step.observation, step.reward, step.next_observation, step.gamma
    else:
        inputs = step.observation, step.target
    return learner.update(state, *inputs)


@pytest.mark.parametrize("normalizer", [None, NORMALIZER])
def test_a_linear_learner_names_its_columns(normalizer):
    learner, state, step = linear(normalizer=normalizer)
    result = of_update(learner, state, step)
    found = dict(learner.metrics(learner.learn(state, step)[1]))
    sizes = learner.optimizer.step_sizes(result.state.optimizer_state)
    both = jnp.append(sizes, learner.optimizer.bias_step_size(result.state.optimizer_state))
    expected = {"squared_error": result.error[0] ** 2, "error": result.error[0]}
    if normalizer is not None:
        expected["normalizer_mean_var"] = result.state.normalizer_state.var.mean()
    size = found.pop("mean_step_size")
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, err_msg=name)
    # Whether the mean is over the weights or the bias too is the optimizer's to say.
    assert min(abs(size - sizes.mean()), abs(size - both.mean())) < 1e-6


@pytest.mark.parametrize("normalizer", [None, NORMALIZER])
def test_a_network_names_its_columns(normalizer):
    learner, state, step = mlp(normalizer=normalizer)
    result = of_update(learner, state, step)
    found = dict(learner.metrics(learner.learn(state, step)[1]))
    expected = {"squared_error": result.error[0] ** 2, "error": result.error[0]}
    bound = found.pop("bounding_metric")
    if normalizer is not None:
        expected["normalizer_mean_var"] = result.state.normalizer_state.var.mean()
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, err_msg=name)
    assert 0.0 < bound < 1.0  # a step size of 0.1 here is bounded


def test_a_td_learner_names_its_columns():
    learner, state, step = td()
    result = of_update(learner, state, step)
    found = dict(learner.metrics(learner.learn(state, step)[1]))
    traces = result.state.optimizer_state
    assert list(found) == [
        "squared_td_error",
        "td_error",
        "mean_step_size",
        "mean_eligibility_trace",
    ]
    np.testing.assert_allclose(found["td_error"], result.td_error[0], rtol=1e-6)
    np.testing.assert_allclose(found["squared_td_error"], result.td_error[0] ** 2, rtol=1e-6)
    np.testing.assert_allclose(
        found["mean_step_size"], jnp.exp(traces.log_step_sizes).mean(), rtol=1e-2
    )
    np.testing.assert_allclose(
        found["mean_eligibility_trace"], jnp.abs(traces.eligibility_traces).mean(), rtol=1e-6
    )


def test_heads_name_their_columns_and_themselves():
    learner = af.MultiHeadMLPLearner(3, (), af.LMS(0.1), sparsity=0.0)
    targets = jnp.array([1.0, jnp.nan, -2.0])
    state = learner.init(3, KEY)
    result = learner.update(state, X, targets)
    found = learner.metrics(learner.learn(state, af.MultiHeadStep(X, targets))[1])
    assert list(found) == ["squared_error", "error", "mean_step_size"]
    np.testing.assert_allclose(found["error"], result.errors, rtol=1e-6)
    np.testing.assert_allclose(found["squared_error"], result.errors**2, rtol=1e-6)
    np.testing.assert_allclose(found["mean_step_size"][::2], 0.1, rtol=1e-6)
    assert learner.metric_parts == af.MetricParts("head", ())


def horde(*names):
    demons = [af.GVFSpec(name, af.DemonType.PREDICTION, 0.9, 0.5, -1) for name in names]
    return af.HordeLearner(af.create_horde_spec(demons), (), af.LMS(0.1), sparsity=0.0)


def test_demons_name_their_columns_and_themselves():
    learner, cumulants = horde("near", "far"), jnp.array([1.0, -3.0])
    state = learner.init(3, KEY)
    result = learner.update(state, X, cumulants, NEXT_X)
    found = learner.metrics(learner.learn(state, af.DemonStep(X, cumulants, NEXT_X))[1])
    assert list(found) == ["squared_td_error", "td_error", "mean_step_size"]
    np.testing.assert_allclose(found["td_error"], result.td_errors, rtol=1e-6)
    np.testing.assert_allclose(found["squared_td_error"], result.td_errors**2, rtol=1e-6)
    assert learner.metric_parts == af.MetricParts("demon", ("near", "far"))


def test_an_agent_names_what_it_learned():
    agent = af.SARSAAgent(af.SARSAConfig(2), (), af.LMS(0.1), sparsity=0.0)
    state, action = agent.init(3, KEY), jnp.int32(1)
    flag = jnp.zeros((), bool)
    step = af.ControlStep(X, action, jnp.float32(1.0), flag, flag, NEXT_X, jnp.int32(0), NEXT_X)
    found = agent.metrics(agent.learn(state, step)[1])
    values = agent.horde.predict(state.learner_state, NEXT_X)
    assert list(found) == ["squared_td_error", "td_error", "greedy_value"]
    error = 1.0 + 0.99 * values[0] - agent.horde.predict(state.learner_state, X)[1]
    np.testing.assert_allclose(found["td_error"], error, rtol=1e-5)
    np.testing.assert_allclose(found["squared_td_error"], error**2, rtol=1e-5)
    np.testing.assert_allclose(found["greedy_value"], values.max(), rtol=1e-6)


def test_axes_of_lanes_and_steps_stay_in_front():
    learner, stream, keys = af.MLPLearner((2,)), af.RandomWalkStream(3), jr.split(KEY, 2)
    metrics = af.run_mlp_learning_loop_batched(learner, stream, 5, keys).metrics
    for place, values in enumerate(learner.metrics(metrics).values()):
        np.testing.assert_array_equal(values, metrics[..., place])
    with pytest.raises(TypeError, match=r"4 columns for the 3 names squared_error, error"):
        learner.metrics(jnp.zeros((5, 4)))


class Given(NamedTuple):
    b: Any
    a: Any


class OfModule(eqx.Module):
    b: Any
    a: Any
    none: Any = None
    said: str = eqx.field(static=True, default="")


@dataclasses.dataclass
class Record:
    b: Any
    a: Any


jax.tree_util.register_dataclass(Record, ["b", "a"], [])


@pytest.mark.parametrize("order", list(itertools.permutations("cab")))
@pytest.mark.parametrize("jitted", [False, True])
def test_a_dictionary_keeps_its_names_in_any_order(order, jitted):
    values = {"a": 1.0, "b": 2.0, "c": 3.0}

    def outputs():
        return {name: jnp.float32(values[name]) for name in order}

    found = own_names((jax.jit(outputs) if jitted else outputs)())
    assert {name: float(value) for name, value in found.items()} == values
    # Through a program and back the order of an OrderedDict is kept, which a plain one's is not.
    through = jax.jit(lambda: own_names(outputs()))()
    assert list(through) == list(order)
    assert {name: float(value) for name, value in through.items()} == values


@pytest.mark.parametrize(
    "outputs",
    [
        Given(jnp.float32(2.0), jnp.float32(1.0)),
        OfModule(jnp.float32(2.0), jnp.float32(1.0)),
        Record(jnp.float32(2.0), jnp.float32(1.0)),
        OrderedDict(b=2.0, a=1.0),
        {"b": 2.0, "a": 1.0, "c": None},
    ],
    ids=lambda outputs: type(outputs).__name__,
)
def test_what_has_names_keeps_them(outputs):
    found = own_names(outputs)
    assert {name: float(value) for name, value in found.items()} == {"b": 2.0, "a": 1.0}
    assert list(found) == ["b", "a"]


def test_inner_names_are_joined_by_dots():
    inner = Given({"x": 1.0}, [2.0, {"y": 3.0}])
    found = own_names({"outer": inner, 7: 4.0})
    assert dict(found) == {"outer.b.x": 1.0, "outer.a.0": 2.0, "outer.a.1.y": 3.0, "7": 4.0}
    with pytest.raises(MetricsError, match=r"two numbers of the name 'a\.b'"):
        own_names({"a.b": 1.0, "a": {"b": 2.0}})


@pytest.mark.parametrize("outputs, shape", [(3.0, ()), (jnp.arange(3.0), (3,)), ([5.0], ())])
def test_a_lone_array_has_numbered_names(outputs, shape):
    found = own_names(outputs)
    assert list(found) == [f"output_{i}" for i in range(shape[0] if shape else 1)]
    given = outputs[0] if isinstance(outputs, list) else outputs
    np.testing.assert_array_equal(list(found.values()), np.atleast_1d(given))


@pytest.mark.parametrize("outputs", [(1.0, 2.0), [], None, [{"a": 1.0}, 2.0]])
def test_numbers_without_names_are_refused(outputs):
    with pytest.raises(TypeError, match="must give a dictionary, a Module or one array"):
        own_names(outputs)


class Told:
    """No component; it says how its outputs are called."""

    metric_parts = af.MetricParts("unit")

    def metrics(self, outputs):
        return {"second": outputs[1], "first": outputs[0]}


def test_an_object_may_say_how_its_outputs_are_called():
    found = metrics_of_step(Told(), (1, jnp.array([True, False])))
    assert list(found) == ["second", "first"] and float(found["first"]) == 1.0
    np.testing.assert_array_equal(found["second"], np.float32([1.0, 0.0]))
    assert {value.dtype for value in found.values()} == {jnp.dtype(jnp.float32)}
    assert parts_of(Told()).kind == "unit"
    assert parts_of(object()) == af.MetricParts("part", ())
    assert list(metrics_of_step(object(), {"b": 1.0, "a": 2.0})) == ["b", "a"]


@pytest.mark.parametrize(
    "value", [jnp.zeros((2, 2)), jr.key(0), jnp.complex64(1.0), "text", np.array(["a"])], ids=repr
)
def test_a_metric_that_is_no_number_is_named(value):
    with pytest.raises(TypeError, match="object: the metric 'bad' must be a number, or one for"):
        metrics_of_step(object(), {"good": 1.0, "bad": value})


def test_a_step_must_give_something():
    with pytest.raises(TypeError, match="object: its step gives no metric"):
        metrics_of_step(object(), {"a": None})


def test_columns_need_as_many_names():
    assert list(named_columns("ab", jnp.zeros((4, 2)))) == ["a", "b"]
    for names in ("a", "abc"):
        with pytest.raises(MetricsError, match="2 columns for"):
            named_columns(names, jnp.zeros((4, 2)))


@pytest.mark.parametrize(
    "names, primary",
    [
        (["error", "squared_error"], "squared_error"),
        (["td_error", "squared_td_error"], "squared_td_error"),
        (["squared_td_error", "squared_error"], "squared_error"),
        (["loss", "accuracy"], "loss"),
    ],
)
def test_a_squared_error_is_scored_by_default(names, primary):
    assert primary_metric(names) == primary
