"""Studies: cells, pairs and intervals, against lives that are lived by `interact`."""

import csv
import json

import numpy as np
import pytest

import alberta_framework as af

STEPS, SEEDS, SHARE = 2_000, 3, 0.4
GAUSSIAN = {
    "type": "StreamAC",
    "policy": {
        "type": "GaussianPolicy",
        "low": "environment.action_space.low",
        "high": "environment.action_space.high",
    },
    "actor": {"type": "StreamMLP", "hidden_sizes": [4], "n_out": 2, "sparsity": 0.0},
    "critic": {"type": "StreamMLP", "hidden_sizes": [4], "n_out": 1, "sparsity": 0.0},
}
STREAM_Q = {
    "type": "StreamQ",
    "n_actions": "environment.action_space.n",
    "epsilon": {"type": "LinearSchedule", "start": 1.0, "end": 0.1, "num_steps": 200},
}
CONFIG = {
    "title": "poles and cars",
    "steps": STEPS,
    "seeds": SEEDS,
    "evaluate_last_share": SHARE,
    "environments": {
        # So short that random actions reach it at times, and well before the end.
        "pole": {"type": "CartPole", "max_steps": 40},
        "torque": {"type": "Pendulum", "max_steps": 50},
    },
    "agents": {"Q": STREAM_Q, "AC": GAUSSIAN},
    "variants": {
        "on": {"bootstrap_on_truncation": True},
        "end": {"bootstrap_on_truncation": False},
    },
}


def config(**changes):
    return json.loads(json.dumps(CONFIG | changes))


@pytest.fixture(scope="module")
def result():
    return af.run_control_study(af.control_study_from_config(config()))


def percentile_interval(values, seed=0):
    """The 95% percentile bootstrap interval of a mean, from 10,000 resamples drawn apart."""
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, len(values), (10_000, len(values)))].mean(axis=1)
    return np.percentile(means, [2.5, 97.5])


def test_every_agent_lives_where_its_actions_suit_in_every_variant(result):
    found = [(c.environment, c.agent, c.variant) for c in result.cells]
    assert found == [
        ("pole", "uniformly random", None),
        ("pole", "Q", "on"),
        ("pole", "Q", "end"),
        ("torque", "uniformly random", None),
        ("torque", "AC", "on"),
        ("torque", "AC", "end"),
    ]
    assert result.complete


def test_a_cell_is_the_comparison_of_its_agent(result):
    """Of agents that are made here, in the same program; comparisons are held against `interact`
    elsewhere."""
    for variant, rule in (("on", True), ("end", False)):
        (cell,) = [c for c in result.cells if (c.agent, c.variant) == ("Q", variant)]
        agent = af.StreamQ(2, epsilon=af.Linear(1.0, 0.1, 200), bootstrap_on_truncation=rule)
        alone = af.run_control_comparison(
            af.ControlComparison(
                "alone",
                af.CartPole(max_steps=40),
                {"Q": af.Contender(agent)},
                steps=STEPS,
                evaluate_last_share=SHARE,
                seeds=SEEDS,
            )
        )
        life = alone.agents["Q"]
        ends = np.cumsum(life.steps[0], axis=1)
        late = (ends > (1.0 - SHARE) * STEPS) & (life.steps[0] > 0)
        expected = [life.returns[0, seed][late[seed]].mean() for seed in range(SEEDS)]
        np.testing.assert_allclose(cell.scores, expected, rtol=1e-12)
        # Every step of the pole is worth 1.
        np.testing.assert_array_equal(cell.average_rewards, np.ones(SEEDS))
        assert cell.worst_seed == np.argmin(cell.scores) and cell.worst == cell.scores.min()
        assert cell.mean == cell.scores.mean()
        assert (cell.unmeasured, cell.diverged, cell.rejected) == (0, 0, 0)


def test_intervals_are_those_of_the_percentile_bootstrap():
    values = np.array([3.0, 5.0, 4.0, 9.0, 1.0, 4.5, 7.0, 2.0, 2.5, 6.0])
    mean, low, high = af.bootstrap_ci(values, n_bootstrap=10_000, seed=0, method="percentile")
    # Other draws of as many resamples: their ends vary by a few hundredths.
    np.testing.assert_allclose([low, high], percentile_interval(values), atol=0.1)
    assert mean == values.mean()


def test_cells_and_differences_have_the_intervals_of_their_seeds(result):
    cells = {(c.agent, c.variant): c for c in result.cells}
    expected = dict(n_bootstrap=10_000, seed=0, method="percentile")
    for agent in ("Q", "AC"):
        first, second = cells[agent, "on"], cells[agent, "end"]
        for cell in (first, second):
            assert (cell.mean, cell.low, cell.high) == af.bootstrap_ci(cell.scores, **expected)
        (found,) = [d for d in result.differences if d.agent == agent]
        paired = af.bootstrap_ci(first.scores - second.scores, **expected)
        assert (found.first, found.second) == ("on", "end")
        assert (found.mean, found.low, found.high) == paired


@pytest.mark.parametrize(
    ("low", "high", "differs"),
    [(0.1, 2.0, True), (-2.0, -0.1, True), (-0.1, 0.1, False), (0.0, 1.0, False)],
)
def test_a_difference_is_one_only_if_zero_lies_outside(low, high, differs):
    found = af.StudyDifference("e", "a", "x", "y", 0.5 * (low + high), low, high)
    assert found.differs is differs
    nothing = af.StudyDifference("e", "a", "x", "y", np.nan, np.nan, np.nan)
    assert not nothing.differs


def test_seeds_pair_up_in_worlds_and_initial_weights(result):
    """Until the first cut the two rules make the same life, so their first episodes are one."""
    lives = [result.results["pole", variant].agents["Q"] for variant in ("on", "end")]
    for seed in range(SEEDS):
        np.testing.assert_array_equal(*(life.returns[0, seed, 0] for life in lives))
    firsts = {float(life.returns[0, seed, :5].sum()) for life in lives for seed in range(SEEDS)}
    assert len(firsts) == SEEDS  # seeds differ from one another


def test_rules_are_the_same_until_the_first_cut_and_differ_after_it(result):
    same = result.same_until_cut
    same.require()
    assert same.pairs == 2 * SEEDS and same.differing == ()
    count = steps = never = 0
    for environment, agent in (("pole", "Q"), ("torque", "AC")):
        life = result.results[environment, "on"].agents[agent]
        for seed in range(SEEDS):
            there = life.steps[0, seed] > 0
            (cuts,) = np.nonzero(~life.terminated[0, seed] & there)
            upto = cuts[0] + 1 if cuts.size else there.sum()
            count, steps = count + upto, steps + life.steps[0, seed, :upto].sum()
            never += not cuts.size
    assert (same.episodes, same.steps, same.never_cut) == (count, steps, never)
    # The check has something to find: whole lives are not the same.
    pendulum = [result.results["torque", v].agents["AC"].returns for v in ("on", "end")]
    assert not np.array_equal(*pendulum)


def test_where_the_limit_is_never_reached_rules_are_bit_identical():
    pole = {"pole": {"type": "CartPole", "max_steps": 10_000_000}}
    agents = {"Q": STREAM_Q}
    found = af.run_control_study(
        af.control_study_from_config(config(environments=pole, agents=agents))
    )
    same = found.same_until_cut
    same.require()
    assert same.never_cut == same.pairs == SEEDS
    lives = [found.results["pole", variant].agents["Q"] for variant in ("on", "end")]
    for name in ("returns", "steps", "terminated", "average_reward"):
        np.testing.assert_array_equal(*(getattr(life, name) for life in lives))
    assert [d.differs for d in found.differences] == [False]


def test_what_differs_before_a_cut_is_told():
    """Another rule than that of the limit differs from the first step on."""
    study = af.control_study_from_config(
        config(environments={"pole": {"type": "CartPole"}}, agents={"Q": STREAM_Q}, steps=500)
    )
    made = af.run_control_study(study)
    lives = made.results["pole", "end"].agents["Q"]
    lives.returns[0, 1, 0] += 1.0
    same = made.same_until_cut
    assert same.differing == ("Q in pole, seed 1",)
    with pytest.raises(AssertionError, match="1 of 3 pairs of lives differ: Q in pole, seed 1"):
        same.require()
    assert str(same).startswith("NOT the same")


def test_other_variants_are_not_held_to_be_the_same():
    changed = config(variants={"a": {"lamda": 0.0}, "b": {"lamda": 0.9}}, steps=200)
    assert af.run_control_study(af.control_study_from_config(changed)).same_until_cut is None


def test_a_seed_without_an_episode_is_told_and_has_no_mean():
    long = {"torque": {"type": "Pendulum", "max_steps": 10_000}}
    changed = config(environments=long, agents={"AC": GAUSSIAN}, steps=100)
    made = af.run_control_study(af.control_study_from_config(changed))
    for cell in made.cells:
        assert cell.unmeasured == SEEDS and cell.worst_seed is None
        assert np.isnan([cell.mean, cell.low, cell.high, cell.worst]).all()
        assert np.isfinite(cell.average_reward)
    assert not any(d.differs for d in made.differences)


def test_the_configuration_builds_an_equal_study():
    study = af.control_study_from_config(config(), "mine")
    again = af.control_study_from_config(study.to_config())
    assert again.to_config() == study.to_config()
    for part, comparison in study.comparisons.items():
        assert again.comparisons[part].to_config() == comparison.to_config()


def test_a_study_takes_components_too():
    study = af.ControlStudy("made", {"pole": af.CartPole()}, {"Q": af.StreamQ(2)}, 100, seeds=1)
    assert [tuple(part) for part in study.comparisons] == [("pole", None), ("pole", "")]
    assert study.resized(50).steps == 50


def without(key):
    return {name: value for name, value in config().items() if name != key}


MISTAKES = {
    "key": (config(step=3), "unknown key 'step'"),
    "no agents": (without("agents"), "missing key 'agents'"),
    "empty": (config(agents={}), "`agents` must be a table with an entry by name"),
    "steps": (config(steps=0), "`steps` must"),
    "type": (config(environments={"x": {"type": "Pole"}}), "environments.x: "),
    "on the host": (
        config(environments={"x": {"id": "CartPole-v1"}}),
        "environments.x: must be an environment in JAX",
    ),
    "grid": (
        config(agents={"Q": STREAM_Q | {"grid": {"lamda": [0.1]}}}),
        "agents.Q: a study has no `grid`",
    ),
    "no such thing": (
        config(agents={"Q": STREAM_Q | {"n_actions": "environment.number"}}),
        "'environment.number' is nothing that CartPole has",
    ),
    "no agent": (
        config(agents={"Q": STREAM_Q}),
        "environments.torque: no agent acts in BoxActions",
    ),
    "no environment": (
        config(environments={"pole": {"type": "CartPole"}}),
        "agents.AC: no environment has the kind of actions that it takes",
    ),
    "count of actions": (
        config(agents={"Q": STREAM_Q | {"n_actions": 3}, "AC": GAUSSIAN}),
        "environments.pole: agents.Q: `n_actions` must be 2",
    ),
    "variant": (
        config(variants={"x": {"bootstrap": False}}),
        "variants.x: agents.Q: unknown path 'bootstrap'",
    ),
    "reference": (
        config(agents={"uniformly random": STREAM_Q, "AC": GAUSSIAN}),
        "'uniformly random' is what the reference is called",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name):
    given, message = MISTAKES[name]
    with pytest.raises(ValueError) as caught:
        af.control_study_from_config(given)
    assert message in str(caught.value)


def test_files_hold_every_cell_and_seed(result, tmp_path):
    paths = af.save_control_study(result, tmp_path)
    assert [path.name for path in paths] == [
        "cells.csv",
        "differences.csv",
        "results.csv",
        "curves.csv",
        "config.json",
        "curves.png",
    ]

    def rows(name):
        with (tmp_path / name).open(newline="") as file:
            return list(csv.DictReader(file))

    assert [float(row["mean"]) for row in rows("cells.csv")] == [c.mean for c in result.cells]
    assert [row["differs"] for row in rows("differences.csv")] == [
        str(d.differs) for d in result.differences
    ]
    scores = np.concatenate([c.scores for c in result.cells])
    np.testing.assert_array_equal([float(row["score"]) for row in rows("results.csv")], scores)
    curves = rows("curves.csv")
    assert len(curves) == len(result.cells) * SEEDS * 100
    # All episodes of a life are in its windows.
    life = result.results["pole", "on"].agents["Q"]
    for seed in range(SEEDS):
        own = [
            int(row["episodes"])
            for row in curves
            if (row["agent"], row["variant"], row["seed"]) == ("Q", "on", str(seed))
        ]
        assert sum(own) == (life.steps[0, seed] > 0).sum()
    saved = json.loads((tmp_path / "config.json").read_text())
    assert saved["run"]["complete"] is True
    again = af.control_study_from_config(saved)
    assert again.to_config() == result.study.to_config()


def test_a_study_is_resumed_with_the_same_bits(result, tmp_path):
    pytest.importorskip("orbax.checkpoint")
    study = af.control_study_from_config(config())
    calls = 0
    while True:
        # Every call in a run of its own, as after a kill.
        run = af.ControlStudyRun(study, checkpoint=tmp_path, checkpoint_every_s=0.0)
        if run.finished:
            break
        before = run.done
        run.advance()
        assert run.done > before
        calls += 1
    assert calls == 2 * 6  # two thousand steps of six agents
    assert run.done == run.asked == STEPS * SEEDS * 6
    for part, expected in result.results.items():
        for name, agent in expected.agents.items():
            found = run.result().results[part].agents[name]
            for field in ("returns", "steps", "terminated", "average_reward", "rejected"):
                np.testing.assert_array_equal(getattr(found, field), getattr(agent, field))


def test_a_run_that_is_stopped_tells_the_cells_it_has():
    run = af.ControlStudyRun(af.control_study_from_config(config()))
    with pytest.raises(ValueError, match="no step of the study"):
        run.result()
    run.advance()
    found = run.result()
    assert [c.agent for c in found.cells] == ["uniformly random"] and not found.complete
    assert found.differences == [] and run.part == ("pole", None)
    assert set(run.recent_returns) == {"uniformly random"}
