"""What a learner says of targets that it does not allow is about those, and about no others."""

import numpy as np
import pytest

import alberta_framework as af

HEADS = 3
LEARNERS = {
    "squared": af.MultiHeadMLPLearner(HEADS, ()),
    "logistic": af.MultiHeadMLPLearner(HEADS, (), loss="logistic"),
    "huber": af.MultiHeadMLPLearner(HEADS, (), loss="huber"),
    "by head": af.MultiHeadMLPLearner(HEADS, (), loss=("huber", "logistic", "squared")),
    "softmax": af.MultiHeadMLPLearner(HEADS, (), loss="softmax"),
    "classes": af.SoftmaxLinearLearner(HEADS),
    "linear": af.LinearLearner(),
    "td": af.TDLinearLearner(),
}
# Some that add up to 1, and none near the rounding that is allowed.
VALUES = [0.0, 1.0, 2.0, 0.5, 0.25, -0.5, 3.0, -1.0, 1e30, np.nan]


@pytest.mark.parametrize("name", LEARNERS)
def test_it_has_words_for_what_is_not_allowed_alone(name):
    learner, rng = LEARNERS[name], np.random.default_rng(0)
    length = HEADS if hasattr(learner, "n_heads") else 1
    allowed = []
    for row in rng.choice(VALUES, (60, length)).astype(np.float32):
        found = learner.disallowed(row)
        allowed.append(bool(learner.allows(row)))
        assert allowed[-1] == (found is None), row
        if found is not None and found.place is not None:
            # That one alone is not allowed either.
            alone = np.where(np.arange(length) == found.place, row, np.float32(np.nan))
            assert not learner.allows(alone), row
            assert found.text.startswith(f"{row[found.place]:g} is ")
    assert any(allowed)
    assert all(allowed) == (name in ("squared", "huber", "linear", "td"))
