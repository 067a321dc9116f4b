"""The form that a program takes changes no number by more than rounding, and can be turned off."""

import json
import os
import subprocess
import sys

import jax
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.compilation import execution_plan as plans
from alberta_framework.compilation import probe
from alberta_framework.compilation.one_kernel import compare_forms

STEPS, DIM = 60, 5
KEY = jr.key(0)
STREAM = af.RandomWalkStream(DIM)
DEMONS = [af.GVFSpec(f"d{i}", af.DemonType.PREDICTION, 0.9 * i, 0.5, i) for i in range(2)]
ROWS = np.random.default_rng(0).normal(size=(STEPS, DIM)).astype(np.float32)
BOUNDED = {"bounder": af.ObGDBounding(), "normalizer": af.EMANormalizer()}


def linear(learner):
    return lambda: af.run_learning_loop(learner, STREAM, STEPS, KEY)


def network(learner):
    return lambda: af.run_mlp_learning_loop(learner, STREAM, STEPS, KEY)


def lanes(learner, count):
    loop = af.run_mlp_learning_loop_batched
    loop = loop if isinstance(learner, af.MLPLearner) else af.run_learning_loop_batched
    return lambda: loop(learner, STREAM, STEPS, jr.split(KEY, count))


def heads(learner):
    return lambda: af.run_multi_head_learning_loop(
        learner, learner.init(DIM, KEY), ROWS, ROWS[:, :2]
    )


def horde():
    learner = af.HordeLearner(
        af.create_horde_spec(DEMONS), (6,), af.Autostep(), sparsity=0.4, **BOUNDED
    )
    return lambda: af.run_horde_learning_loop(
        learner, learner.init(DIM, KEY), ROWS[:-1], ROWS[:-1, :2], ROWS[1:]
    )


def agent():
    learner = af.SARSAAgent(af.SARSAConfig(2), (6,), af.LMS(0.05), sparsity=0.4, **BOUNDED)
    return lambda: af.run_sarsa_from_arrays(
        learner, learner.init(DIM, KEY), ROWS[:-1], ROWS[:-1, 0], ROWS[:-1, 0] > 1, ROWS[1:]
    )


def begun(learner):
    drawn = isinstance(learner, af.MLPLearner)
    return learner.init(DIM, KEY) if drawn else learner.init(DIM)


def events(learner):
    def run():
        state = begun(learner)
        for row in ROWS[:20]:
            state = learner.update(state, row, row[:1]).state
        return state, learner.predict(state, ROWS[0])

    return run


def daemon(learner):
    def run():
        with af.Daemon(learner, DIM, key=KEY) as process:
            return [process.step(row, row[:1]).predictions for row in ROWS[:20]], process.state

    return run


# Layers whose weights are all 0 would be nothing but rounding, normalized.
MLP = af.MLPLearner((8, 6), af.LMS(0.5), sparsity=0.4, **BOUNDED)
IDBD = af.LinearLearner(af.IDBD(0.05), af.WelfordNormalizer())
RUNS = {
    "LMS": linear(af.LinearLearner(af.LMS(0.05), bounder=af.ObGDBounding())),
    "IDBD": linear(IDBD),
    "Autostep": linear(af.LinearLearner(af.Autostep(), af.EMANormalizer())),
    "targets in scale": linear(
        af.LinearLearner(af.Autostep(), af.EMANormalizer(), target_normalizer=af.EMANormalizer())
    ),
    "heads, targets in scale": heads(
        af.MultiHeadMLPLearner(
            2, (8,), target_normalizer=af.WelfordNormalizer(), sparsity=0.4, **BOUNDED
        )
    ),
    "TDIDBD": lambda: af.run_td_learning_loop(
        af.TDLinearLearner(), af.RandomWalkChainStream(5), STEPS, KEY
    ),
    "network": network(MLP),
    "network, IDBD": network(
        af.MLPLearner((8,), af.IDBD(0.01), bounder=af.AGCBounding(), sparsity=0.4)
    ),
    "heads": heads(af.MultiHeadMLPLearner(2, (8,), af.Autostep(), sparsity=0.4, **BOUNDED)),
    "horde": horde(),
    "agent": agent(),
    "lanes last": lanes(IDBD, 20),
    "a few lanes": lanes(IDBD, 3),
    "lanes of networks": lanes(MLP, 3),
    "single events": events(IDBD),
    "single events of a network": events(MLP),
    "a daemon": daemon(MLP),
}


def numbers(tree):
    leaves = [leaf for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype")]
    return [np.asarray(leaf) for leaf in leaves if jax.dtypes.issubdtype(leaf.dtype, np.floating)]


@pytest.mark.parametrize("name", RUNS)
def test_every_form_gives_the_numbers_of_the_plain_one(name):
    special = numbers(RUNS[name]())
    with af.compilation_mode("plain") as plan:
        assert set(plan.off) == set(plan.FORMS)
        plain = numbers(RUNS[name]())
    assert len(special) == len(plain) > 0
    for ours, theirs in zip(special, plain, strict=True):
        # Rounding is carried on for some sixty steps.
        scale = np.nanmax(np.abs(theirs), initial=1e-3)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3 * scale)


def test_a_mode_that_is_none():
    told = r"`mode` must be one of .*'plain'.* got 'fast'"
    with pytest.raises(ValueError, match=told), af.compilation_mode("fast"):
        pass


@pytest.mark.parametrize(("mode", "forms"), [("plain", 0), ("auto", None)])
def test_the_environment_turns_the_forms_off(mode, forms):
    code = "import alberta_framework as af; print(len(af.execution_plan().off))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"ALBERTA_COMPILATION": mode},
        capture_output=True,
        text=True,
        check=True,
    )
    off = int(found.stdout)
    assert off == (len(af.ExecutionPlan.FORMS) if forms == 0 else len(af.execution_plan().off))


def test_a_word_in_the_environment_that_is_no_mode(monkeypatch):
    monkeypatch.setenv("ALBERTA_COMPILATION", "quick")
    monkeypatch.setattr(plans, "_current", None)
    with pytest.raises(ValueError, match=r"ALBERTA_COMPILATION must be one of .* got 'quick'"):
        af.execution_plan()


@pytest.mark.skipif(not af.execution_plan().uses("one kernel"), reason="not in use here")
def test_the_probe_passes_here():
    compare_forms()


@pytest.mark.skipif(not af.execution_plan().uses("one kernel"), reason="not in use here")
def test_what_is_asked_of_a_process_of_its_own_passes_too():
    assert probe._tried() is None


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="forms are for the CPU")
@pytest.mark.parametrize(
    ("code", "fault"),
    [("", None), ("raise SystemExit('wrong numbers')", "wrong numbers"), ("os.abort()", "exit")],
)
def test_an_unknown_version_is_probed_once_in_a_process_of_its_own(
    code, fault, monkeypatch, tmp_path, caplog
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(probe, "_CODE", f"import os\n{code}")
    monkeypatch.setattr(plans, "_MEASURED", ())
    plan = plans._made("auto")
    if fault is None:
        assert plan.uses("one kernel") and not caplog.records
    else:
        assert not plan.uses("one kernel") and not plan.uses("small loops")
        assert fault in plan.off["one kernel"] and fault in caplog.text
    (kept,) = json.loads((tmp_path / "alberta_framework" / "compilation.json").read_text()).values()
    assert (kept is None) == (fault is None)
    monkeypatch.setattr(probe, "_CODE", "raise SystemExit('asked again')")
    assert plans._made("auto").off == plan.off


def test_a_cache_that_cannot_be_written_is_no_fault(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(probe, "_CODE", "")
    assert probe.fault_of("9.9.9") is None
