"""The oracles of hordes and agents reproduce the golden numbers."""

import jax.random as jr
import pytest

import alberta_framework as af
from tests import golden_files
from tests.oracles import demons, multi_head
from tests.oracles.test_networks import KINDS, assert_close, ids, layers, parts

NUMBERS = ("gamma", "lamda", "cumulant_index", "terminal_reward")


def rows(entries):
    return [tuple(entry[name] for name in NUMBERS) for entry in entries or ()]


def network(case):
    """With the golden parameters; where there are none, with those of the seed."""
    init = case.starting("init.")
    if init:
        names = [f"{part}_params.{kind}." for part in ("trunk", "head") for kind in KINDS]
        drawn = [layers(name, init) for name in names]
    else:
        state = af.from_config(case.about["learner"]).init(
            case.about["feature_dim"], jr.key(case.about["seed"])
        )
        state = getattr(state, "learner_state", state)
        drawn = [getattr(p, k) for p in (state.trunk_params, state.head_params) for k in KINDS]
    return multi_head.MultiHeadMLPLearner(*drawn, **parts(case))


HORDES = [*golden_files.cases("learners", "horde"), *golden_files.cases("learners", "horde_ext")]


@pytest.mark.parametrize("case", HORDES, ids=ids)
def test_hordes(case):
    horde = demons.HordeLearner(network(case), rows(case.about["learner"]["horde_spec"]["demons"]))
    options = {name: case[name] for name in ("terminated", "gammas") if name in case.fields}
    if "signals" in case.about:
        options["signals"] = case[case.about["signals"]]
    steps = []
    for t in range(len(case["observations"])):
        now = {name: column[t] for name, column in options.items()}
        given = (case["observations"][t], case["cumulants"][t], case["next_observations"][t])
        steps.append(horde.update(*given, **now))
    columns = ("predictions", "td_errors", "td_targets", "per_demon_metrics")
    for name, column in zip(columns, list(zip(*steps, strict=True))[:4], strict=True):
        assert_close(column, case[name], name)
    for i, head in enumerate(horde.network.heads):
        assert_close(head.weights, case[f"final.head_params.weights.{i}"], f"weights.{i}")
        assert_close(head.traces[0], case[f"final.head_traces.{i}.0"], f"traces.{i}")


@pytest.mark.parametrize("case", golden_files.cases("learners", "sarsa"), ids=ids)
def test_agents(case):
    entry = case.about["learner"]
    config = entry["sarsa_config"]
    agent = demons.SARSAAgent(
        network(case),
        config["n_actions"],
        config["gamma"],
        entry["lamda"],
        rows(entry["prediction_demons"]),
    )
    agent.action, agent.observation = case["actions"][0], case["observations"][0]
    names = ["rewards", "next_observations", "terminated", "next_actions"]
    names += ["prediction_cumulants"] * ("prediction_cumulants" in case.fields)
    columns = [case[name] for name in names]
    steps = [agent.update(*now) for now in zip(*columns, strict=True)]
    for name, column in zip(("q_values", "td_errors"), zip(*steps, strict=True), strict=True):
        assert_close(column, case[name], name)
    for i, head in enumerate(agent.network.heads):
        name = f"final.learner_state.head_params.weights.{i}"
        assert_close(head.weights, case[name], name)


def test_what_follows_the_end_does_not_count():
    assert demons.discounted(0.0, float("nan")) == 0.0
    assert demons.discounted(0.5, 4.0) == 2.0
