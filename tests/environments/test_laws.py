"""What holds for every environment in JAX."""

import inspect
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.environments import cases
from tests.environments.cases import each, each_number

STEPS = 300


def assert_close(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        # One step in two programs, which may contract products and sums differently.
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def test_every_environment_has_a_row():
    public = {getattr(af, name) for name in dir(af) if not name.startswith("_")}
    environments = {
        cls.__name__
        for cls in public
        if inspect.isclass(cls) and issubclass(cls, af.AbstractEnvironment)
        # Those of other packages have rows and laws of their own.
        if not cls.__name__.startswith("Abstract") and not issubclass(cls, af.AbstractAdapter)
    }
    assert environments == {row.kind for row in cases.ROWS}


@each
def test_every_number_has_a_row(row):
    leaves = jax.tree_util.tree_leaves_with_path(row.build())
    own = {path[0].name for path, _ in leaves if len(path) == 1}
    assert own == set(row.numbers)


@each
def test_shapes_and_dtypes_are_those_declared(row):
    environment = row.build()
    state, observation = cases.begun(environment, jr.key(0))
    action = cases.blank(environment.action_space)
    after, now = cases.stepped(environment, state, action, jr.key(1))
    again, seen = jax.jit(lambda e, s, k: e.restart(s, k))(environment, after, jr.key(2))
    for found in (observation, now.observation, seen):
        assert found.shape == (environment.observation_size,) and found.dtype == jnp.float32
        assert not found.weak_type
    for flag in (now.terminated, now.truncated):
        assert flag.shape == () and flag.dtype == jnp.bool_
    assert now.reward.shape == () and now.reward.dtype == jnp.float32
    shapes = [
        jax.tree.map(lambda a: (a.shape, a.dtype, a.weak_type), s) for s in (state, after, again)
    ]
    assert shapes[0] == shapes[1] == shapes[2]
    assert isinstance(state, af.AbstractState)


@each
def test_a_life_is_finite_and_its_ends_are_those_declared(row):
    _, (_, actions, _), (_, seen) = cases.life(row.build(), jr.key(3), num_steps=STEPS)
    assert np.all(jax.vmap(row.build().action_space.contains)(actions))
    assert np.all(np.isfinite(seen.observation)) and np.all(np.isfinite(seen.reward))
    assert not np.any(seen.terminated & seen.truncated)
    found = [name for name in cases.BOTH if np.any(getattr(seen, name))]
    assert found == [name for name in cases.BOTH if name in row.ends]


@each
def test_a_discrete_observation_is_one_hot(row):
    first, _, (_, seen) = cases.life(row.build(), jr.key(3), num_steps=STEPS)
    observations = np.vstack([first[None], seen.observation])
    sums, largest = observations.sum(1), observations.max(1)
    # The walk has no state to be seen after its end.
    alive = ~np.append(False, seen.terminated)
    is_one_hot = np.all(np.isin(observations, (0, 1))) and np.all(
        (sums == 1) & (largest == 1) | ~alive
    )
    assert is_one_hot == row.one_hot or observations.shape[1] == 1


@each
def test_the_same_arguments_give_the_same_world_compiled_or_not(row):
    environment = row.build()
    _, _, one = cases.life(environment, jr.key(4), num_steps=STEPS)
    _, _, other = cases.life(environment, jr.key(4), num_steps=STEPS)
    assert eqx.tree_equal(one, other)
    state, observation = environment.reset(jr.key(5))
    assert_close((state, observation), cases.begun(environment, jr.key(5)))
    action = environment.action_space.sample(jr.key(6))
    kept = jax.tree.map(np.array, state)
    plain = environment.step(state, action, jr.key(7))
    assert_close(plain, cases.stepped(environment, state, action, jr.key(7)))
    for a, b in zip(jax.tree.leaves(kept), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(a, b)


def stacked(*trees):
    def one(*leaves):
        if isinstance(leaves[0], jax.Array):
            return jnp.stack(leaves)
        dtype = jnp.int32 if isinstance(leaves[0], int) else jnp.float32
        return jnp.asarray(leaves, dtype)

    return jax.tree.map(one, *trees)


@each
def test_vmap_over_a_number_is_the_loop(row):
    changes = [{f: v} for f, values in row.numbers.items() for v in values]
    environments = [row.build(**change) for change in [{}, *changes]]
    lives = [cases.life(environment, jr.key(8), num_steps=STEPS) for environment in environments]
    for place, change in enumerate(changes):
        other = 1 + (place + 1 if place % 2 == 0 else place - 1)
        told = f"{change} makes no difference"
        assert not eqx.tree_equal(lives[1 + place][2], lives[other][2]), told

    def steps(environment, states, actions, keys):
        return jax.vmap(environment.step)(states, actions, keys)

    _, before, after = stacked(*lives)
    lanes = jax.jit(jax.vmap(steps))(stacked(*environments), *before)
    assert_close(lanes, after)


@each_number
def test_a_number_may_be_traced(row, field):
    value = row.numbers[field][0]
    shape = jax.ShapeDtypeStruct((), jnp.int32 if isinstance(value, int) else jnp.float32)
    built = jax.eval_shape(lambda value: row.build(**{field: value}).reset(jr.key(0)), shape)
    default = jax.eval_shape(lambda: row.build().reset(jr.key(0)))
    assert jax.tree.structure(built) == jax.tree.structure(default)


@each_number
def test_another_number_compiles_nothing(row, field):
    values = row.numbers[field]
    cases.life(row.build(**{field: values[0]}), jr.key(8), num_steps=STEPS)
    other = row.build(**{field: values[1]})
    with count_compilations() as compiled:
        cases.life(other, jr.key(9), num_steps=STEPS)
    assert not compiled


@each
def test_the_configuration_goes_through_json_and_back(row):
    for environment in (row.build(), *(row.build(**{f: v[1]}) for f, v in row.numbers.items())):
        config = environment.to_config()
        again = af.from_config(json.loads(json.dumps(config, allow_nan=False)))
        assert eqx.tree_equal(again, environment) is True
        assert again.to_config() == config


@pytest.mark.parametrize("value", [np.nan, np.inf, "1", True, None], ids=repr)
@each_number
def test_what_is_no_number_is_refused_by_name(row, field, value):
    with pytest.raises((TypeError, ValueError), match=f"`{field}`"):
        row.build(**{field: value})


def bad_actions(space):
    if isinstance(space, af.DiscreteActions):
        return [jnp.int32(-1), jnp.int32(space.n), jnp.int32(2**31 - 1), jnp.int32(-(2**31))]
    return [jnp.full(space.shape, jnp.nan)]


@each
def test_an_action_that_does_not_exist_has_no_reward_and_breaks_nothing(row):
    environment = row.build()
    # Where the last action is repeated the bad one may not be done: of another kind of row.
    if isinstance(environment, af.StickyActions):
        environment = row.build(probability=0.0)
    state, _ = cases.begun(environment, jr.key(0))
    for action in bad_actions(environment.action_space):
        after, now = cases.stepped(environment, state, action, jr.key(1))
        assert np.isnan(now.reward)
        assert np.all(np.isfinite(now.observation))
        _, unhurt = cases.stepped(
            environment, after, cases.blank(environment.action_space), jr.key(2)
        )
        assert np.isfinite(unhurt.reward) and np.all(np.isfinite(unhurt.observation))
