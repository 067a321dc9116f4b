"""The oracles themselves reproduce the golden numbers: whoever disagrees with them is wrong."""

import numpy as np
import pytest

from tests import golden_files
from tests.oracles import (
    auto_td_idbd,
    autostep,
    bounders,
    idbd,
    linear,
    lms,
    normalizers,
    obgd,
    td_idbd,
    td_linear,
)

LINEAR = {"LMS": lms.LMS, "IDBD": idbd.IDBD, "Autostep": autostep.Autostep, "ObGD": obgd.ObGD}
PARAM = {"LMS": lms.LMSParam, "IDBD": idbd.IDBDParam, "Autostep": autostep.AutostepParam}
TD = {"TDIDBD": td_idbd.TDIDBD, "AutoTDIDBD": auto_td_idbd.AutoTDIDBD}
NORMALIZERS = {
    "EMANormalizer": normalizers.EMANormalizer,
    "WelfordNormalizer": normalizers.WelfordNormalizer,
}
# What the reference implementation predicts with.
AS_THERE = {"predict_with": "current"}


def ids(case):
    return case.name


def check(case, recorded, factor=0.5):
    """A float64 evaluation needs less than half of the tolerance."""
    now = golden_files.steps_within_bounds(case)
    for field, values in recorded.items():
        ours, golden = np.array(values)[now], case[field][now]
        golden_files.assert_every_step_close(ours, golden, name=field, factor=factor)


def record(recorded, oracle, case):
    for field in oracle.fields:
        if f"state.{field}" in case.fields:
            recorded.setdefault(f"state.{field}", []).append(np.array(getattr(oracle, field)))


def record_update(recorded, update, oracle, case):
    weight_delta, bias_delta, metrics = update
    recorded.setdefault("weight_delta", []).append(weight_delta)
    recorded.setdefault("bias_delta", []).append(bias_delta)
    for name in case.starting("metrics."):
        recorded.setdefault(f"metrics.{name}", []).append(metrics[name])
    record(recorded, oracle, case)


@pytest.mark.parametrize("case", golden_files.cases("optimizers", "optimizer.update"), ids=ids)
def test_optimizers(case):
    oracle = LINEAR[case.about["cls"]](case.about["dim"], **case.about["ctor"])
    recorded = {}
    for error, x in zip(case["errors"], case["observations"], strict=True):
        record_update(recorded, oracle.update(error, x), oracle, case)
    check(case, recorded)


@pytest.mark.parametrize(
    "case", golden_files.cases("optimizers", "optimizer.update_from_gradient"), ids=ids
)
def test_optimizers_of_networks(case):
    about = case.about
    oracle = PARAM[about["cls"]](tuple(about["shape"]), **about["ctor"], **about["compat"])
    recorded = {"step": []}
    errors = case["errors"] if about["with_error"] else [None] * about["T"]
    for error, z in zip(errors, case["gradients"], strict=True):
        recorded["step"].append(oracle.update_from_gradient(z, error))
        record(recorded, oracle, case)
    check(case, recorded)


@pytest.mark.parametrize("case", golden_files.cases("optimizers", "td_optimizer.update"), ids=ids)
def test_td_optimizers(case):
    about = case.about
    oracle = TD[about["cls"]](about["dim"], **about["ctor"], **about["compat"])
    recorded = {}
    inputs = (case["td_errors"], case["observations"], case["next_observations"], case["gammas"])
    for now in zip(*inputs, strict=True):
        record_update(recorded, oracle.update(*now), oracle, case)
    check(case, recorded)


@pytest.mark.parametrize("case", golden_files.cases("optimizers", "bounder.bound"), ids=ids)
def test_bounders(case):
    about = case.about
    bound = {"ObGDBounding": bounders.obgd_bound, "AGCBounding": bounders.agc_bound}[about["cls"]]
    recorded = {"metric": []}
    tensors = range(len(about["shapes"]))
    for t, error in enumerate(case["errors"]):
        steps = tuple(case[f"steps.{k}"][t] for k in tensors)
        params = tuple(case[f"params.{k}"][t] for k in tensors)
        bounded, metric = bound(steps, error, params, **about["ctor"], **about["compat"])
        recorded["metric"].append(metric)
        for k in tensors:
            recorded.setdefault(f"bounded.{k}", []).append(bounded[k])
    check(case, recorded)


@pytest.mark.parametrize("case", golden_files.cases("optimizers", "normalizer"), ids=ids)
def test_normalizers(case):
    about = case.about
    oracle = NORMALIZERS[about["cls"]](about["dim"], **about["ctor"])
    states, outputs = {}, {"normalized": [], "normalize_only": []}
    for x, probe in zip(case["observations"], case["probes"], strict=True):
        outputs["normalized"].append(oracle.normalize(x))
        outputs["normalize_only"].append(oracle.normalize_only(probe))
        record(states, oracle, case)
    check(case, states)
    # With a mean of 200 standard deviations the rounding of the recorded float32 run shows.
    check(case, outputs, factor=2.0 if case.name.endswith("_offset") else 0.5)


def learner_parts(case):
    entry = case.about["learner"]
    dim = case.about["feature_dim"]

    def build(table, config):
        if config is None:
            return None
        arguments = {key: value for key, value in config.items() if key != "type"}
        return table[config["type"]](dim, **arguments)

    optimizer = build(LINEAR | TD, entry["optimizer"])
    normalizer = entry.get("normalizer")
    return dim, optimizer, build(NORMALIZERS, normalizer and AS_THERE | normalizer)


@pytest.mark.parametrize("case", golden_files.cases("learners", "linear"), ids=ids)
def test_linear_learners(case):
    learner = linear.LinearLearner(*learner_parts(case))
    inputs = case.about["inputs"]
    pairs = zip(case.other(f"{inputs}/observations"), case.other(f"{inputs}/targets"), strict=True)
    predictions, errors, metrics = zip(*(learner.update(x, y) for x, y in pairs), strict=True)
    golden_files.assert_close(predictions, case["predictions"], name="predictions")
    golden_files.assert_close(errors, case["errors"], name="errors")
    golden_files.assert_close(metrics, case["metrics"], name="metrics")
    golden_files.assert_close(learner.weights, case["final.weights"], name="weights")
    probes = [learner.predict(x) for x in case.other(case.about["probe"])]
    golden_files.assert_close(probes, case["probe_predictions"], name="probes")


@pytest.mark.parametrize("case", golden_files.cases("learners", "td_linear"), ids=ids)
def test_td_linear_learners(case):
    dim, optimizer, normalizer = learner_parts(case)
    learner = td_linear.TDLinearLearner(dim, optimizer, normalizer)
    names = ("observations", "rewards", "next_observations")
    columns = [case.other(f"{case.about['inputs']}/{name}") for name in names]
    results = [learner.update(*row, case.about["gamma"]) for row in zip(*columns, strict=True)]
    predictions, td_errors, metrics = zip(*results, strict=True)
    golden_files.assert_close(predictions, case["predictions"], name="predictions")
    golden_files.assert_close(td_errors, case["td_errors"], name="td_errors")
    golden_files.assert_close(metrics, case["metrics"], name="metrics")
    golden_files.assert_close(learner.weights, case["final.weights"], name="weights")
    golden_files.assert_close(learner.bias, case["final.bias"], name="bias")
