"""Every JSON that the package writes is JSON, which has no number that is not finite."""

import hashlib
import json
import math

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import alberta_framework as af
from alberta_framework.checkpoints.metadata import NOT_FINITE, with_numbers_at
from alberta_framework.command_line.app import main
from alberta_framework.comparisons import ControlComparison
from alberta_framework.components.strict_json import (
    in_words,
    number_from,
    numbers_from,
    strict_json,
)
from tests.comparisons.comparisons import small

PAPER = af.Autostep(min_step_size=0.0, max_step_size=math.inf)
GRID = {"optimizer.max_step_size": [0.5, math.inf]}
PATH = "learner.optimizer.max_step_size"


def read(text):
    """What a strict reader finds."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def as_before(text):
    """The file as earlier versions wrote it, with the bare words that Python reads."""
    for word in ("-Infinity", "Infinity", "NaN"):
        text = text.replace(f'"{word}"', word)
    return text


numbers = st.floats() | st.integers() | st.booleans() | st.none() | st.text()
values = st.recursive(numbers, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(values)
def test_any_value_is_written_strictly(value):
    assert repr(read(strict_json(value))) == repr(in_words(value))


@given(st.recursive(st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_numbers_come_back_as_they_were(value):
    assert repr(numbers_from(read(strict_json(value)))) == repr(value)


def test_only_three_words_are_numbers():
    assert [number_from(word) for word in ("Infinity", "-Infinity")] == [math.inf, -math.inf]
    assert math.isnan(number_from("NaN"))
    for text in ("infinity", "inf", "nan", "+Infinity", " NaN", "", 3, None, 0.5):
        assert number_from(text) is text
    given = {"a": [math.inf, (math.nan,)]}
    assert in_words(given) == {"a": ["Infinity", ["NaN"]]} and given["a"][0] == math.inf


def test_a_comparison_is_written_strictly_and_runs_again(tmp_path):
    contender = af.Contender(af.LinearLearner(PAPER), GRID)
    comparison = small(learners={"A": contender}, num_steps=20, evaluate_last=10, seeds=1)
    result = af.run_comparison(comparison)
    af.save_comparison(result, tmp_path)
    text = (tmp_path / "config.json").read_text()
    for config in (read(text), json.loads(as_before(text))):
        again = af.comparison_from_config(config)
        assert again.to_config() == comparison.to_config()
        assert again.learners["A"].points[1] == {"optimizer.max_step_size": math.inf}
    np.testing.assert_array_equal(af.run_comparison(again).scores("A"), result.scores("A"))


def test_names_and_titles_that_read_so_stay_texts():
    learners = {"Infinity": af.LinearLearner()}
    comparison = small(name="NaN", title="-Infinity", description="NaN", learners=learners)
    again = af.comparison_from_config(read(strict_json(comparison.to_config())))
    assert (again.name, again.title, again.description) == ("NaN", "-Infinity", "NaN")
    assert list(again.learners) == ["Infinity"]


def test_a_comparison_in_control_is_written_strictly():
    agent = af.SARSAAgent(af.SARSAConfig(2), (), PAPER)
    environment = {"id": "CartPole-v1", "sutton_barto_reward": False, "reward_threshold": math.inf}
    comparison = ControlComparison.__new__(ControlComparison)
    # Not made: no environment takes such a number.
    for name, value in {
        "name": "c",
        "environment": environment,
        "agents": {"a": af.Contender(agent, GRID)},
        "episodes": 2,
        "evaluate_last": 1,
        "features": None,
        "seeds": 1,
        "score": "return",
        "title": "",
        "description": "",
    }.items():
        object.__setattr__(comparison, name, value)
    config = read(json.dumps(comparison.to_config(), allow_nan=False))
    assert config["environment"]["reward_threshold"] == "Infinity"
    assert config["agents"]["a"]["grid"] == {"optimizer.max_step_size": [0.5, "Infinity"]}
    with pytest.raises(ValueError, match=r"reward_threshold.*unexpected|unexpected.*reward_thr"):
        af.control_comparison_from_config(config)
    config["environment"] = {"id": "CartPole-v1"}
    again = af.control_comparison_from_config(config)
    assert again.agents["a"].points[1] == {"optimizer.max_step_size": math.inf}


def test_a_sweep_is_written_strictly_and_runs_again(tmp_path):
    stream = af.RandomWalkStream(2)
    axes = {PATH: [0.5, math.inf], "learner.optimizer": [PAPER, af.Autostep(max_step_size=2.0)]}
    experiment = af.SweepExperiment("s", af.LinearLearner(PAPER), stream, axes, 20, seeds=1)
    run = experiment.run()
    while not run.finished:
        run.advance()
    result = run.result()
    af.save_sweep(experiment, result, tmp_path)
    text = (tmp_path / "config.json").read_text()
    for config in (read(text), json.loads(as_before(text))):
        again = af.sweep_from_config(config)
        assert again.axes[PATH] == [0.5, math.inf]
        assert again.to_config() == experiment.to_config()


def test_a_text_on_an_axis_stays_one():
    config = {
        "learner": af.LinearLearner(af.IDBD()).to_config(),
        "stream": af.RandomWalkStream(2).to_config(),
        "num_steps": 5,
        "axes": {"learner.optimizer.h_decay_mode": ["Infinity"]},
    }
    with pytest.raises(ValueError, match=r"h_decay_mode: 'Infinity'\. Must be one"):
        af.sweep_from_config(config)
    config["axes"] = {"learner.optimizer.meta_step_size": ["NaN"]}
    with pytest.raises(ValueError, match=r"meta_step_size.* got nan"):
        af.sweep_from_config(config)


METADATA = {
    "best": math.inf,
    "nested": [{"low": -math.inf, "Infinity": "Infinity"}, math.nan],
    "text": "NaN",
    "not_finite": ["metadata"],
    "plain": 0.5,
}


@pytest.mark.parametrize("backend", ["file", "orbax"])
def test_metadata_of_a_checkpoint_are_strict_and_come_back(tmp_path, backend):
    learner = af.LinearLearner(PAPER)
    path = tmp_path / "agent.ckpt"
    af.save_agent(learner, learner.init(2), path, METADATA, backend=backend)
    if backend == "file":
        header = read(path.read_bytes().split(b"\n")[1].decode())
        assert header["metadata"]["best"] == "Infinity" and header["metadata"]["text"] == "NaN"
        assert header["learner"]["optimizer"]["max_step_size"] == "Infinity"
    else:
        for file in (p for p in path.rglob("*") if p.is_file() and p.read_bytes()[:1] == b"{"):
            read(file.read_text())
    assert repr(af.load_checkpoint_metadata(path)) == repr(METADATA)
    loaded, _, metadata = af.load_agent(path)
    assert loaded.optimizer.max_step_size == math.inf and repr(metadata) == repr(METADATA)


def test_metadata_without_such_numbers_are_written_as_before(tmp_path):
    path = tmp_path / "agent.ckpt"
    af.save_checkpoint({"a": np.zeros(2)}, path, {"text": "NaN", "number": 1.5})
    header = read(path.read_bytes().split(b"\n")[1].decode())
    assert not [key for key in header if "finite" in key]
    assert af.load_checkpoint_metadata(path) == {"text": "NaN", "number": 1.5}


def written_before(path, metadata):
    """A checkpoint as earlier versions wrote it: the bare words in its header."""
    learner = af.LinearLearner(PAPER)
    af.save_agent(learner, learner.init(2), path)
    first, header, payload = path.read_bytes().split(b"\n", 2)
    fields = json.loads(header)
    fields["metadata"] = metadata
    fields["learner"]["optimizer"]["max_step_size"] = math.inf
    header = json.dumps(fields, ensure_ascii=False).encode()
    digest = hashlib.sha256(header).hexdigest()
    first = f"ALBERTA-CKPT 1 {len(header)} {digest}".encode()
    path.write_bytes(b"\n".join([first, header, payload]))
    assert b": Infinity" in header


def test_a_checkpoint_with_bare_words_loads(tmp_path):
    path = tmp_path / "old.ckpt"
    written_before(path, METADATA)
    learner, _, metadata = af.load_agent(path)
    assert learner.optimizer.max_step_size == math.inf
    assert repr(metadata) == repr(METADATA) == repr(af.load_checkpoint_metadata(path))


@pytest.mark.parametrize("before", [False, True])
def test_inspect_tells_them_strictly(tmp_path, capsys, before):
    path = tmp_path / "agent.ckpt"
    learner = af.LinearLearner(PAPER)
    af.save_agent(learner, learner.init(2), path, METADATA)
    if before:
        written_before(path, METADATA)
    assert main(["inspect", str(path), "--json"]) == 0
    found = read(capsys.readouterr().out)
    assert found["metadata"]["best"] == "Infinity"
    assert found["learner"]["optimizer"]["max_step_size"] == "Infinity"


def test_a_daemon_tells_strictly(tmp_path):
    wild = af.LinearLearner(af.LMS(50.0))
    with af.Daemon(wild, 2, key=jax.random.key(0), checkpoint=tmp_path / "d.ckpt") as daemon:
        processor = af.EventProcessor(daemon)
        for number in range(30):
            line = json.dumps({"id": number, "observation": [1e9, -1.0], "targets": [1e30]})
            read(processor.answer(line, number))
        read(json.dumps(daemon.report(), allow_nan=False))
    read((tmp_path / "d.ckpt").read_bytes().split(b"\n")[1].decode())


def test_the_place_of_a_number_that_is_none_is_damage():
    metadata = {"a": ["Infinity", "text", 1.0]}
    fine = with_numbers_at({"metadata": metadata, NOT_FINITE: [["a", 0]]})
    assert fine == {"metadata": {"a": [math.inf, "text", 1.0]}}
    for place in (["a", 1], ["a", 5], ["b"], [], ["a", 2, 0], "a", 3):
        with pytest.raises(ValueError, match=r"no number at .* of the metadata"):
            with_numbers_at({"metadata": {"a": ["Infinity", "text", {}]}, NOT_FINITE: [place]})
