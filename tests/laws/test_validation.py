"""Bad arguments are refused at construction, by name, with the value and what is allowed."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.laws import components

NON_NEGATIVE, POSITIVE, UNIT = [-0.5], [0.0, -0.5], [-0.5, 1.5]
RANGES = {
    "LMS": {"step_size": NON_NEGATIVE},
    "IDBD": {"initial_step_size": POSITIVE, "meta_step_size": NON_NEGATIVE},
    "Autostep": {
        "initial_step_size": POSITIVE,
        "meta_step_size": NON_NEGATIVE,
        "tau": POSITIVE,
        "min_step_size": NON_NEGATIVE,
    },
    "FADE": {
        "initial_step_size": POSITIVE,
        "meta_step_size": NON_NEGATIVE,
        "initial_decay": [*POSITIVE, 1.5],
        "decay_meta_step_size": NON_NEGATIVE,
        "min_decay": [*POSITIVE, 1.5],
        "max_decay": [*POSITIVE, 1.5],
    },
    "ObGD": {"step_size": NON_NEGATIVE, "kappa": NON_NEGATIVE, "gamma": UNIT, "lamda": UNIT},
    "TDIDBD": {
        "initial_step_size": POSITIVE,
        "meta_step_size": NON_NEGATIVE,
        "trace_decay": UNIT,
    },
    "AutoTDIDBD": {
        "initial_step_size": POSITIVE,
        "meta_step_size": NON_NEGATIVE,
        "trace_decay": UNIT,
        "normalizer_decay": POSITIVE,
    },
    "ObGDBounding": {"kappa": NON_NEGATIVE},
    "AGCBounding": {"clip_factor": POSITIVE, "eps": POSITIVE},
    "EMANormalizer": {"epsilon": POSITIVE, "decay": UNIT},
    "WelfordNormalizer": {"epsilon": POSITIVE},
}
LOG_BOUNDS = {"min_log_step_size": [], "max_log_step_size": []}
for kind in ("IDBD", "TDIDBD", "AutoTDIDBD"):
    RANGES[kind] |= LOG_BOUNDS | {"max_effective_step": POSITIVE}
for kind in ("IDBD", "TDIDBD"):
    RANGES[kind] |= {"max_log_step_change": POSITIVE}
RANGES["WelfordNormalizer"] |= {"clip": POSITIVE, "memory": [*POSITIVE, 1.9]}


FIELDS = [(kind, field, bad) for kind, fields in RANGES.items() for field, bad in fields.items()]
OUTSIDE = [(kind, field, value) for kind, field, bad in FIELDS for value in bad]
NOT_FINITE = [np.nan, np.inf, -np.inf]


def told(value):
    return f"{value:g}"


def test_every_number_of_every_component_has_a_range_here():
    ranged = {(kind, field) for kind, field, _ in FIELDS} | {("Autostep", "max_step_size")}
    rows = {(row.kind, field) for row in components.ALL for field in row.numbers}
    assert ranged == rows


@pytest.mark.parametrize("kind, field, value", OUTSIDE)
def test_a_value_outside_its_range(kind, field, value):
    with pytest.raises(ValueError) as caught:
        getattr(af, kind)(**{field: value})
    assert f"`{field}`" in str(caught.value) and told(value) in str(caught.value)


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("kind, field", [(kind, field) for kind, field, _ in FIELDS])
def test_a_value_that_is_not_finite(kind, field, value):
    with pytest.raises(ValueError) as caught:
        getattr(af, kind)(**{field: value})
    assert f"`{field}`" in str(caught.value) and told(value) in str(caught.value)


@pytest.mark.parametrize("value", [True, False, "0.1", 1j, [0.1]], ids=repr)
@pytest.mark.parametrize("kind, field", [(kind, field) for kind, field, _ in FIELDS])
def test_what_is_no_number(kind, field, value):
    with pytest.raises((TypeError, ValueError), match=f"`{field}`"):
        getattr(af, kind)(**{field: value})


@pytest.mark.parametrize("kind, field, value", OUTSIDE)
def test_arrays_are_checked_element_by_element(kind, field, value):
    rows = (row for row in components.ALL if row.kind == kind)
    good = next(row.numbers[field][1] for row in rows if field in row.numbers)
    with pytest.raises(ValueError, match=f"`{field}`"):
        getattr(af, kind)(**{field: jnp.array([good, value], jnp.float32)})


@pytest.mark.parametrize("row", components.ONE_OF_EACH, ids=str)
def test_good_values_of_every_kind_are_kept_as_they_are(row):
    field = next(iter(row.numbers))
    kinds = (1, 0.5, np.float32(0.5), np.float64(0.5), np.array(0.5), jnp.array([0.5, 0.25]))
    for value in kinds:
        kept = getattr(row.build(**{field: value}), field)
        assert type(kept) is type(value)
        np.testing.assert_array_equal(kept, value)


@pytest.mark.parametrize("kind, field, value", OUTSIDE)
def test_tracers_pass(kind, field, value):
    def build(value):
        return getattr(af, kind)(**{field: value})

    kept = jax.jit(lambda v: getattr(build(v), field))(jnp.float32(value))
    assert kept == np.float32(value)
    swept = eqx.filter_vmap(build)(jnp.full(2, value, jnp.float32))
    np.testing.assert_array_equal(getattr(swept, field), np.full(2, value, np.float32))


@pytest.mark.parametrize(
    "kind, field, value, start",
    [
        ("IDBD", "h_decay_mode", "both", "Invalid h_decay_mode"),
        ("IDBD", "param_meta", "loss", ""),
        ("TDIDBD", "trace_discount", "both", ""),
        ("AutoTDIDBD", "trace_discount", "", ""),
        ("AGCBounding", "unit_axis", 1, ""),
        ("AGCBounding", "unit_axis", 2, ""),
    ],
)
def test_an_option_that_does_not_exist(kind, field, value, start):
    with pytest.raises(ValueError) as caught:
        getattr(af, kind)(**{field: value})
    message = str(caught.value)
    assert message.startswith(start) and field in message and repr(value) in message


@pytest.mark.parametrize("value", ["yes", 1, None], ids=repr)
def test_a_flag_is_a_bool(value):
    with pytest.raises((TypeError, ValueError), match="use_semi_gradient"):
        af.TDIDBD(use_semi_gradient=value)
    for learner in (af.LinearLearner, af.TDLinearLearner):
        with pytest.raises((TypeError, ValueError), match="use_bias"):
            learner(use_bias=value)


@pytest.mark.parametrize("kind", ["IDBD", "TDIDBD", "AutoTDIDBD"])
@pytest.mark.parametrize("low, high", [(1.0, 1.0), (2.0, -3.0)])
def test_bounds_of_log_step_sizes_must_be_in_order(kind, low, high):
    with pytest.raises(ValueError, match="min_log_step_size"):
        getattr(af, kind)(min_log_step_size=low, max_log_step_size=high)


@pytest.mark.parametrize("low, high", [(0.1, 0.1), (0.5, 0.2), (0.0, 0.0)])
def test_bounds_of_step_sizes_must_be_in_order(low, high):
    with pytest.raises(ValueError, match="min_step_size"):
        af.Autostep(min_step_size=low, max_step_size=high)
    with pytest.raises(ValueError, match="max_step_size"):
        af.Autostep(max_step_size=np.nan)


def test_the_largest_step_size_may_be_infinite():
    assert af.Autostep(max_step_size=np.inf).max_step_size == np.inf


STATEFUL = [row for row in components.ONE_OF_EACH if row.path != "bound"]


@pytest.mark.parametrize("bad", [0, -1, 2.0, True, "3"], ids=repr)
@pytest.mark.parametrize("row", STATEFUL, ids=str)
def test_a_feature_dim_is_an_int_of_at_least_one(row, bad):
    with pytest.raises((TypeError, ValueError), match="feature_dim") as caught:
        row.build().init(bad)
    assert str(bad) in str(caught.value)


@pytest.mark.parametrize("bad", [(0,), (2, -1), (2.0,), (True,), ("2",)], ids=repr)
@pytest.mark.parametrize("kind", ["LMS", "IDBD", "Autostep", "FADE"])
def test_a_shape_is_a_tuple_of_ints_of_at_least_one(kind, bad):
    with pytest.raises((TypeError, ValueError), match="shape"):
        getattr(af, kind)().init_for_shape(bad)


@pytest.mark.parametrize("kind", ["LMS", "IDBD", "Autostep", "FADE"])
def test_a_tensor_may_be_a_scalar(kind):
    optimizer = getattr(af, kind)(0.1)
    state = optimizer.init_for_shape(())
    step, _ = optimizer.step_on(state, jnp.float32(2.0), 0.5, jnp.float32(0.0))
    assert step.shape == ()
    np.testing.assert_allclose(step, 0.2, rtol=1e-5)


def assert_refused(call, name, *told):
    with pytest.raises(TypeError) as caught:
        call()
    message = str(caught.value)
    for word in (name, *told):
        assert word in message, message


FIVE, SEVEN, TWO = jnp.zeros(5), jnp.zeros(7), jnp.zeros(2)


@pytest.mark.parametrize("kind", ["LMS", "IDBD", "Autostep", "FADE", "ObGD"])
def test_wrong_arrays_of_an_optimizer(kind):
    optimizer = getattr(af, kind)()
    state = optimizer.init(5)

    def change(error, observation):
        return optimizer.change(state, error, observation, FIVE, 0.0)

    # The state of LMS has no axis, so that any vector fits it.
    if kind != "LMS":
        assert_refused(lambda: change(1.0, SEVEN), "observation", "5", "7")
    assert_refused(lambda: change(1.0, jnp.zeros((5, 1))), "observation", "5, 1")
    assert_refused(lambda: change(TWO, FIVE), "error", "2")
    assert_refused(lambda: change(jnp.zeros((1, 1)), FIVE), "error", "1, 1")


@pytest.mark.parametrize("kind", ["LMS", "IDBD", "Autostep", "FADE"])
def test_wrong_arrays_of_a_tensor(kind):
    optimizer = getattr(af, kind)()
    state, good = optimizer.init_for_shape((5, 3)), jnp.zeros((5, 3))
    if kind != "LMS":
        wrong = jnp.zeros((3, 5))
        call = lambda: optimizer.step_on(state, wrong, 1.0, good)  # noqa: E731
        assert_refused(call, "gradient", "5, 3", "3, 5")
    assert_refused(lambda: optimizer.step_on(state, good, TWO, good), "error", "2")


@pytest.mark.parametrize("kind", ["TDIDBD", "AutoTDIDBD"])
def test_wrong_arrays_of_a_td_optimizer(kind):
    optimizer = getattr(af, kind)()
    state, update = optimizer.init(5), optimizer.update
    assert_refused(lambda: update(state, 1.0, SEVEN, FIVE, 0.9), "observation", "5", "7")
    assert_refused(lambda: update(state, 1.0, FIVE, SEVEN, 0.9), "next_observation", "5", "7")
    assert_refused(lambda: update(state, TWO, FIVE, FIVE, 0.9), "td_error", "2")
    assert_refused(lambda: update(state, 1.0, FIVE, FIVE, TWO), "gamma", "2")


@pytest.mark.parametrize("method", ["normalize", "normalize_only", "update_only"])
@pytest.mark.parametrize("kind", ["EMANormalizer", "WelfordNormalizer"])
def test_wrong_arrays_of_a_normalizer(kind, method):
    normalizer = getattr(af, kind)()
    call = getattr(normalizer, method)
    assert_refused(lambda: call(normalizer.init(5), SEVEN), "observation", "5", "7")


@pytest.mark.parametrize("kind", ["ObGDBounding", "AGCBounding"])
def test_wrong_arrays_of_a_bounder(kind):
    bound = getattr(af, kind)().bound
    assert_refused(lambda: bound((FIVE,), TWO, (FIVE,)), "error", "2")


def test_agc_needs_a_parameter_for_every_step():
    bound = af.AGCBounding().bound
    assert_refused(lambda: bound((FIVE,), 1.0, (SEVEN,)), "params", "5", "7")
    with pytest.raises((TypeError, ValueError), match="params"):
        bound((FIVE, FIVE), 1.0, (FIVE,))


@pytest.mark.parametrize("learner", ["LinearLearner", "TDLinearLearner"])
@pytest.mark.parametrize("part", ["optimizer", "normalizer"])
def test_a_part_of_the_wrong_kind(learner, part):
    with pytest.raises(TypeError, match=f"`{part}`"):
        getattr(af, learner)(**{part: af.AGCBounding()})
    with pytest.raises(TypeError, match=f"`{part}`"):
        getattr(af, learner)(**{part: 0.1})


def test_supervised_and_td_optimizers_are_not_interchangeable():
    with pytest.raises(TypeError, match="`optimizer`"):
        af.LinearLearner(af.TDIDBD())
    with pytest.raises(TypeError, match="`optimizer`"):
        af.TDLinearLearner(af.IDBD())
    with pytest.raises(TypeError, match="`bounder`"):
        af.LinearLearner(bounder=af.EMANormalizer())
