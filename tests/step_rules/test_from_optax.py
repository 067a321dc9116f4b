"""`FromOptax`, with Optax and without."""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.step_rules import cases
from tests.trees import assert_leaves_close

LIFE = cases.life(seed=2)


@pytest.mark.parametrize("learning_rate", [0.01, 1])
def test_optax_s_descent_is_lms(learning_rate):
    rules = (
        af.FromOptax("sgd", learning_rate=learning_rate),
        af.PerTensor(af.LMS(learning_rate)),
    )
    one, other = (cases.lived(rule, LIFE.rows())[1] for rule in rules)
    assert_leaves_close(one[:2], other[:2], relative=1e-6)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optax", None)
    with pytest.raises(ImportError, match=r'pip install "alberta_framework\[optax\]"'):
        af.FromOptax("adam", learning_rate=0.1)


def test_names_and_arguments_that_optax_does_not_have():
    with pytest.raises(ValueError, match="optax has no transformation 'adem'"):
        af.FromOptax("adem", learning_rate=0.1)
    with pytest.raises(TypeError, match="step_size"):
        af.FromOptax("adam", step_size=0.1)
    with pytest.raises(ValueError, match="one of `numbers` for each of the 2 `names`"):
        af.FromOptax("adam", names=("learning_rate", "b1"), numbers=(0.1,))
    with pytest.raises(TypeError, match="`transformation` must be an optax"):
        af.FromOptax(3)


def test_a_ready_transformation():
    import optax

    chain = optax.chain(optax.clip_by_global_norm(1e-3), optax.sgd(1.0))
    _, (changes, _, _) = cases.lived(af.FromOptax(chain), LIFE.rows())
    squares = sum(
        np.sum(np.square(np.float64(leaf)), axis=tuple(range(1, leaf.ndim)))
        for leaf in jax.tree.leaves(changes)
    )
    assert np.max(np.sqrt(squares)) < 1.0001e-3 and np.median(np.sqrt(squares)) > 0.999e-3


def test_learning_rates_as_a_sweep_has_them():
    rates = jnp.float32([0.1, 0.01])

    @eqx.filter_vmap
    def changes(rate):
        rule = af.FromOptax("sgd", learning_rate=rate)
        return cases.life_of(rule, LIFE.rows())[1][0]["bias"]

    both = changes(rates)
    np.testing.assert_allclose(both[0], 10 * both[1], rtol=1e-5)
