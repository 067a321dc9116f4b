"""Step rules in float32 against their equations in float64."""

import jax
import numpy as np
import pytest

from tests.step_rules import cases

LIFE = cases.life()


@pytest.mark.parametrize("case", cases.CASES, ids=str)
def test_it_is_the_published_rule(case):
    _, (changes, traces, info) = cases.lived(case.build(), LIFE.rows())
    expected = cases.replayed(case.oracle(), LIFE)
    for k, change in enumerate(jax.tree.leaves(changes)):
        np.testing.assert_allclose(
            change, np.array([step[k] for step, _, _ in expected]), rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(
            traces[k], np.array([trace[k] for _, trace, _ in expected]), rtol=1e-5, atol=1e-5
        )
    told = {"trace_l1": info.trace_l1, "alpha": info.step_size, "curvature": info.curvature}
    for name, ours in told.items():
        theirs = np.array([row[name] for _, _, row in expected], np.float64)
        if name == "alpha" and np.isnan(ours).all():
            continue  # an optimizer's step has no one step size
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4, err_msg=name)
