"""What every method against loss of plasticity keeps to."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.plasticity import cases
from tests.streams.cases import key_data
from tests.trees import assert_same_bits, named_leaves, once_more_rejected

if not hasattr(af, "ContinualBackprop"):
    pytest.skip("no methods against loss of plasticity yet", allow_module_level=True)

MORE = [
    cases.Row("PlasticityMonitor", {"window": 4}, {}),
    cases.Row("SelfNormalizedResets", {}, {}),
]
each = pytest.mark.parametrize("row", cases.ROWS, ids=str)
each_and_more = pytest.mark.parametrize("row", [*cases.ROWS, *MORE], ids=str)
STEPS = 2 * cases.PERIOD


def run(plasticity):
    """States before and after each of the steps."""
    return cases.History(cases.network(plasticity), *cases.regression(STEPS)).states


@each_and_more
def test_a_rejected_step_leaves_everything_as_it_is(row):
    """Also where a reset was due: the sixth step ends every period."""
    learner = cases.network(row.build())
    xs, ys = cases.regression(cases.PERIOD)
    state = cases.begun(learner, jax.random.key(0))
    for x, y in zip(xs[:-1], ys[:-1], strict=True):
        state = learner.update(state, x, y).state
    nan, inf = np.float32(np.nan), np.float32(np.inf)
    for x, y in (
        (xs[-1].at[1].set(nan), ys[-1]),
        (xs[-1].at[0].set(inf), ys[-1]),
        (xs[-1], inf),
        (xs[-1], nan),
    ):
        result = learner.update(state, x, y)
        assert bool(result.rejected)
        assert_same_bits(key_data(result.state), key_data(once_more_rejected(state)))
    # The step is due still.
    once = learner.update(state, xs[-1], ys[-1]).state
    after = learner.update(result.state, xs[-1], ys[-1]).state
    after = after.replace(rejected_count=0, rejected_in_a_row=0)
    assert_same_bits(key_data(after), key_data(once))


@each
def test_every_method_does_something(row):
    plain = cases.History(cases.network(), *cases.regression(STEPS))
    ours = run(row.build())
    different = [
        np.any(a != b)
        for a, b in zip(cases.tensors(ours[-1]), cases.tensors(plain.last), strict=True)
    ]
    assert all(different[:3]), different


def test_without_a_method_there_is_no_state_of_one():
    state = cases.begun(cases.network(), jax.random.key(0))
    assert state.plasticity_state is None


@pytest.mark.parametrize("kind", ["L2Init", "ShrinkAndPerturb", "UPGD"])
def test_a_head_without_a_target_stays_as_it_is(kind):
    row = cases.ROW_OF[kind]
    learner = af.MultiHeadMLPLearner(
        cases.HEADS,
        (8,),
        af.LMS(0.02),
        sparsity=0.0,
        use_layer_norm=False,
        plasticity=row.build(),
    )
    xs, ys = cases.regression(4, outputs=(cases.HEADS,))
    state = learner.init(cases.DIM, jax.random.key(0))
    for x, y in zip(xs, ys, strict=True):
        state = learner.update(state, x, y).state
    result = learner.update(state, xs[0], ys[1].at[1].set(jnp.nan))
    assert not result.rejected
    before, after = state.head_params, result.state.head_params
    for name in ("weights", "biases"):
        old, new = np.asarray(getattr(before, name)), np.asarray(getattr(after, name))
        assert_same_bits(new[1], old[1])
        assert np.all(new[[0, 2]] != old[[0, 2]])
    assert np.all(np.asarray(result.state.trunk_params.weights[0] != state.trunk_params.weights[0]))


@each
def test_a_sweep_is_the_python_loop(row):
    """In each lane one number differs from the row's; the key is the same for all."""
    points = [{}, *({field: value} for field, value in row.numbers.items())]
    singles = [run(as_numbers(row.build(**point)))[-1] for point in points]
    usual = row.build()
    for field, single in zip(row.numbers, singles[1:], strict=True):
        pairs = zip(cases.tensors(single), cases.tensors(singles[0]), strict=True)
        assert any(np.any(a != b) for a, b in pairs), f"{field} has no effect"
    batch = row.build(
        **{
            field: jnp.asarray(
                [point.get(field, getattr(usual, field)) for point in points],
                jnp.int32 if isinstance(value, int) else jnp.float32,
            )
            for field, value in row.numbers.items()
        }
    )
    learners = cases.network(batch)
    # Lanes are the leaves of the method that were given as such; the others are for all of them.
    of_method, rest = eqx.partition(learners, eqx.is_array)
    xs, ys = cases.regression(STEPS)

    def last(of_method):
        learner = eqx.combine(of_method, rest)
        state = learner.init(cases.DIM, jax.random.key(0))
        return jax.tree.map(lambda leaf: leaf[-1], cases.states_after(learner, state, xs, ys))

    batched = key_data(jax.jit(jax.vmap(last))(of_method))
    for index, single in enumerate(singles):
        truth = dict(named_leaves(key_data(single)))
        lane = jax.tree.map(lambda leaf, index=index: leaf[index], batched)
        for path, leaf in named_leaves(lane):
            if "birth" in path or ".life" in path:
                continue
            # The same steps in another program.
            size = np.max(np.abs(truth[path]), initial=0.0)
            np.testing.assert_allclose(leaf, truth[path], rtol=1e-5, atol=1e-5 * size, err_msg=path)


def as_numbers(component):
    """With every number an array, as a loop sees it."""
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf, jnp.int32 if isinstance(leaf, int) else jnp.float32),
        component,
    )


@each
def test_other_numbers_and_keys_do_not_recompile(row):
    run(as_numbers(row.build()))
    other = as_numbers(row.build(**row.numbers))
    with count_compilations() as compiled:
        run(other)
        learner = cases.network(other)
        cases.states_after(
            learner, cases.begun(learner, jax.random.key(3)), *cases.regression(STEPS)
        )
    assert not compiled


def test_an_update_by_itself_is_one_program_for_all_numbers():
    row = cases.ROW_OF["ContinualBackprop"]
    x, y = (column[0] for column in cases.regression(1))

    def update(plasticity):
        learner = cases.network(plasticity, hidden_sizes=(7,))
        return learner.update(learner.init(cases.DIM, jax.random.key(0)), x, y)

    update(row.build())
    with count_compilations() as compiled:
        update(row.build(**row.numbers))
    assert not compiled


@each_and_more
def test_a_configuration_brings_the_method_back(row):
    learner = cases.network(row.build())
    again = type(learner).from_config(learner.to_config())
    assert again.plasticity == learner.plasticity


def test_what_is_no_method_is_refused():
    with pytest.raises(TypeError, match="`plasticity` must be an AbstractPlasticity or None"):
        cases.network(plasticity=af.LMS(0.1))
