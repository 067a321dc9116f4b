"""What holds for every step rule."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.step_rules import cases
from tests.trees import assert_leaves_close, assert_same_bits, assert_same_steps, lane, layout

LIFE = cases.life(seed=1)
each = pytest.mark.parametrize("case", cases.APART, ids=str)


def row(t, **changes):
    names = ("gradients", "ahead", "errors", "decays", "resets")
    now = dict(zip(names, lane(LIFE.rows(), t), strict=True)) | changes
    return tuple(now.values())


def experienced(case):
    return cases.lived(case.build(), LIFE.rows())[0]


@pytest.mark.parametrize("case", cases.ALONE, ids=str)
def test_update_is_direction_and_then_step(case):
    """Bit for bit: they are the same program."""
    rule = cases.strong(case.build())

    def updated(rule, state, now, params):
        gradient, _, error, decay, reset = now
        return rule.update(state, gradient, error, decay, reset, params=params)

    def stepped(rule, state, now, params):
        gradient, _, error, decay, reset = now
        direction, state = rule.direction(state, gradient, decay)
        return rule.step(state, gradient, direction, error, None, decay, reset, params=params)

    arguments = rule, rule.init(cases.zeros()), row(3), cases.zeros()
    one, other = (str(eqx.filter_make_jaxpr(f)(*arguments)[0]) for f in (updated, stepped))
    assert one == other and "mul" in one


@pytest.mark.parametrize("case", cases.AHEAD, ids=str)
def test_update_refuses_where_the_rule_has_to_be_told_more(case):
    rule, state = case.build(), experienced(case)
    gradient, _, error, decay, _ = row(3)
    with pytest.raises(ValueError, match=r"\.update: the rule needs 'directional'.*`Bootstrap`"):
        rule.update(state, gradient, error, decay)


def test_who_looks_ahead():
    names = {str(case) for case in cases.AHEAD}
    assert names == {
        "AlphaBound",
        "Implicit, full",
        "Implicit, normalized and clipped",
        "ImplicitTD, full",
    }


@each
def test_the_trace_is_the_plain_sum_whatever_bounds_the_step(case):
    """Errors so large that every bound is at work."""
    errors = np.float32(1e3) * LIFE.errors
    rows = (LIFE.gradients, LIFE.ahead, errors, LIFE.decays, np.zeros_like(LIFE.resets))
    _, (_, traces, _) = cases.lived(case.build(), rows)

    def add(z, now):
        z = af.Accumulating().update(z, *now)
        return z, jax.tree.leaves(z)

    _, sums = jax.jit(lambda rows: jax.lax.scan(add, cases.zeros(), rows))(
        (LIFE.gradients, LIFE.decays)
    )
    for ours, expected in zip(traces, sums, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6)


@each
def test_a_reset_clears_the_trace_after_the_step_and_nothing_else(case):
    rule, state = case.build(), experienced(case)
    cut, kept = (
        cases.stepped(rule, state, row(5, resets=np.bool_(flag))) for flag in (True, False)
    )
    assert_same_bits(cut[0], kept[0])
    assert_same_bits(cut[2], kept[2])
    assert all(np.any(np.asarray(change) != 0) for change in jax.tree.leaves(cut[0]))
    assert all(not np.any(np.asarray(z)) for z in cases.trace_of(cut[1]))
    assert all(np.any(np.asarray(z)) for z in cases.trace_of(kept[1]))
    assert_same_bits(cut[1], with_trace_at_0(kept[1]))


def with_trace_at_0(state):
    return eqx.tree_at(
        cases.trace_of, state, [0.0 * z for z in map(jnp.abs, cases.trace_of(state))]
    )


@each
def test_cut_is_such_a_reset_where_it_is_told(case):
    rule, state = case.build(), experienced(case)
    state = cases.stepped(rule, state, row(5, resets=np.bool_(False)))[1]
    for flag in (True, np.bool_(True), jnp.asarray(True)):
        assert_same_bits(rule.cut(state, flag), with_trace_at_0(state))
    assert_same_bits(rule.cut(state), with_trace_at_0(state))
    for flag in (False, jnp.asarray(False)):
        assert_same_bits(rule.cut(state, flag), state)


@each
def test_a_state_keeps_its_shapes_and_dtypes(case):
    rule = case.build()
    assert layout(rule.init(cases.zeros())) == layout(experienced(case))


@each
def test_what_has_to_be_finite_is_told_and_is(case):
    told = jax.tree.leaves(case.build().witnesses(experienced(case)))
    assert all(np.all(np.isfinite(leaf)) for leaf in told)
    rule, state = case.build(), experienced(case)
    spoilt = jax.tree.map(lambda g: jnp.full_like(g, jnp.nan), row(3)[0])
    changes, after, _ = cases.stepped(rule, state, row(3, gradients=spoilt))
    told = jax.tree.leaves((changes, rule.witnesses(after)))
    assert not all(np.all(np.isfinite(leaf)) for leaf in told)


def variations(case):
    """The rule with each value of each of its numbers, one at a time."""
    return [
        case.build(**{name: value}) for name, values in case.numbers.items() for value in values
    ]


@pytest.mark.parametrize("case", cases.APART, ids=str)
def test_a_vmap_over_numbers_is_a_loop_over_them_in_one_program(case):
    rules = list(map(cases.strong, variations(case)))
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *rules)

    @eqx.filter_jit
    def changes(rules):
        return eqx.filter_vmap(lambda rule: cases.life_of(rule, LIFE.rows())[1][0])(rules)

    together = changes(stacked)
    cases.lived(case.build(), LIFE.rows())
    with count_compilations() as compiled:
        alone = [cases.lived(rule, LIFE.rows())[1][0] for rule in rules]
    assert not compiled
    for i, expected in enumerate(alone):
        assert_leaves_close(lane(together, i), expected, relative=2e-5, absolute=1e-6)
    for i, name in enumerate(case.numbers):
        one, other = (np.asarray(alone[3 * i + k]["weights"]) for k in (0, 1))
        assert not np.allclose(one, other, rtol=1e-3, atol=0.0), name


@each
def test_a_configuration_round_trips(case):
    for rule in (case.make(), case.build()):
        config = rule.to_config()
        again = af.from_config(json.loads(json.dumps(config)))
        assert type(again) is type(rule) and again.to_config() == config
        ours, theirs = (cases.lived(r.averaging(0.72), LIFE.rows())[1][0] for r in (rule, again))
        assert_same_steps(ours, theirs)


@pytest.mark.parametrize("case", cases.AVERAGING, ids=str)
def test_an_average_at_the_rate_1_never_moves_and_is_refused(case):
    rule = case.make()
    for decay in (1.0, np.float32(1), jnp.float32(1), jnp.float32([0.5, 1.0])):
        with pytest.raises(
            ValueError, match=r"`average_decay` must lie in \[0, 1\).*one of its own"
        ):
            rule.averaging(decay)
    with pytest.raises(ValueError, match="average_decay"):
        case.make(average_decay=1.0)
    own = case.make(average_decay=0.5)
    assert own.averaging(1.0) is own


@pytest.mark.parametrize("case", cases.AVERAGING, ids=str)
def test_averages_move_at_the_agent_s_rate_and_not_at_the_step_s(case):
    """An episode's first step, of decay 0, leaves them alone."""
    rules = case.build(), case.make(average_decay=cases.DECAY), case.make()
    agent, own, of_steps = (cases.lived(rule, LIFE.rows())[1][0] for rule in rules)
    assert_leaves_close(agent, own, relative=1e-5)
    assert not np.allclose(agent["bias"], of_steps["bias"], rtol=1e-2)


@pytest.mark.parametrize("case", [c for c in cases.CASES if c not in cases.AVERAGING], ids=str)
def test_who_keeps_no_such_average_takes_every_decay(case):
    rule = case.make()
    if getattr(rule, "average_decay", 0.0) is not None:
        assert rule.averaging(1.0) is rule
