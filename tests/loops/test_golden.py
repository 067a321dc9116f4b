"""Parity of the learning loop with the reference implementation (alberta-framework 0.16.0)."""

import jax.random as jr
import pytest

import alberta_framework as af
from tests import golden_files
from tests.learners.test_golden import assert_final_state_matches, build

# 150 to 500 steps over generated data.
TOLERANCE = {"relative": 1e-3, "absolute": 1e-4}
CASES = [
    case
    for case in golden_files.cases("learners", "loop")
    if case.about["learner"]["type"] == "LinearLearner"
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_run_learning_loop(case):
    about = case.about
    interval = about["interval"]
    tracking = (
        {
            "step_size_tracking": af.StepSizeTrackingConfig(interval),
            "normalizer_tracking": af.NormalizerTrackingConfig(interval),
        }
        if interval
        else {}
    )
    state, metrics, *histories = af.run_learning_loop(
        build(case),
        af.from_config(about["stream"]),
        about["num_steps"],
        jr.key(about["seed"]),
        **tracking,
    )
    golden_files.assert_close(metrics, case["metrics"], name="metrics", **TOLERANCE)
    assert_final_state_matches(case, state, **TOLERANCE)
    names = ("step_size_history", "normalizer_history")
    assert len(histories) == (2 if interval else 0)
    for name, history in zip(names, histories, strict=False):
        for field, golden in case.starting(f"{name}.").items():
            ours = getattr(history, field)
            golden_files.assert_close(ours, golden, name=f"{name}.{field}", **TOLERANCE)
