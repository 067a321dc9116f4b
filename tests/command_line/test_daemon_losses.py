"""The loss of each head, from the configuration of `alberta daemon`."""

import pytest

CONFIG = """
feature_names = ["x", "y"]
head_names = ["alarm", "wait"]

[learner]
type = "MultiHeadMLPLearner"
n_heads = 2
hidden_sizes = [2]
sparsity = 0.0
loss = {loss}
optimizer = {{ type = "LMS", step_size = 0.5 }}
bounder = {{ type = "ObGDBounding" }}
"""
BAD = {
    '["logistic", "squared"]': ({"alarm": 2.0, "wait": 70.0}, "targets.alarm: 2 is no probability"),
    '"softmax"': ({"alarm": 1, "wait": 1}, "targets: 2 is more than probabilities add up to"),
}


@pytest.mark.parametrize("loss", BAD)
def test_a_label_out_of_range_is_rejected_with_a_reason(loss, serve, tmp_path):
    config = tmp_path / "daemon.toml"
    config.write_text(CONFIG.format(loss=loss))
    served, (targets, reason) = serve(config=config), BAD[loss]
    for target in (1, 0, 1):
        event = {"observation": [1, -1], "targets": {"alarm": target, "wait": 1 - target}}
        found = served.ask(event)
        assert not found["rejected"] and 0.0 < found["predictions"]["alarm"] < 1.0
    found = served.ask({"id": 7, "observation": [1, -1], "targets": targets})
    assert (found["rejected"], found["reason"], found["step"]) == (True, reason, 4)
    if "softmax" in loss:
        assert sum(served.ask({"observation": [1, 0]})["predictions"].values()) == pytest.approx(1)
    assert served.end()[0] == 0
