"""Trajectories of the reference implementation (alberta-framework 0.16.0)."""

import gymnasium
import numpy as np
import pytest

from alberta_framework.environments import GymnasiumStream, TDStream, collect_trajectory
from tests.golden_files import GoldenCase, manifest

POLICIES = {
    "cartpole_policy": lambda x: int(x[2] + 0.5 * x[3] > 0),
    "bad_cartpole_policy": lambda x: int(x[2] < 0.02),
    "pendulum_policy": lambda x: np.array([-1.5 * x[1]], np.float32),
    "lake_policy": lambda x: int((int(x[0]) * 7 + 3) % 4),
}


def cases(kind):
    entries = manifest("streams")["cases"].items()
    found = [(name, about) for name, about in entries if about["kind"] == kind]
    return [
        pytest.param(GoldenCase("streams", about | {"case": name}), id=name)
        for name, about in found
    ]


def environment(about):
    return gymnasium.make(about["env_id"], **about["env_kwargs"])


def value(features):
    return 0.1 + sum((i + 1) / 10 * float(z) for i, z in enumerate(features))


@pytest.mark.parametrize("case", cases("collect_trajectory"))
@pytest.mark.parametrize("spelling", [str.upper, str.lower])
def test_collected_trajectories_are_the_reference_s(case, spelling):
    from alberta_framework.environments import PredictionMode

    about = case.about
    mode = PredictionMode[about["mode"]] if spelling is str.upper else about["mode"].lower()
    observations, targets = collect_trajectory(
        environment(about),
        POLICIES[about["policy"]],
        about["num_steps"],
        mode,
        about["include_action_in_features"],
        about["seed"],
    )
    np.testing.assert_array_equal(observations, case["observation"])
    np.testing.assert_array_equal(targets, case["target"])


@pytest.mark.parametrize("case", cases("online_gymnasium"))
def test_streams_are_the_reference_s(case):
    about = case.about
    actions = about["include_action_in_features"]
    options = {
        "policy": POLICIES[about["policy"]],
        "gamma": about["gamma"],
        "include_action_in_features": actions,
        "seed": about["seed"],
    }
    if about["class"] == "TDStream":
        stream = TDStream(environment(about), **options)
        stream.update_value_function(value)
    else:
        stream = GymnasiumStream(environment(about), "value", **options)
        stream.set_value_estimator(value)
    for t in range(about["num_steps"]):
        step = next(stream)
        np.testing.assert_array_equal(step.observation, case["observation"][t])
        assert stream.episode_count == case["episode_count"][t]
        # With actions the reference hands its estimator the next observation without one.
        if not actions:
            np.testing.assert_allclose(step.target, case["target"][t], rtol=1e-6)
