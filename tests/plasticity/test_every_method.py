"""What every method against loss of plasticity keeps to."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.compilation.boundary import strong
from tests.compilations import count_compilations
from tests.learners.network_runs import UNOPTIMIZED
from tests.plasticity import cases
from tests.trees import assert_same_bits, lane, named_leaves, once_more_rejected

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
    """Also where a reset is due: the sixth step, before which they come, ends every period."""
    learner, due = cases.network(row.build()), cases.PERIOD - 1
    xs, ys = cases.regression(STEPS)
    usual = cases.History(learner, xs, ys)
    nan, inf = np.float32(np.nan), np.float32(np.inf)
    bad = [
        (np.where(np.arange(cases.DIM) == 1, nan, xs[0]), ys[0]),
        (np.where(np.arange(cases.DIM) == 0, -inf, xs[0]), ys[0]),
        (xs[0], inf),
        (xs[0], nan),
    ]
    xs, ys = (
        np.concatenate([column[:due], np.float32(rows), column[due:]])
        for column, rows in zip((xs, ys), zip(*bad, strict=True), strict=True)
    )
    states = cases.History(learner, xs, ys, usual.begin).states
    for t in range(due, due + len(bad)):
        assert_same_bits(states[t + 1], once_more_rejected(states[t]))
        assert states[t + 1].step_count == states[t].step_count == due
    # As if nothing had happened: what was due is due still.
    for t in range(due, STEPS + 1):
        after = states[t + len(bad)].replace(rejected_count=0, rejected_in_a_row=0)
        assert_same_bits(after, usual.states[t])


@each
def test_lives_with_other_keys_have_other_draws(row):
    """A key of a method is its own: neither another life's nor that of the weights."""
    seed = jax.random.key(0)
    one, other = (cases.begun(cases.network(row.build()), seed) for seed in (0, 1))
    for (path, a), (_, b) in zip(key_leaves(one), key_leaves(other), strict=True):
        assert a != b and a != seed, path


def key_leaves(state):
    return [
        (jax.tree_util.keystr(path), leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(state)
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    ]


def test_without_a_method_there_is_no_state_of_one():
    assert cases.begun(cases.network()).plasticity_state is None


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
    result = learner.update(
        state, xs[0], np.where(np.arange(cases.HEADS) == 1, np.float32(np.nan), ys[1])
    )
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
    singles = [run(row.build(**point))[-1] for point in points]
    plain = run(None)[-1]
    for field, single, other in zip(
        ("the method", *row.numbers), singles, [plain, *singles[:1] * len(points)], strict=False
    ):
        pairs = zip(cases.tensors(single), cases.tensors(other), strict=True)
        assert any(np.any(a != b) for a, b in pairs), f"{field} has no effect"
    usual = row.build()
    batch = row.build(
        **{
            field: jnp.asarray([point.get(field, getattr(usual, field)) for point in points])
            for field in row.numbers
        }
    )
    # The lanes are those of the numbers given as arrays; the others are for all of them.
    lanes, rest = eqx.partition(cases.network(batch), eqx.is_array)
    xs, ys = cases.regression(STEPS)

    state = cases.begun(cases.network(usual))

    @jax.jit(compiler_options=UNOPTIMIZED)
    @jax.vmap
    def last(lanes):
        learner = strong(eqx.combine(lanes, rest))
        after = cases.states_after(learner, state, xs, ys)
        return jax.tree.map(lambda leaf: leaf[-1], after)

    batched = cases.told(last(lanes).replace(life=None))
    for index, single in enumerate(singles):
        truth = dict(named_leaves(single.replace(life=None)))
        for path, leaf in named_leaves(lane(batched, index)):
            # The same steps in another program.
            size = np.max(np.abs(truth[path]), initial=0.0)
            np.testing.assert_allclose(leaf, truth[path], rtol=1e-5, atol=1e-5 * size, err_msg=path)


@each
def test_other_numbers_and_keys_do_not_recompile(row):
    run(row.build())
    other = cases.network(row.build(**row.numbers))
    with count_compilations() as compiled:
        cases.History(other, *cases.regression(STEPS), state=cases.begun(other, seed=3))
    assert not compiled


def test_an_update_by_itself_is_one_program_for_all_numbers():
    row = cases.ROW_OF["ContinualBackprop"]
    x, y = (column[0] for column in cases.regression(1))

    def update(plasticity):
        learner = cases.network(plasticity, hidden_sizes=(4,))
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
