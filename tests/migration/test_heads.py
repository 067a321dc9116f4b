"""Heads added and dropped: what was learned of the others stays, leaf for leaf."""

import jax
import numpy as np
import pytest

import alberta_framework as af
from tests.laws.test_contract import SMALL

from .learners import DEMONS, DIM, SPEC, WITH_HEADS, assert_kept, learned, numbers, saved

NAMES = ["long", "now", "soon"]


def added(learner, *names):
    """Heads that differ from each other are told what the new one is like."""
    return {name: NAMES[1] if learner.demons else None for name in names}


def daemon_metadata(learner):
    return None if learner.demons else {"daemon": {"head_names": NAMES, "steps": 7}}


def predictions(learner, state, x):
    return np.asarray(learner.predict(state, x))


@pytest.mark.parametrize("name", WITH_HEADS)
def test_every_learner_of_several_heads_keeps_what_the_others_learned(name, tmp_path):
    learner = WITH_HEADS[name]
    path, state = saved(tmp_path, learner, metadata=daemon_metadata(learner))
    to = tmp_path / "new.ckpt"
    found = af.migrate(path, to, add_heads=added(learner, "x", "y"), drop_heads=["now"])
    after, migrated, _ = af.load_agent(to)
    assert (found.head_names, found.heads) == (["long", "soon", "x", "y"], 4)
    assert (found.added_heads, found.dropped_heads) == (("x", "y"), ("now",))
    fresh = after.init(DIM, jax.random.key(0))
    assert_kept(state, migrated, fresh, [0, 2], 3, 4)
    assert set(found.kept) >= set(numbers(state)) - {".life.words"}
    x = np.float32([1.0, -2.0, 3.0, 0.5])
    if learner.target_classes is None:
        before = predictions(learner, state, x)[[0, 2]]
        # XLA may take another routine for a matrix of other rows, which rounds otherwise.
        np.testing.assert_allclose(predictions(after, migrated, x)[:2], before, rtol=1e-5)
    else:
        np.testing.assert_allclose(predictions(after, migrated, x).sum(), 1.0, rtol=1e-6)


@pytest.mark.parametrize("name", ["many", "horde", "off-policy-horde"])
def test_inputs_and_heads_at_once(name, tmp_path):
    """As one after the other."""
    learner = WITH_HEADS[name]
    path, _ = saved(tmp_path, learner, metadata=daemon_metadata(learner))
    inputs = {"add_inputs": ["3", "4"], "drop_inputs": ["2"]}
    heads = {"add_heads": added(learner, "x"), "drop_heads": ["long", "soon"]}
    at_once, first, then = (tmp_path / f"{i}.ckpt" for i in range(3))
    af.migrate(path, at_once, **inputs, **heads)
    af.migrate(path, first, **inputs)
    af.migrate(first, then, **heads)
    ours, ours_state, _ = af.load_agent(at_once)
    other, other_state, _ = af.load_agent(then)
    assert ours.to_config() == other.to_config()
    ours, other = numbers(ours_state), numbers(other_state)
    weights = ".weights" if name == "off-policy-horde" else ".head_params.weights"
    # The draws of new heads are those of the sizes they are drawn for.
    for path, leaf in ours.items():
        there = other[path]
        assert leaf.shape == there.shape, path
        if leaf.shape[:1] == (2,):
            leaf, there = leaf[:1], there[:1]
        if leaf.shape[-1:] == (5,):
            leaf, there = leaf[..., :3], there[..., :3]
        assert leaf.tobytes() == there.tobytes(), path
    assert ours[weights].shape[0] == 2


def test_heads_with_settings_of_their_own_are_like_one_of_them(tmp_path):
    learner = af.MultiHeadMLPLearner(
        2, (3,), af.LMS(0.1), loss=("squared", "logistic"), per_head_gamma_lamda=[0.0, 0.0]
    )
    path, _ = saved(tmp_path, learner)
    to = tmp_path / "new.ckpt"
    with pytest.raises(ValueError, match="heads differ; got None"):
        af.migrate(path, to, add_heads=["2"])
    af.migrate(path, to, add_heads={"2": "1"})
    made = af.load_agent(to)[0]
    assert made.loss == ("squared", "logistic", "logistic") and made.n_heads == 3
    assert made.per_head_gamma_lamda.tolist() == [0.0, 0.0, 0.0]
    af.migrate(to, tmp_path / "third.ckpt", drop_heads=["0"])
    assert af.load_agent(tmp_path / "third.ckpt")[0].loss == ("logistic", "logistic")


def test_the_scale_of_a_head_stays_with_it_and_a_new_one_has_none_yet(tmp_path):
    learner = af.MultiHeadMLPLearner(
        3,
        (3,),
        af.LMS(0.1),
        loss=("huber", "squared", "huber"),
        huber_delta=0.5,
        target_normalizer=af.WelfordNormalizer(),
    )
    path, state = saved(tmp_path, learner)
    af.migrate(path, tmp_path / "b.ckpt", drop_heads=["0", "2"], add_heads={"1": "1"})
    made, migrated, _ = af.load_agent(tmp_path / "b.ckpt")
    assert (made.loss, made.huber_delta) == (("squared", "squared"), None)
    scales, before = migrated.target_normalizer_state, state.target_normalizer_state
    assert scales.mean.shape == (2, 1)
    assert scales.mean[0] == before.mean[1] and scales.mean[1] == 0.0
    assert scales.sample_count.tolist() == [before.sample_count[1], 0]


def test_a_new_demon_asks_what_another_asks_or_what_the_learner_says(tmp_path):
    path, state = saved(tmp_path, WITH_HEADS["linear-horde"])
    af.migrate(path, tmp_path / "like.ckpt", add_heads={"later": "long"}, drop_heads=["soon"])
    made = af.load_agent(tmp_path / "like.ckpt")[0]
    assert [(d.name, d.gamma) for d in made.demons] == [("long", 0.9), ("now", 0.0), ("later", 0.9)]
    other = af.GVFSpec("other", af.DemonType.PREDICTION, 0.7, 0.0, -1)
    horde = af.LinearHorde(af.create_horde_spec([*DEMONS, other]), 0.1, "per_demon")
    found = af.migrate(path, tmp_path / "given.ckpt", learner=horde)
    assert found.added_heads == ("other",) and found.dropped_heads == ()
    migrated = af.load_agent(tmp_path / "given.ckpt")[1]
    np.testing.assert_array_equal(migrated.weights[:3], state.weights)
    assert not migrated.weights[3].any()
    with pytest.raises(ValueError, match="demons of `learner` must be"):
        fewer = af.LinearHorde(af.create_horde_spec(DEMONS[:2]), 0.1, "per_demon")
        af.migrate(path, tmp_path / "fewer.ckpt", learner=fewer)
    af.migrate(path, tmp_path / "fewer.ckpt", learner=fewer, drop_heads=["soon"])
    with pytest.raises(ValueError, match="demons of `learner` must be"):
        turned = af.LinearHorde(af.create_horde_spec(DEMONS[::-1]), 0.1, "per_demon")
        af.migrate(path, tmp_path / "turned.ckpt", learner=turned)


def test_demons_that_share_a_trace_keep_it_or_are_refused(tmp_path):
    spec = af.create_horde_spec(
        [
            af.GVFSpec(n, af.DemonType.PREDICTION, g, 0.5, -1)
            for n, g in zip("abc", (0.9, 0.5, 0.9), strict=True)
        ]
    )
    path, state = saved(tmp_path, af.LinearHorde(spec, 0.1))
    af.migrate(path, tmp_path / "two.ckpt", drop_heads=["c"], add_heads={"d": "b"})
    migrated = af.load_agent(tmp_path / "two.ckpt")[1]
    assert state.traces.shape == (2, DIM)
    np.testing.assert_array_equal(migrated.traces, state.traces)
    for drop in ("a", "b"):  # the traces change places, or one of them has no demon
        with pytest.raises(ValueError, match="shared trace"):
            af.migrate(path, tmp_path / "no.ckpt", drop_heads=[drop])


def test_demons_are_renamed_in_the_learner(tmp_path):
    path, state = saved(tmp_path, af.OffPolicyHorde(af.GradientTD(), SPEC))
    found = af.migrate(path, tmp_path / "new.ckpt", rename={"now": "head:now"})
    made, migrated, _ = af.load_agent(tmp_path / "new.ckpt")
    assert [d.name for d in made.demons] == found.head_names == ["long", "head:now", "soon"]
    np.testing.assert_array_equal(migrated.weights, state.weights)


@pytest.mark.parametrize(
    "learner",
    [af.LinearLearner(), af.MLPLearner((3,), af.LMS(0.1)), af.StreamQ(2, af.StreamMLP((3,), 2))],
    ids=lambda learner: type(learner).__name__,
)
def test_who_has_no_heads_to_add_says_so(learner, tmp_path):
    path, _ = saved(tmp_path, learner)
    with pytest.raises(TypeError, match=type(learner).__name__):
        af.migrate(path, tmp_path / "new.ckpt", add_heads=["1"])


def test_a_learner_keeps_as_many_heads_as_it_must(tmp_path):
    path, _ = saved(tmp_path, WITH_HEADS["classes"])
    with pytest.raises(ValueError, match="`n_classes` must be an integer >= 2"):
        af.migrate(path, tmp_path / "new.ckpt", drop_heads=["0", "1"])
    path, _ = saved(tmp_path, WITH_HEADS["many-flat"], name="many.ckpt")
    with pytest.raises(ValueError, match="`drop_heads` must leave one head"):
        af.migrate(path, tmp_path / "new.ckpt", drop_heads=["0", "1", "2"])


@pytest.mark.parametrize("name", WITH_HEADS)
def test_with_heads_chooses_among_the_settings(name):
    """All of them in their order is the learner itself."""
    learner = WITH_HEADS[name]
    assert learner.with_heads([0, 1, 2]).to_config() == learner.to_config()
    names = ["p", "q", "r", "s"] if learner.demons else None
    four = learner.with_heads([2, 2, 0, 1], names)
    state = learned(four)
    assert predictions(four, state, np.zeros(DIM, np.float32)).shape == (4,)
    assert [d.gamma for d in four.demons] in ([], [0.5, 0.5, 0.9, 0.0])
    with pytest.raises(ValueError, match="`places` must be an integer >= 0 and < 3, got 3"):
        learner.with_heads([0, 1, 3], ["a", "b", "c"] if learner.demons else None)
    with pytest.raises(ValueError, match="`names` must be"):
        learner.with_heads([0, 1], ["a"])


SEVERAL = [
    n for n, each in SMALL.items() if getattr(each, "demons", ()) or hasattr(each, "n_heads")
]
SEVERAL += [n for n, each in SMALL.items() if getattr(each, "target_classes", None)]


@pytest.mark.parametrize("name", SEVERAL)
def test_every_class_of_several_heads_can_have_one_more(name, tmp_path):
    """Those whose inputs cannot be told apart, too."""
    learner = SMALL[name]
    path, state = saved(tmp_path, learner)
    count = predictions(learner, state, np.zeros(DIM, np.float32)).size
    more = {"more": "a"} if learner.demons else [str(count)]
    found = af.migrate(path, tmp_path / "new.ckpt", add_heads=more)
    made, migrated, _ = af.load_agent(tmp_path / "new.ckpt")
    assert found.heads == count + 1 and found.new_parts == found.dropped_parts == ()
    fresh = made.init(DIM, jax.random.key(0))
    assert_kept(state, migrated, fresh, list(range(count)), count, count + 1)
