import dataclasses
import json

import pytest

import alberta_framework as af
from alberta_framework.comparisons import Comparison, Contender, comparison_from_config
from tests.comparisons.comparisons import config, small

LMS = {"type": "LinearLearner", "optimizer": {"type": "LMS", "step_size": 0.1}}
TD = {"type": "TDLinearLearner", "optimizer": {"type": "TDIDBD"}}
CHAIN = {"type": "RandomWalkChainStream", "n_states": 5}


def test_a_config_builds_the_comparison_that_it_was_made_of():
    comparison = small(relevant_inputs=2, title="A title", description="Words")
    written = json.loads(json.dumps(comparison.to_config()))
    read = comparison_from_config(written)
    assert read.to_config() == written
    assert read.learners["IDBD"].grid == {"optimizer.meta_step_size": [0.0, 0.02]}
    assert read.learners["IDBD"].learner.use_bias is False
    assert read.learners["LMS"].points[1] == {"optimizer.step_size": 0.05}
    assert (read.relevant_inputs, read.num_steps, read.evaluate_last) == (2, 200, 80)


def test_a_grid_is_every_combination_at_the_learner_s_own_places():
    learner = af.LinearLearner(af.Autostep(), af.EMANormalizer())
    grid = {"optimizer.tau": [100.0, 200.0], "normalizer.decay": [0.9, 0.99]}
    learners = Contender(learner, grid).learners
    found = [(at.optimizer.tau, at.normalizer.decay) for at in learners]
    assert found == [(100.0, 0.9), (100.0, 0.99), (200.0, 0.9), (200.0, 0.99)]
    assert all(at.optimizer.meta_step_size == 0.01 for at in learners)


def test_a_grid_may_be_written_as_nested_tables():
    nested = LMS | {"grid": {"optimizer": {"step_size": [0.1, 0.2]}}}
    comparison = comparison_from_config(config(learners={"LMS": nested}))
    assert comparison.learners["LMS"].grid == {"optimizer.step_size": [0.1, 0.2]}


def test_what_a_run_adds_to_a_config_is_passed_over():
    assert comparison_from_config(config(run={"steps_done": 3})).to_config() == config()


@pytest.mark.parametrize(
    "num_steps, evaluate_last, window", [(1000, None, 20), (1000, 300, 20), (30, None, 1)]
)
def test_the_window_is_about_a_fiftieth_by_default(num_steps, evaluate_last, window):
    short = {k: v for k, v in config().items() if k not in ("window", "evaluate_last", "name")}
    short["num_steps"] = num_steps
    if evaluate_last is not None:
        short["evaluate_last"] = evaluate_last
    comparison = comparison_from_config(short, name="mine")
    assert comparison.name == "mine"
    assert comparison.evaluate_last == evaluate_last or comparison.evaluate_last == num_steps
    assert comparison.window == window


MISTAKES = {
    "unknown key": ({"numsteps": 3}, r"unknown key 'numsteps': did you mean 'num_steps'\?"),
    "text for steps": ({"num_steps": "many"}, r"`num_steps` must be an integer >= 1.* 'many'"),
    "no steps": ({"num_steps": 0}, r"`num_steps` must be an integer >= 1.* got 0"),
    "fraction of a seed": ({"seeds": 2.5}, r"`seeds` must be an integer >= 1, got 2\.5"),
    "window of the steps": ({"window": 40, "evaluate_last": 120, "num_steps": 210}, None),
    "window of the evaluation": ({"window": 20, "evaluate_last": 90}, None),
    "evaluation beyond the run": ({"evaluate_last": 210}, r"`evaluate_last` .* < 201, got 210"),
    "unknown score": ({"score": "accuracy"}, r"`score` must be one of .* got 'accuracy'"),
    "too many relevant": ({"relevant_inputs": 4}, r"`relevant_inputs` .* < 4, got 4"),
    "name with a slash": ({"name": "../up"}, r"`name` must be .* folder, got '\.\./up'"),
    "no learners": ({"learners": {}}, r"learners: must be a table .* got \{\}"),
    "a learner in words": ({"learners": {"X": "LMS"}}, r"learners\.X: must be .* got 'LMS'"),
    "unknown stream": ({"stream": {"type": "Random"}}, r"stream: Unknown stream type: 'Random'"),
    "stream's value": (
        {"stream": {"type": "RandomWalkStream", "feature_dim": 3, "drift_rate": "x"}},
        r"stream\.drift_rate: must be a number, got str 'x'",
    ),
    "learner's value": (
        {"learners": {"A": {**LMS, "optimizer": {"type": "IDBD", "meta_step_size": "x"}}}},
        r"learners\.A\.optimizer\.meta_step_size: must be a number",
    ),
    "learner's range": (
        {"learners": {"A": {**LMS, "optimizer": {"type": "IDBD", "meta_step_size": -1.0}}}},
        r"learners\.A\.optimizer: IDBD: `meta_step_size` must lie in .* got -1",
    ),
    "learner's unknown key": (
        {"learners": {"A": {**LMS, "optimizer": {"type": "LMS", "stepsize": 1.0}}}},
        r"learners\.A\.optimizer: unknown key 'stepsize'. Did you mean 'step_size'",
    ),
    "unknown path": (
        {"learners": {"A": {**LMS, "grid": {"optimizer.stepsize": [1.0]}}}},
        r"learners\.A: unknown path 'optimizer\.stepsize' in `grid`: did you mean "
        r"'optimizer\.step_size'\? Known: optimizer\.step_size",
    ),
    "value out of range": (
        {"learners": {"A": {**LMS, "grid": {"optimizer.step_size": [0.1, -1.0]}}}},
        r"learners\.A: .*`step_size` must lie in .* got -1",
    ),
    "one value, no list": (
        {"learners": {"A": {**LMS, "grid": {"optimizer.step_size": 0.1}}}},
        r"learners\.A: `grid` must list the values .* got 0\.1",
    ),
    "empty list": (
        {"learners": {"A": {**LMS, "grid": {"optimizer.step_size": []}}}},
        r"learners\.A: `grid` must list the values .* got \[\]",
    ),
    "value twice": (
        {"learners": {"A": {**LMS, "grid": {"optimizer.step_size": [0.1, 0.1]}}}},
        r"learners\.A: `grid` must list each value .* once",
    ),
    "text in the grid": (
        {"learners": {"A": {**LMS, "grid": {"optimizer.step_size": ["a"]}}}},
        r"learners\.A: optimizer\.step_size: .*`step_size` must be a real number, got 'a'",
    ),
    "too many inputs": (
        {"learners": {"A": {**LMS, "first_inputs": 4}}},
        r"learners\.A: `first_inputs` must be at most the 3 inputs .* got 4",
    ),
    "no inputs": ({"learners": {"A": {**LMS, "first_inputs": 0}}}, r"learners\.A: .* >= 1, got 0"),
    "TD learner on examples": (
        {"learners": {"A": TD}},
        r"learners\.A: TDLinearLearner learns from transitions, but RandomWalkStream",
    ),
    "supervised learner on transitions": (
        {"learners": {"A": LMS}, "stream": CHAIN},
        r"learners\.A: LinearLearner learns from examples, but RandomWalkChainStream",
    ),
    "many-headed learner": (
        {
            "learners": {
                "A": {
                    "type": "MultiHeadMLPLearner",
                    "n_heads": 2,
                    "optimizer": {"type": "LMS"},
                    "hidden_sizes": [4],
                }
            }
        },
        r"learners\.A: MultiHeadMLPLearner cannot learn from TimeStep: ",
    ),
    "values of another stream": ({"score": "value_error"}, r"`score` 'value_error' needs .*Chain"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_a_value_error_that_names_its_place(mistake):
    changes, message = MISTAKES[mistake]
    message = message or r"`window` must divide `(num_steps|evaluate_last)` \((210|90)\), got"
    with pytest.raises(ValueError, match=message):
        comparison_from_config(config(**changes))


@pytest.mark.parametrize("key", ["stream", "learners", "num_steps"])
def test_a_missing_key_is_named(key):
    with pytest.raises(ValueError, match=f"missing key '{key}'"):
        comparison_from_config({k: v for k, v in config().items() if k != key})


def test_what_is_no_table_is_refused():
    with pytest.raises(ValueError, match=r"must be a table of keys, got \[1\]"):
        comparison_from_config([1])


def test_python_arguments_of_the_wrong_kind_are_type_errors():
    with pytest.raises(TypeError, match="`learner` must be a learner, got 3"):
        Contender(3)
    with pytest.raises(TypeError, match="`stream` must be an AbstractStream, got None"):
        small(stream=None)
    with pytest.raises(TypeError, match="`title` must be a string, got 3"):
        small(title=3)


def test_a_learner_stands_for_a_contender_without_a_grid():
    comparison = small(learners={"LMS": af.LinearLearner()})
    assert comparison.learners["LMS"] == Contender(af.LinearLearner())
    assert comparison.learners["LMS"].points == ({},)


def test_a_comparison_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        small().seeds = 3


@pytest.mark.parametrize(
    "num_steps, window, evaluate_last",
    [
        (400, 10, 80),  # longer: as it was
        (90, 10, 80),  # shorter, and the evaluation still fits
        (85, 1, 80),  # 5 windows of 17 would be too few: windows shrink in proportion
        (50, 2, 20),  # all shrink in proportion
        (1, 1, 1),
    ],
)
def test_another_number_of_steps_keeps_the_proportions(num_steps, window, evaluate_last):
    resized = small().resized(num_steps)
    assert (resized.num_steps, resized.window, resized.evaluate_last) == (
        num_steps,
        window,
        evaluate_last,
    )


def test_a_number_of_steps_that_no_window_divides_is_refused():
    with pytest.raises(ValueError, match=r"`num_steps` must divide .* got 10007; try 10000"):
        small().resized(10_007)


def test_a_comparison_names_what_it_measures():
    learner = af.TDLinearLearner()
    on_chain = {"stream": af.RandomWalkChainStream(5), "learners": {"TD": learner}}
    assert small().measure == "Squared error"
    assert small(**on_chain).measure == "Squared TD error"
    assert small(**on_chain, score="value_error").measure == "RMS error of the values"
    assert isinstance(small(**on_chain), Comparison)
