"""A daemon goes on where its checkpoint was written."""

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import CheckpointError, list_checkpoints, load_agent
from alberta_framework.daemon import Daemon

from .daemons import LEARNERS, TRANSITIONS, daemon, events, same_but_for_clocks, small, small_events

STEPS = 30


def run(ours, rows):
    return np.stack([ours.step(*row).predictions for row in rows])


@pytest.mark.parametrize("name", LEARNERS)
def test_a_restart_changes_no_bit(name, tmp_path):
    path = tmp_path / "agent.ckpt"
    rows = events(name, STEPS, seed=5)
    rows[7] = (rows[7][0] * np.nan, *rows[7][1:])
    middle = next(i for i in range(12, STEPS) if not rows[i - 1][2])  # within an episode
    whole = daemon(name)
    expected = run(whole, rows)
    with daemon(name, checkpoint=path) as first:
        found = [run(first, rows[:middle])]
    second = daemon(name, checkpoint=path)
    same_but_for_clocks(second.state, first.state)
    assert (second.steps, second.state.birth_timestamp) == (middle, first.state.birth_timestamp)
    assert second.state.uptime_s >= load_agent(path)[1].uptime_s > 0
    if name in TRANSITIONS:
        np.testing.assert_array_equal(second.last_observation, rows[middle - 1][0])
    found.append(run(second, rows[middle:]))
    np.testing.assert_array_equal(np.concatenate(found), expected)
    same_but_for_clocks(second.state, whole.state)
    assert second.steps == whole.steps == STEPS


@pytest.mark.parametrize("name", TRANSITIONS)
@pytest.mark.parametrize("end", ["an end", "a bad observation"])
def test_an_episode_that_was_over_stays_over(name, end, tmp_path):
    learner, dim, arguments = TRANSITIONS[name]
    rows = events(name if name in LEARNERS else "td", 6)
    path = tmp_path / "agent.ckpt"
    with Daemon(learner, dim, checkpoint=path, **arguments) as first:
        first.step(*rows[0][:2])
        if end == "an end":
            first.step(*rows[1][:2], True)
        else:
            first.step(rows[1][0] * np.nan, rows[1][1])
    second = Daemon(learner, dim, checkpoint=path, **arguments)
    assert second.last_observation is None and second.steps == 2
    before = second.state
    second.step(*rows[2][:2])
    same_but_for_clocks(second.state, before)
    np.testing.assert_array_equal(second.last_observation, rows[2][0])


def test_resuming_can_be_declined(tmp_path):
    path = tmp_path / "agent.ckpt"
    with small(checkpoint=path) as first:
        run(first, small_events(5))
    fresh = small(checkpoint=path, resume=False)
    assert fresh.steps == 0
    assert not np.any(np.asarray(fresh.state.weights))
    assert small(checkpoint=path).steps == 5  # untouched until the next save


def test_changed_numbers_of_the_learner_take_effect(tmp_path):
    """A state holds no hyperparameter, so that it can go on under others."""
    path = tmp_path / "agent.ckpt"
    with Daemon(af.LinearLearner(af.LMS(0.01)), 2, checkpoint=path) as first:
        run(first, small_events(5))
    learner = af.LinearLearner(af.LMS(0.5))
    second = Daemon(learner, 2, checkpoint=path)
    observation, target = small_events(6)[-1]
    expected = learner.update(first.state, observation, target[0]).state
    second.step(observation, target)
    np.testing.assert_allclose(second.state.weights, expected.weights, rtol=1e-6)


OTHERS = {
    "other features": (af.LinearLearner(af.IDBD(0.02, 0.01), normalizer=af.EMANormalizer()), 3),
    "other optimizer": (af.LinearLearner(af.LMS(0.02), normalizer=af.EMANormalizer()), 2),
    "no normalizer": (af.LinearLearner(af.IDBD(0.02, 0.01)), 2),
    "other class": (af.MLPLearner((2,), af.LMS(0.1)), 2),
}


@pytest.mark.parametrize("row", OTHERS)
def test_another_structure_is_an_error_and_touches_nothing(row, tmp_path):
    path = tmp_path / "agent.ckpt"
    with small(checkpoint=path, keep=2) as first:
        run(first, small_events(5))
    octets = path.read_bytes()
    learner, dim = OTHERS[row]
    with pytest.raises(CheckpointError, match="agent"):
        Daemon(learner, dim, checkpoint=path)
    assert path.read_bytes() == octets and list(tmp_path.iterdir()) == [path]


def test_a_horde_resumes_no_multi_head_learner_of_its_shapes(tmp_path):
    """Their states are of one structure; their checkpoints are not of one learner."""
    path = tmp_path / "agent.ckpt"
    horde, dim, _ = LEARNERS["horde"]
    with Daemon(horde, dim, checkpoint=path) as first:
        first.step(*events("horde", 1)[0])
    with pytest.raises(CheckpointError, match="agent"):
        Daemon(horde.learner, dim, checkpoint=path)


def asked(names, **changes):
    """A daemon of demons whose answers are told apart by their names alone."""
    gammas = {"soon": 0.0, "late": 0.9}
    demons = [
        af.GVFSpec(
            **{
                "name": name,
                "demon_type": af.DemonType.PREDICTION,
                "gamma": gammas.get(name, 0.5),
                "lamda": 0.0,
                "cumulant_index": -1,
            }
            | changes.get(name, {})
        )
        for name in names
    ]
    spec = af.create_horde_spec(demons)
    return af.HordeLearner(spec, hidden_sizes=(), optimizer=af.LMS(0.1), sparsity=0.0)


OTHER_DEMONS = {
    "in another order": (asked(["late", "soon"]), "names"),
    "of another name": (asked(["soon", "later"]), "names"),
    "of another signal": (asked(["soon", "late"], soon={"cumulant_index": 0}), "cumulant_indices"),
    "of another kind": (
        asked(["soon", "late"], late={"demon_type": af.DemonType.CONTROL}),
        "demon_types",
    ),
}


@pytest.mark.parametrize("row", OTHER_DEMONS)
def test_other_demons_are_refused_by_name(row, tmp_path):
    """Their heads have the shapes of those that were saved; the answers would be swapped."""
    path, (learner, field) = tmp_path / "agent.ckpt", OTHER_DEMONS[row]
    with Daemon(asked(["soon", "late"]), 1, checkpoint=path) as first:
        for _ in range(3):
            first.step([1.0], [1.0, 1.0])
    octets = path.read_bytes()
    with pytest.raises(CheckpointError, match=rf"agent\.ckpt: .*horde_spec\.{field}"):
        Daemon(learner, 1, checkpoint=path)
    assert path.read_bytes() == octets and list(tmp_path.iterdir()) == [path]
    assert Daemon(learner, 1, checkpoint=path, resume=False).steps == 0


def test_demons_whose_numbers_changed_go_on(tmp_path):
    path = tmp_path / "agent.ckpt"
    with Daemon(asked(["soon", "late"]), 1, checkpoint=path) as first:
        first.step([1.0], [1.0, 1.0])
    again = Daemon(asked(["soon", "late"], late={"gamma": 0.5}), 1, checkpoint=path)
    assert again.steps == 1 and again.resumed


def test_a_new_state_says_so(tmp_path, caplog):
    caplog.set_level("INFO")
    ours = small(checkpoint=tmp_path / "agent.ckpt")
    assert not ours.resumed and not small().resumed
    assert f"no checkpoint was found at {tmp_path / 'agent.ckpt'}" in caplog.text


DAMAGES = {
    "cut short": lambda octets: octets[: len(octets) // 2],
    "empty": lambda octets: b"",
    "a bit": lambda octets: octets[:-9] + bytes([octets[-9] ^ 4]) + octets[-8:],
    "foreign": lambda octets: b"hello\n",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
def test_a_damaged_file_gives_way_to_the_one_before(damage, tmp_path, caplog):
    path = tmp_path / "agent.ckpt"
    rows = small_events(9)
    ours = small(checkpoint=path, keep=2)
    for row in rows[:2]:
        ours.step(*row)
    ours.save()
    older = ours.state
    for row in rows[2:5]:
        ours.step(*row)
    ours.save()
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    resumed = small(checkpoint=path, keep=2)
    assert resumed.steps == 2
    same_but_for_clocks(resumed.state, older)
    # What lies before a damaged file is not pushed out by it.
    run(resumed, rows[2:])
    resumed.save()
    names = {"agent.ckpt", "agent.ckpt.1", "agent.ckpt.damaged", "agent.ckpt.lock"}
    assert {file.name for file in tmp_path.iterdir()} == names
    same_but_for_clocks(load_agent(tmp_path / "agent.ckpt.1")[1], older)
    same_but_for_clocks(small(checkpoint=path, keep=2).state, resumed.state)
    same_but_for_clocks(resumed.state, _uninterrupted(rows))


def _uninterrupted(rows):
    whole = small()
    run(whole, rows)
    return whole.state


def test_a_fallback_is_told(tmp_path):
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path, keep=2)
    ours.save()
    ours.step(*small_events(1)[0])
    ours.save()
    path.write_bytes(b"damaged")
    with pytest.warns(Warning, match="agent"):
        small(checkpoint=path, keep=2)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
def test_without_a_sound_file_nothing_is_begun(tmp_path):
    """A daemon that began anew would overwrite what a person may still rescue."""
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path, keep=2)
    ours.save()
    ours.save()
    for file in list_checkpoints(path):
        file.write_bytes(file.read_bytes()[:-30])
    octets = [file.read_bytes() for file in sorted(tmp_path.iterdir())]
    with pytest.raises(CheckpointError, match="agent"):
        small(checkpoint=path, keep=2)
    assert [file.read_bytes() for file in sorted(tmp_path.iterdir())] == octets


def test_a_folder_is_no_checkpoint(tmp_path):
    with pytest.raises((ValueError, OSError), match="agent"):
        (tmp_path / "agent").mkdir()
        small(checkpoint=tmp_path / "agent")


NAMED = af.LinearLearner(af.LMS(0.1))


def test_names_in_another_order_are_refused(tmp_path):
    """The weights are bound to the order of the names that the checkpoint holds."""
    path = tmp_path / "agent.ckpt"
    with af.Daemon(NAMED, 2, checkpoint=path, feature_names=["a", "b"], head_names=["h"]) as daemon:
        daemon.step([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match=r"`feature_names` are \['a', 'b'\] in .*agent\.ckpt, got"):
        af.Daemon(NAMED, 2, checkpoint=path, feature_names=["b", "a"])
    with pytest.raises(ValueError, match="`head_names`"):
        af.Daemon(NAMED, 2, checkpoint=path, head_names=["other"])
    again = af.Daemon(NAMED, 2, checkpoint=path)
    assert again.feature_names == ["a", "b"]
    assert again.head_names == ["h"]
    assert af.Daemon(NAMED, 2, checkpoint=path, resume=False).feature_names is None
