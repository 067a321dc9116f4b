"""The oracles of the networks reproduce the golden numbers and their own finite differences."""

import numpy as np
import pytest

from tests import golden_files
from tests.oracles import autostep, bounders, idbd, lms, mlp, multi_head, normalizers

PARAM = {"LMS": lms.LMSParam, "IDBD": idbd.IDBDParam, "Autostep": autostep.AutostepParam}
BOUNDS = {"ObGDBounding": bounders.obgd_bound, "AGCBounding": bounders.agc_bound}
NORMALIZERS = {
    "EMANormalizer": normalizers.EMANormalizer,
    "WelfordNormalizer": normalizers.WelfordNormalizer,
}
# A float64 evaluation needs less than half of the tolerance.
TOLERANCE = {"relative": 0.5e-4, "absolute": 1e-5}


def ids(case):
    return case.name


def part(config, table, *leading):
    """The oracle of one entry of a configuration, every option at the reference's value."""
    if config is None:
        return None
    arguments = {key: value for key, value in config.items() if key != "type"}
    for key, value in golden_files.manifest("learners")["compat"].items():
        kind, option = key.split(".")
        if kind == config["type"]:
            arguments[option] = value
    make = table[config["type"]]
    return lambda *given: make(*given, **arguments)


def parts(case):
    entry = case.about["learner"]
    as_there = {"predict_with": "current"}
    normalizer = part(entry["normalizer"] and as_there | entry["normalizer"], NORMALIZERS)
    return {
        "optimizer": part(entry["optimizer"], PARAM),
        "head_optimizer": part(entry["head_optimizer"], PARAM),
        "normalizer": normalizer and normalizer(case.about["feature_dim"]),
        "bound": part(entry["bounder"], BOUNDS),
        "slope": entry["leaky_relu_slope"],
        "layer_norm": entry["use_layer_norm"],
    }


def assert_close(ours, golden, name):
    golden_files.assert_close(ours, golden, name=name, **TOLERANCE)


def layers(start, arrays):
    found = [key for key in arrays if key.startswith(start)]
    return [arrays[f"{start}{i}"] for i in range(len(found))]


@pytest.mark.parametrize("case", golden_files.cases("learners", "mlp"), ids=ids)
def test_mlp_learners(case):
    about, count = case.about, len(case.about["learner"]["hidden_sizes"]) + 1
    init, inputs = about["init"], about["inputs"]
    weights = [case.other(f"{init}/params.weights.{i}") for i in range(count)]
    biases = [case.other(f"{init}/params.biases.{i}") for i in range(count)]
    gamma, lamda = about["learner"]["gamma"], about["learner"]["lamda"]
    learner = mlp.MLPLearner(weights, biases, **parts(case), gamma=gamma, lamda=lamda)
    pairs = zip(case.other(f"{inputs}/observations"), case.other(f"{inputs}/targets"), strict=True)
    predictions, errors, metrics = zip(*(learner.update(x, y) for x, y in pairs), strict=True)
    assert_close(predictions, case["predictions"], "predictions")
    assert_close(errors, case["errors"], "errors")
    assert_close(metrics, case["metrics"], "metrics")
    for i, (tensor, trace) in enumerate(zip(learner.tensors(), learner.traces, strict=True)):
        name = f"params.{('weights', 'biases')[i % 2]}.{i // 2}"
        assert_close(tensor, case[f"final.{name}"], name)
        assert_close(trace, case[f"final.traces.{i}"], f"traces.{i}")
    probes = [learner.predict(x) for x in case.other(about["probe"])]
    assert_close(probes, case["probe_predictions"], "probes")


@pytest.mark.parametrize("case", golden_files.cases("learners", "multi_head"), ids=ids)
def test_multi_head_learners(case):
    entry, init = case.about["learner"], case.starting("init.")
    heads = entry["n_heads"]
    decays = entry["per_head_gamma_lamda"] or [entry["gamma"] * entry["lamda"]] * heads
    learner = multi_head.MultiHeadMLPLearner(
        *(layers(f"{part}_params.{kind}.", init) for part in ("trunk", "head") for kind in KINDS),
        **parts(case),
        decays=decays,
    )
    rows = [learner.update(*now) for now in zip(case["observations"], case["targets"], strict=True)]
    names = ("predictions", "errors", "per_head_metrics", "trunk_bounding_metric")
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        assert_close(column, case[name], name)
    for i, head in enumerate(learner.heads):
        assert_close(head.weights, case[f"final.head_params.weights.{i}"], f"weights.{i}")
        assert_close(head.traces[0], case[f"final.head_traces.{i}.0"], f"traces.{i}")
    for i, weights in enumerate(learner.trunk.weights):
        assert_close(weights, case[f"final.trunk_params.weights.{i}"], f"trunk.{i}")
    assert_close(learner.predict(case["probe"]), case["probe_predictions"], "probe")
    assert_close(learner.sensitivity(case["probe"]), case["probe_sensitivity"], "sensitivity")


KINDS = ("weights", "biases")


@pytest.mark.parametrize("layer_norm", [True, False])
def test_the_backward_pass_is_the_derivative(layer_norm):
    """Against central differences, by every weight, every bias and every input."""
    rng = np.random.default_rng(0)
    weights, biases = [rng.normal(size=s) for s in ((6, 4), (5, 6))], [np.zeros(6), np.ones(5)]
    trunk = mlp.Trunk(weights, biases, slope=0.2, layer_norm=layer_norm)
    x, pull, small = rng.normal(size=4), rng.normal(size=5), 1e-6
    gradients, by_input = trunk.backward(trunk.forward(x)[1], pull)

    def difference(array, index):
        kept, values = array[index], []
        for sign in (1, -1):
            array[index] = kept + sign * small
            values.append(pull @ trunk.forward(x)[0])
        array[index] = kept
        return (values[0] - values[1]) / (2 * small)

    for array, gradient in zip([*trunk.tensors(), x], [*gradients, by_input], strict=True):
        expected = [difference(array, index) for index in np.ndindex(array.shape)]
        np.testing.assert_allclose(gradient.ravel(), expected, rtol=1e-5, atol=1e-7)
