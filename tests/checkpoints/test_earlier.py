"""Agents saved before the learners shared one contract load, and go on as they would have.

The files in `earlier/` hold each learner after 30 steps, one of them rejected; `expected.npz` what
the next 30 gave then (Python 3.13, jax 0.12.0.1, on a processor).
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from alberta_framework.checkpoints import load_agent, save_agent
from tests.streams.cases import key_data
from tests.trees import assert_same_bits

HERE = Path(__file__).parent / "earlier"
BEGUN, STEPS = 30, 60
with np.load(HERE / "experience.npz") as found:
    EXPERIENCE = dict(found)
with np.load(HERE / "expected.npz") as found:
    EXPECTED = dict(found)


def step(kind, learner, state, i):
    """The update of row i, and what it told."""
    row = {name: values[i] for name, values in EXPERIENCE.items()}
    x, targets, ends = row["observation"], row["targets"], row["terminated"]
    if kind in ("linear", "idbd"):
        result = learner.update(state, x, targets[:1])
    elif kind == "mlp":
        result = learner.update(state, x, targets[0])
    elif kind == "td":
        gamma = 0.0 if ends else 0.9
        result = learner.update(state, x, row["reward"], row["next_observation"], gamma)
    elif kind == "heads":
        result = learner.update(state, x, targets)
    elif kind == "horde":
        following, ended = row["next_observation"], np.float32(ends)
        result = learner.update(state, x, targets, following, terminated=ended)
    else:
        following = int(EXPERIENCE["action"][i + 1])
        result = learner.update(state, row["reward"], x, bool(ends), following)
        return result.state, result.q_values
    name = "predictions" if kind in ("heads", "horde") else "prediction"
    return result.state, getattr(result, name)


@pytest.mark.parametrize("kind", EXPECTED)
def test_it_goes_on(kind, tmp_path):
    path = shutil.copy(HERE / f"{kind}.ckpt", tmp_path / "agent")
    learner, state, metadata = load_agent(path)
    assert metadata["kind"] == kind
    rejected = 0 if kind == "sarsa" else 1
    assert (state.step_count, state.rejected_count) == (BEGUN, rejected)
    save_agent(learner, state, tmp_path / "again")
    assert_same_bits(key_data(load_agent(tmp_path / "again")[1]), key_data(state))
    told = []
    for i in range(BEGUN, STEPS):
        state, found = step(kind, learner, state, i)
        told.append(np.ravel(found))
    # Of another version of XLA or on another machine sums of products round differently.
    np.testing.assert_allclose(told, EXPECTED[kind], rtol=1e-4, atol=1e-6)
    assert state.step_count == STEPS
