"""A file of every format that was released still loads, to the numbers that it was written with."""

import pathlib

import jax
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import (
    checkpoint_exists,
    load_agent,
    load_checkpoint_metadata,
    verify_checkpoint,
)

FILES = pathlib.Path(__file__).parent / "files"
AGENT = af.SARSAAgent(
    af.SARSAConfig(2, 0.9, 0.25, 0.05, 50),
    (),
    af.Autostep(0.05, 0.02, 100.0),
    bounder=af.ObGDBounding(3.0),
    normalizer=af.EMANormalizer(decay=0.95),
    lamda=0.5,
    sparsity=1.0,
)
METADATA = {"name": "first", "scores": [0.5, -1.25, None], "nested": {"\u00e9": True}}
HEADS = ".learner_state.head_optimizer_states"
NUMBERS = {
    ".learner_state.head_params.weights": [[[1.0, 1.125, 1.25]], [[1.375, 1.5, 1.625]]],
    ".learner_state.head_params.biases": [[2.0], [2.125]],
    f"{HEADS}.w.step_sizes": [[[3.0, 3.125, 3.25]], [[3.375, 3.5, 3.625]]],
    f"{HEADS}.w.traces": [[[4.0, 4.125, 4.25]], [[4.375, 4.5, 4.625]]],
    f"{HEADS}.w.normalizers": [[[5.0, 5.125, 5.25]], [[5.375, 5.5, 5.625]]],
    f"{HEADS}.b.step_sizes": [[6.0], [6.125]],
    f"{HEADS}.b.traces": [[7.0], [7.125]],
    f"{HEADS}.b.normalizers": [[8.0], [8.125]],
    ".learner_state.head_traces.w": [[[9.0, 9.125, 9.25]], [[9.375, 9.5, 9.625]]],
    ".learner_state.head_traces.b": [[10.0], [10.125]],
    ".learner_state.previous_discounts": [11.0, 11.125],
    ".learner_state.normalizer_state.mean": [12.0, 12.125, 12.25],
    ".learner_state.normalizer_state.var": [13.0, 13.125, 13.25],
    ".learner_state.normalizer_state.sample_count": 140,
    ".learner_state.normalizer_state.mean_residual": [15.0, 15.125, 15.25],
    ".learner_state.normalizer_state.var_residual": [16.0, 16.125, 16.25],
    ".last_action": 1,
    ".last_observation": [19.0, 19.125, 19.25],
    ".epsilon": 20.0,
}
KEY_WORDS = [1832780943, 270669613]


@pytest.fixture(scope="module", params=["format-1.ckpt"])
def path(request):
    return FILES / request.param


def test_the_file_is_sound(path):
    assert checkpoint_exists(path)
    verify_checkpoint(path)
    assert load_checkpoint_metadata(path) == METADATA


def test_the_file_loads_to_the_numbers_it_was_written_with(path):
    agent, state, metadata = load_agent(path)
    assert metadata == METADATA
    assert agent.to_config() == AGENT.to_config()
    found = {jax.tree_util.keystr(where): leaf for where, leaf in jax.tree.leaves_with_path(state)}
    for where, numbers in NUMBERS.items():
        np.testing.assert_array_equal(found[where], numbers, err_msg=where)
    np.testing.assert_array_equal(jax.random.key_data(state.rng_key), KEY_WORDS)
    assert (state.step_count, state.rejected_count) == (2**33 + 5, 3)
    # Its life had no row for them.
    assert state.rejected_in_a_row == 0
    assert (state.birth_timestamp, state.uptime_s) == (1.6e9 + 0.5, 1234.5)
