"""Arrays of the wrong shape are refused by name, with what was expected and what came."""

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af

GOOD, LONG = np.zeros(5, np.float32), np.zeros(7, np.float32)
LINEAR, TD = af.LinearLearner(), af.TDLinearLearner()
LINEAR_STATE, TD_STATE = LINEAR.init(5), TD.init(5)


def assert_refused(call, name, *told):
    with pytest.raises(TypeError) as caught:
        call()
    message = str(caught.value)
    for word in (name, *told):
        assert word in message, message


CALLS = {
    "linear update": lambda x: LINEAR.update(LINEAR_STATE, x, 1.0),
    "linear predict": lambda x: LINEAR.predict(LINEAR_STATE, x),
    "td update": lambda x: TD.update(TD_STATE, x, 1.0, GOOD, 0.9),
    "td predict": lambda x: TD.predict(TD_STATE, x),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_wrong_observation(call):
    assert_refused(lambda: call(LONG), "observation", "5", "7")
    assert_refused(lambda: call(LONG[None]), "observation", "5", "1, 7")
    assert_refused(lambda: call(jnp.float32(1.0)), "observation", "5")


def test_a_wrong_next_observation():
    assert_refused(lambda: TD.update(TD_STATE, GOOD, 1.0, LONG, 0.9), "next_observation", "5", "7")


VECTOR = np.zeros(2, np.float32)


def test_more_than_one_target():
    assert_refused(lambda: LINEAR.update(LINEAR_STATE, GOOD, VECTOR), "target", "2")
    assert_refused(lambda: LINEAR.update(LINEAR_STATE, GOOD, np.ones((1, 1))), "target", "1, 1")


def test_more_than_one_reward_or_discount():
    assert_refused(lambda: TD.update(TD_STATE, GOOD, VECTOR, GOOD, 0.9), "reward", "2")
    assert_refused(lambda: TD.update(TD_STATE, GOOD, 1.0, GOOD, VECTOR), "gamma", "2")


@pytest.mark.parametrize("bad", ["1.0", None, 1 + 2j], ids=repr)
def test_what_is_no_number(bad):
    with pytest.raises(TypeError):
        LINEAR.update(LINEAR_STATE, GOOD, bad)


@pytest.mark.parametrize("learner", [LINEAR, TD], ids=["linear", "td"])
@pytest.mark.parametrize("bad", [0, -1, 2.0, True, "3"], ids=repr)
def test_a_wrong_feature_dim(learner, bad):
    with pytest.raises((TypeError, ValueError), match="feature_dim") as caught:
        learner.init(bad)
    assert str(bad) in str(caught.value)
