"""Parity with the reference implementation (alberta-framework 0.16.0), step by step."""

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests import golden_files
from tests.normalizers import runs


@pytest.mark.parametrize(
    "case", golden_files.cases("optimizers", "normalizer"), ids=lambda case: case.name
)
def test_normalize(case):
    about = case.about
    normalizer = getattr(af, about["cls"])(**about["ctor"], **about["compat"])
    inputs = map(jnp.asarray, (case["observations"], case["probes"]))
    normalized, probed, states = runs.run(normalizer, *inputs)

    # The reference's own rounding fills the tolerance where the mean is 200 standard deviations.
    factor = 5.0 if case.name.endswith("_offset") else 1.0
    check = golden_files.assert_every_step_close
    check(normalized, case["normalized"], name="normalized", factor=factor)
    check(probed, case["normalize_only"], name="normalize_only", factor=factor)
    state = normalizer.init(about["dim"])
    first = normalizer.normalize_only(state, jnp.asarray(case["probes"][0]))
    np.testing.assert_allclose(first, case["init_normalize_only"], rtol=1e-4)

    # `decay` is a copy of the hyperparameter; the derived `p` needs a state without a time axis.
    for field, golden in case.starting("state.").items():
        if field not in ("decay", "p"):
            check(getattr(states, field), golden, name=field)
            initial = case[f"init_state.{field}"]
            np.testing.assert_allclose(getattr(state, field), initial, err_msg=field)
    if about["cls"] == "WelfordNormalizer":
        steps = [s.p for s in map(lambda t: at(states, t), range(about["T"]))]
        check(np.array(steps), case["state.p"], name="p")


def at(states, t):
    return type(states)(**{f: getattr(states, f)[t] for f in states.__dataclass_fields__})
