"""A state of another structure is refused, and the first difference named."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import CheckpointError, load_checkpoint, save_checkpoint

KEY = jax.random.key(0)


class One(eqx.Module):
    a: jax.Array
    b: jax.Array


class Two(eqx.Module):
    a: jax.Array
    b: jax.Array


class Swapped(eqx.Module):
    b: jax.Array
    a: jax.Array


def message(tmp_path, saved, template):
    path = tmp_path / "agent.ckpt"
    save_checkpoint(saved, path)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(template, path)
    assert isinstance(caught.value, ValueError)
    text = str(caught.value)
    assert text.startswith(f"{path}: structure mismatch")
    return text.removeprefix(f"{path}: ")


def network(hidden_sizes=(64, 64), **arguments):
    learner = af.MultiHeadMLPLearner(5, hidden_sizes, **arguments)
    return eqx.filter_eval_shape(learner.init, 12, KEY)


def zeros(shapes):
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)


def test_message_for_another_shape(tmp_path):
    told = message(tmp_path, zeros(network((64, 64))), network((64, 32)))
    assert told.startswith(
        "structure mismatch at .trunk_params.weights[1]: "
        "expected float32[32, 64] (template), found float32[64, 64] (file)"
    )


def test_message_for_more_in_the_file(tmp_path):
    saved = network((4,), sparsity=0.5, normalizer=af.EMANormalizer())
    told = message(tmp_path, zeros(saved), network((4,), sparsity=0.5))
    # mean, variance, count and two residuals
    assert told == (
        "structure mismatch: file has .normalizer_state.mean, "
        "the template does not (4 more differences)"
    )


def test_message_for_less_in_the_file(tmp_path):
    template = network((4,), sparsity=0.5, normalizer=af.EMANormalizer())
    told = message(tmp_path, zeros(network((4,), sparsity=0.5)), template)
    assert told.startswith("structure mismatch: ")
    assert "template has .normalizer_state.mean" in told
    assert "4 more differences" in told


@pytest.mark.parametrize(
    ("saved", "template", "words"),
    [
        (jnp.zeros(2), jnp.zeros(2, jnp.int32), ("int32[2]", "float32[2]")),
        (jnp.zeros(2), jnp.zeros(2, jnp.bfloat16), ("bfloat16[2]", "float32[2]")),
        (jnp.zeros(2), jnp.zeros(3), ("float32[3]", "float32[2]")),
        (jnp.zeros(2), jnp.zeros((2, 1)), ("float32[2, 1]", "float32[2]")),
        (jnp.zeros(1), jnp.zeros(()), ("float32[]", "float32[1]")),
        (np.zeros(2, np.float32), jnp.zeros(2), ("numpy",)),
        (jnp.zeros(2), np.zeros(2, np.float32), ("numpy",)),
        (1, 1.0, ("int", "float")),
        (True, 1, ("bool", "int")),
        (1.0, jnp.zeros(()), ("float",)),
        (1.0, 1j, ("float", "complex")),
        (KEY, jax.random.key_data(KEY), ("threefry2x32", "uint32[2]")),
        (jax.random.key_data(KEY), KEY, ("threefry2x32", "uint32[2]")),
        (KEY, jax.random.key(0, impl="rbg"), ("threefry2x32", "rbg")),
        (KEY, jax.random.split(KEY, 2), ("threefry2x32",)),
        (jnp.zeros(2), jax.ShapeDtypeStruct((3,), jnp.float32), ("float32[3]", "float32[2]")),
        (KEY, jax.eval_shape(lambda: jax.random.split(KEY, 2)), ("threefry2x32",)),
    ],
    ids=lambda part: ascii(part)[:40],
)
def test_another_leaf_is_named(tmp_path, saved, template, words):
    told = message(tmp_path, {"x": {"y": saved}}, {"x": {"y": template}})
    assert "at ['x']['y']: " in told
    assert all(word in told for word in words)


def test_the_first_difference_is_named_and_the_others_counted(tmp_path):
    saved = [jnp.zeros(1), jnp.zeros(2), jnp.zeros(3), jnp.zeros(4)]
    template = [jnp.zeros(1), jnp.zeros(7), jnp.zeros(3), jnp.zeros(8)]
    told = message(tmp_path, saved, template)
    assert "at [1]: expected float32[7] (template), found float32[2] (file)" in told


@pytest.mark.parametrize(
    ("saved", "template", "name"),
    [
        ({"a": 1.0, "b": 2.0}, {"a": 1.0, "c": 2.0}, "'b'"),
        ({"a": 1.0}, {"b": 1.0}, "'a'"),
        ((1.0, 2.0), (1.0,), "[1]"),
        ((), (1.0,), "[0]"),
        ({"a": None}, {"a": 1.0}, "['a']"),
        ({"a": 1.0}, {"a": None}, "['a']"),
        ([1.0, [2.0]], [1.0, 2.0], "[1]"),
    ],
    ids=ascii,
)
def test_another_tree_is_refused(tmp_path, saved, template, name):
    assert name in message(tmp_path, saved, template)


def test_leaves_in_another_order_are_refused(tmp_path):
    told = message(tmp_path, One(jnp.zeros(2), jnp.ones(2)), Swapped(jnp.zeros(2), jnp.ones(2)))
    assert ".a" in told


@pytest.mark.parametrize("where", ["root", "inside"])
def test_a_class_of_another_name_is_refused(tmp_path, where):
    one, two = One(jnp.zeros(2), jnp.ones(2)), Two(jnp.zeros(2), jnp.ones(2))
    pair = (one, two) if where == "root" else ({"part": [one]}, {"part": [two]})
    told = message(tmp_path, *pair)
    assert "One" in told
    assert "Two" in told


def test_the_state_of_another_learner_is_refused(tmp_path):
    linear = af.LinearLearner(af.LMS()).init(3)
    message(tmp_path, linear, af.LinearLearner(af.IDBD()).init(3))
    message(tmp_path, linear, af.TDLinearLearner().init(3))
    message(tmp_path, linear, af.LinearLearner(af.LMS()).init(4))


def test_weak_types_are_not_compared(tmp_path):
    save_checkpoint({"x": jnp.asarray(1.0)}, tmp_path / "x.ckpt")
    template = {"x": jnp.zeros((), jnp.float32)}
    assert load_checkpoint(template, tmp_path / "x.ckpt")[0]["x"] == 1.0
    save_checkpoint(template, tmp_path / "x.ckpt")
    assert load_checkpoint({"x": jnp.asarray(1.0)}, tmp_path / "x.ckpt")[0]["x"] == 0.0


def test_the_template_is_left_alone(tmp_path):
    template = {"x": np.zeros(3)}
    save_checkpoint({"x": np.ones(3)}, tmp_path / "x.ckpt")
    loaded, _ = load_checkpoint(template, tmp_path / "x.ckpt")
    np.testing.assert_array_equal(loaded["x"], np.ones(3))
    np.testing.assert_array_equal(template["x"], np.zeros(3))
