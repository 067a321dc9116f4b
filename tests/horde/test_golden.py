"""Parity of hordes with the reference implementation (alberta-framework 0.16.0)."""

import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests import golden_files
from tests.horde import runs
from tests.learners.test_golden import ids
from tests.learners.test_golden_networks import assert_final_state_matches, follow
from tests.trees import assert_same_numbers

CASES = [*golden_files.cases("learners", "horde"), *golden_files.cases("learners", "horde_ext")]


def columns(case):
    names = ("observations", "cumulants", "next_observations")
    given = dict(zip(("observation", "cumulants", "next_observation"), names, strict=True))
    given |= {name: name for name in ("terminated", "gammas") if name in case.fields}
    if "signals" in case.about:
        given["signals"] = case.about["signals"]
    return {argument: case[name] for argument, name in given.items()}


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_horde(case):
    learner = af.from_config(case.about["learner"])
    begun = learner.init(case.about["feature_dim"], jr.key(case.about["seed"]))
    for path, golden in case.starting("init.").items():
        assert_same_numbers(follow(begun, path), golden, err_msg=path)
    state, results = runs.run(learner, begun, **columns(case))
    compared = ["predictions", "td_errors", "td_targets", "per_demon_metrics"]
    if case.about["kind"] == "horde":
        compared.append("trunk_bounding_metric")
    for name in compared:
        golden_files.assert_close(getattr(results, name), case[name], name=name)
    if case.about["kind"] == "horde":
        assert_final_state_matches(case, state)
    else:
        for path, golden in case.starting("final.").items():
            golden_files.assert_close(follow(state, path), golden, name=path)
    assert not np.any(results.rejected)
    assert (state.step_count, state.rejected_count) == (len(case["observations"]), 0)


def test_golden_cases_hold_ends_and_inactive_demons():
    """Otherwise some of the rules above would go unseen."""
    assert any(np.isnan(case["cumulants"]).any() for case in CASES[:3])
    assert all(case["terminated"].any() for case in CASES[3:])
    assert len(CASES) == 5
