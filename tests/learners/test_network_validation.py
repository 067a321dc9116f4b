"""Bad arguments of the network learners are refused by name, with the value and what is allowed."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.learners import network_cases, network_runs


def many(*arguments, **given):
    return af.MultiHeadMLPLearner(2, *arguments, **given)


EACH = pytest.mark.parametrize("build", [af.MLPLearner, many], ids=["one", "many"])
UNIT, NOT_FINITE = [-0.5, 1.5], [np.nan, np.inf, -np.inf]
BAD_NUMBERS = [
    (field, value)
    for field, outside in {
        "gamma": UNIT,
        "lamda": UNIT,
        "sparsity": UNIT,
        "step_size": [-0.5],
        "leaky_relu_slope": [],
    }.items()
    for value in [*outside, *NOT_FINITE]
]


@pytest.mark.parametrize("field, value", BAD_NUMBERS)
@EACH
def test_a_number_outside_its_range(build, field, value):
    with pytest.raises(ValueError) as caught:
        build((8,), **{field: value})
    assert f"`{field}`" in str(caught.value) and f"{value:g}" in str(caught.value)


@pytest.mark.parametrize("field", dict.fromkeys(field for field, _ in BAD_NUMBERS))
@pytest.mark.parametrize("value", [True, "0.1", None, 1j, [0.1]], ids=repr)
@EACH
def test_what_is_no_number(build, field, value):
    with pytest.raises((TypeError, ValueError), match=f"`{field}`"):
        build((8,), **{field: value})


@pytest.mark.parametrize("sizes", [(0,), (8, -1), (8.0,), (True,), ("8",), 8, "88", None], ids=repr)
@EACH
def test_sizes_that_are_none(build, sizes):
    with pytest.raises((TypeError, ValueError), match="`hidden_sizes`"):
        build(sizes)


@EACH
def test_sizes_may_be_a_list_or_none_at_all(build):
    assert build([8, 4]).hidden_sizes == (8, 4)
    assert build(()).hidden_sizes == ()


@pytest.mark.parametrize("heads", [0, -1, True, 2.0, "2", None], ids=repr)
def test_a_number_of_heads_that_is_none(heads):
    with pytest.raises((TypeError, ValueError), match="`n_heads`") as caught:
        af.MultiHeadMLPLearner(heads)
    assert repr(heads) in str(caught.value)


@pytest.mark.parametrize("decays", [(), (0.5,), (0.5, 0.5, 0.5), 0.5], ids=repr)
def test_there_is_one_decay_for_every_head(decays):
    with pytest.raises(ValueError, match=r"`per_head_gamma_lamda`.*2"):
        af.MultiHeadMLPLearner(2, (), per_head_gamma_lamda=decays)


@pytest.mark.parametrize("value", [1.5, -0.5, np.nan, np.inf])
def test_every_decay_of_a_head_has_a_range(value):
    with pytest.raises(ValueError, match="`per_head_gamma_lamda`") as caught:
        af.MultiHeadMLPLearner(2, (), per_head_gamma_lamda=(0.5, value))
    assert f"{value:g}" in str(caught.value)


@pytest.mark.parametrize("decays", ["ab", (0.5, "a"), (None, 0.5)], ids=repr)
def test_decays_that_are_no_numbers(decays):
    with pytest.raises((TypeError, ValueError), match="`per_head_gamma_lamda`"):
        af.MultiHeadMLPLearner(2, (), per_head_gamma_lamda=decays)


def test_decays_of_heads_are_kept_as_one_array():
    learner = af.MultiHeadMLPLearner(2, (), per_head_gamma_lamda=[0, 0.1])
    assert learner.per_head_gamma_lamda.dtype == np.float64
    np.testing.assert_array_equal(learner.per_head_gamma_lamda, [0.0, 0.1])
    # Hidden layers do not forbid them.
    af.MultiHeadMLPLearner(2, (8,), per_head_gamma_lamda=(0.9, 0.5))


@pytest.mark.parametrize("part", ["optimizer", "head_optimizer", "bounder", "normalizer"])
@EACH
def test_a_part_of_the_wrong_kind(build, part):
    for wrong in (af.TDIDBD(), 0.1, "LMS", af.LMS):
        with pytest.raises(TypeError, match=f"`{part}`"):
            build((8,), **{part: wrong})


@pytest.mark.parametrize("value", [1, "yes", None], ids=repr)
@EACH
def test_a_flag_is_a_bool(build, value):
    with pytest.raises((TypeError, ValueError), match="`use_layer_norm`"):
        build((8,), use_layer_norm=value)
    with pytest.raises((TypeError, ValueError), match="`use_bias`"):
        af.MultiHeadMLPLearner(2, use_bias=value)


@pytest.mark.parametrize("head", [False, True], ids=["optimizer", "head_optimizer"])
@EACH
def test_an_optimizer_without_a_path_for_tensors_is_refused_at_init(build, head):
    learner = build((8,), **{"head_optimizer" if head else "optimizer": af.ObGD()})
    with pytest.raises(NotImplementedError, match=r"ObGD.*ObGDBounding"):
        network_runs.begin(learner, {})


TRUNK = "^Trunk gamma\\*lamda must be 0"


def test_a_trunk_has_no_traces():
    """The errors of the heads enter its gradient before a trace could add them up."""
    for gamma, lamda in ((0.9, 0.8), (1, 1), (np.float32(0.1), jnp.float32(0.1))):
        with pytest.raises(ValueError, match=TRUNK) as caught:
            af.MultiHeadMLPLearner(2, (8,), gamma=gamma, lamda=lamda)
        assert f"{float(gamma):g}" in str(caught.value)
    af.MultiHeadMLPLearner(2, (8,), gamma=0.9)
    af.MultiHeadMLPLearner(2, (8,), lamda=0.9)
    af.MultiHeadMLPLearner(2, (), gamma=0.9, lamda=0.8)
    # One output's own error is not yet in the gradient of its prediction.
    af.MLPLearner((8,), gamma=0.9, lamda=0.8)


def test_every_lane_of_a_batched_trunk_decay_is_checked():
    with pytest.raises(ValueError, match=TRUNK):
        af.MultiHeadMLPLearner(2, (8,), gamma=jnp.array([0.0, 0.9]), lamda=0.8)
    af.MultiHeadMLPLearner(2, (8,), gamma=jnp.array([0.0, 0.9]), lamda=jnp.array([0.8, 0.0]))


def build_and_predict(gamma, lamda):
    """What the heads learn in two steps: the second prediction depends on the decay."""
    learner = af.MultiHeadMLPLearner(2, (4,), af.LMS(0.1), gamma=gamma, lamda=lamda)
    state = learner.init(3, jr.key(0))
    x, y = jnp.ones(3), jnp.ones(2)
    for _ in range(2):
        state = learner.update(state, x, y).state
    return learner.predict(state, x)


@pytest.mark.parametrize(
    "gamma, lamda", [("traced", 0.8), (0.9, "traced"), ("traced", "traced")], ids=str
)
def test_a_traced_trunk_decay_must_be_zero(gamma, lamda):
    """A learner built inside compiled code is checked when that runs."""

    @eqx.filter_jit
    def run(value):
        given = (value if part == "traced" else part for part in (gamma, lamda))
        return build_and_predict(*given)

    assert np.all(np.isfinite(run(jnp.float32(0.0))))
    with pytest.raises(Exception, match="Trunk gamma\\*lamda must be 0"):
        jax.block_until_ready(run(jnp.float32(0.9)))


def test_a_mapped_trunk_decay_must_be_zero():
    @eqx.filter_jit
    def run(gammas):
        return eqx.filter_vmap(lambda gamma: build_and_predict(gamma, 0.8))(gammas)

    assert np.all(np.isfinite(run(jnp.zeros(2))))
    with pytest.raises(Exception, match="Trunk gamma\\*lamda must be 0"):
        jax.block_until_ready(run(jnp.array([0.0, 0.9])))


def test_a_compiled_update_holds_no_check():
    """The learner is checked where it is built; a step pays nothing for it."""
    case = network_cases.FULL_MULTI_HEAD
    learner = case.build()
    state = jax.eval_shape(lambda: network_runs.begun(learner, case.parameters()))
    learner = eqx.tree_at(lambda l: (l.gamma, l.lamda), learner, (0.5, 0.5))
    x, y = jnp.zeros(network_cases.DIM), jnp.zeros(network_cases.HEADS)
    program = str(jax.make_jaxpr(lambda l, s: l.update(s, x, y))(learner, state))
    assert "callback" not in program


LEARNER = {
    "one": af.MLPLearner((), sparsity=0.5),
    "many": af.MultiHeadMLPLearner(2, (), sparsity=0.5),
}
GOOD, LONG = np.zeros(5, np.float32), np.zeros(7, np.float32)


@pytest.fixture(scope="module")
def states():
    return {
        "one": network_runs.begin(LEARNER["one"], {}),
        "many": network_runs.begin(LEARNER["many"], {}),
    }


def assert_refused(call, name, *told):
    with pytest.raises(TypeError) as caught:
        call()
    for word in (name, *told):
        assert word in str(caught.value), str(caught.value)


@pytest.mark.parametrize("method", ["update", "predict"])
@pytest.mark.parametrize("name", LEARNER)
def test_a_wrong_observation(states, name, method):
    target = (np.zeros(2, np.float32) if name == "many" else 1.0,) if method == "update" else ()
    call = getattr(LEARNER[name], method)
    for wrong, told in ((LONG, "7"), (GOOD[None], "1, 5"), (np.float32(1.0), "")):
        assert_refused(lambda x=wrong: call(states[name], x, *target), "observation", "5", told)


def test_a_wrong_target(states):
    update = LEARNER["one"].update
    assert_refused(lambda: update(states["one"], GOOD, np.zeros(2)), "target", "2")
    assert_refused(lambda: update(states["one"], GOOD, np.zeros((1, 1))), "target", "1, 1")


def test_targets_are_as_many_as_heads(states):
    update = LEARNER["many"].update
    for targets, told in ((np.zeros(1), "1"), (np.zeros(5), "5"), (np.zeros((2, 1)), "2, 1")):
        assert_refused(lambda t=targets: update(states["many"], GOOD, t), "targets", "2", told)
    assert_refused(lambda: update(states["many"], GOOD, 1.0), "targets", "2")


def test_a_wrong_mask(states):
    reset = LEARNER["many"].reset_traces
    for mask in (np.ones(3, bool), np.ones((1, 2), bool), np.ones(2)):
        assert_refused(lambda m=mask: reset(states["many"], m), "mask")


@pytest.mark.parametrize("bad", [0, -1, 2.0, True, "3"], ids=repr)
@EACH
def test_a_wrong_feature_dim(build, bad):
    with pytest.raises((TypeError, ValueError), match="feature_dim") as caught:
        build((8,)).init(bad, jr.key(0))
    assert str(bad) in str(caught.value)


@pytest.mark.parametrize("key", [0, None, 0.5], ids=repr)
@EACH
def test_a_wrong_key(build, key):
    with pytest.raises((TypeError, ValueError), match="`key`"):
        build(()).init(2, key)
