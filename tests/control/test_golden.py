"""Parity of SARSA agents with the reference implementation (alberta-framework 0.16.0)."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests import golden_files
from tests.horde import runs
from tests.learners.test_golden import ids
from tests.learners.test_golden_networks import follow
from tests.trees import assert_same_numbers

CASES = golden_files.cases("learners", "sarsa")
COLUMNS = {
    "reward": "rewards",
    "observation": "next_observations",
    "terminated": "terminated",
    "next_action": "next_actions",
    "prediction_cumulants": "prediction_cumulants",
}


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_updates(case):
    agent = af.from_config(case.about["learner"])
    begun = agent.init(case.about["feature_dim"], jr.key(case.about["seed"]))
    for path, golden in case.starting("init.").items():
        found = (
            jr.key_data(begun.rng_key)
            if path == "rng_key_data"
            else follow(begun.learner_state, path)
        )
        assert_same_numbers(found, golden, err_msg=path)
    start = begun.replace(
        last_action=jnp.int32(case["actions"][0]),
        last_observation=jnp.asarray(case["observations"][0]),
    )
    columns = {argument: case[name] for argument, name in COLUMNS.items() if name in case.fields}
    state, results = runs.run(agent, start, **columns)
    golden_files.assert_close(results.q_values, case["q_values"], name="q_values")
    golden_files.assert_close(results.td_error, case["td_errors"], name="td_errors")
    if "epsilons" in case.fields:
        golden_files.assert_close(results.state.epsilon, case["epsilons"], name="epsilons")
    np.testing.assert_array_equal(results.action, case["next_actions"])
    np.testing.assert_array_equal(results.reward, case["rewards"])
    assert np.all(results.learned) and not np.any(results.rejected)
    for path, golden in case.starting("final.").items():
        ours = follow(state, path)
        if path.endswith("step_count"):
            assert ours == golden
        else:
            golden_files.assert_close(ours, golden, name=path)
    np.testing.assert_array_equal(jr.key_data(state.rng_key), jr.key_data(start.rng_key))


def test_selection():
    """Actions and keys of 64 calls one after the other, exactly."""
    (case,) = golden_files.cases("learners", "sarsa_select")
    agent = af.from_config(case.about["learner"])
    state = agent.init(case.about["feature_dim"], jr.key(case.about["seed"]))

    def select(key, observation):
        action, key = agent.select_action(state.replace(rng_key=key), observation)
        return key, (action, jr.key_data(key))

    _, (actions, keys) = jax.lax.scan(select, state.rng_key, jnp.asarray(case["observations"]))
    np.testing.assert_array_equal(actions, case["actions"])
    np.testing.assert_array_equal(keys, case["rng_key_data"])
    assert actions.dtype == jnp.int32 and len(set(np.asarray(actions).tolist())) == 3
