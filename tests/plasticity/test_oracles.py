"""Every method beside an independent form of it in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.learners.network_runs import UNOPTIMIZED
from tests.oracles import autostep, idbd, lms, mlp
from tests.plasticity import cases, oracles
from tests.trees import assert_same_numbers

LAYERED = {"use_layer_norm": True, "gamma": 0.9, "lamda": 0.8}
LMS, LMS_ORACLE = {}, lambda shape: lms.LMSParam(shape, 0.02)
# Replacements are counted in float32 and in float64 alike: their rate is a power of 2.
OFTEN = {"replacement_rate": 2.0**-7, "maturity_threshold": 10}


def idbd_of(shape):
    return idbd.IDBDParam(shape, 0.03, 0.005)


def autostep_of(shape):
    return autostep.AutostepParam(shape, 0.03, 0.02)


def network_oracle(state, make, **arguments):
    """From the parameters, traces and optimizers of a state."""
    weights, biases = cases.layers(state.params)
    learner = mlp.MLPLearner(
        weights, biases, make, **{"slope": 0.1, "layer_norm": False} | arguments
    )
    take(learner, state)
    return learner


def take(learner, state):
    weights, biases = cases.layers(state.params)
    learner.trunk.weights, learner.trunk.biases = weights[:-1], biases[:-1]
    learner.weights, learner.bias = weights[-1], biases[-1]
    learner.traces = [np.array(z, np.float64) for z in state.traces]
    for optimizer, own in zip(learner.optimizers, state.optimizer_states, strict=True):
        for name in oracles.learned(optimizer):
            setattr(optimizer, name, np.array(getattr(own, name), np.float64))


def kept(learner, state=None):
    """What a network has learned, by name: of the oracle, or of a state."""
    named = {}
    for k, optimizer in enumerate(learner.optimizers):
        own = optimizer if state is None else state.optimizer_states[k]
        named |= {f"{name} of {k}": getattr(own, name) for name in oracles.learned(optimizer)}
        named[f"trace of {k}"] = learner.traces[k] if state is None else state.traces[k]
        found = learner.tensors() if state is None else cases.tensors(state)
        named[f"tensor {k}"] = found[k]
    return {name: np.array(value, np.float64) for name, value in named.items()}


PER_UNIT = ("utilities", "mean_activations", "ages")


def of_units(method, opened=()):
    """The numbers of continual backprop by name; no utilities of layers that are `opened`."""
    named = {"budgets": np.array([np.float64(budget) for budget in method.budgets])}
    for name in PER_UNIT:
        for layer, value in enumerate(getattr(method, name)):
            if not (name == "utilities" and layer in opened):
                named[f"{name} of {layer}"] = np.array(value, np.float64)
    return named


def replaced_units(state):
    return [list(np.flatnonzero(np.asarray(a) == 0)) for a in state.plasticity_state.ages]


def in_lockstep(history, learner, method):
    """Each step of the oracle from the library's own state; the replaced units by step."""
    ours, truth, replaced = [], [], []
    for t in range(len(history)):
        before, after = history.states[t], history.states[t + 1]
        take(learner, before)
        for name in PER_UNIT:
            found = [np.array(a, np.float64) for a in getattr(before.plasticity_state, name)]
            setattr(method, name, found)
        method.budgets = [float(c) for c in before.plasticity_state.budgets]
        told = replaced_units(after)
        units, opened = method.update(
            history.xs[t],
            history.ys[t],
            lambda layer, unit, after=after: after.params.weights[layer][unit],
            told,
        )
        assert [sorted(of_layer) for of_layer in units] == told, f"step {t}"
        skipped = {layer for layer, is_open in enumerate(opened) if is_open}
        expected = kept(learner) | of_units(method, skipped)
        found = kept(learner, after) | of_units(after.plasticity_state, skipped)
        ours.append({name: found[name] for name in expected})
        truth.append(expected)
        replaced.append(units)
    for name in {name for step in truth for name in step}:
        pairs = [(a[name], b[name]) for a, b in zip(ours, truth, strict=True) if name in b]
        a, b = (np.stack(side) for side in zip(*pairs, strict=True))
        # One step in float32 from the same numbers; a unit's mean of its first activations is
        # divided by 1 - eta^age, of which 1% is left.
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5 * np.max(np.abs(b)), err_msg=name)
    return replaced


def assert_fresh(history, replaced, sparsity=0.0, gain=1.0):
    """Rows of replaced units are draws of the initializer, and no two alike."""
    for layer in range(len(replaced[0])):
        rows = [
            np.asarray(history.states[t + 1].params.weights[layer][unit])
            for t, units in enumerate(replaced)
            for unit in units[layer]
            # Where a unit below went in the same step, its weight may be 0 or drawn.
            if not any(units[:layer])
        ]
        rows = np.stack(rows) * np.sqrt(rows[0].shape[-1]) / gain
        assert np.all(np.abs(rows) <= 1.0 + 1e-6)
        zeros = np.sum(rows == 0.0, axis=1)
        np.testing.assert_array_equal(zeros, int(sparsity * rows.shape[1] + 0.5))
        assert len(np.unique(rows, axis=0)) == len(rows)
        drawn = rows[rows != 0.0]
        # Uniform in [-1, 1]: deviations of the mean and of the mean square, five standard errors.
        assert abs(np.mean(drawn)) < 5 * 3**-0.5 / len(drawn) ** 0.5
        assert abs(np.mean(drawn**2) - 1 / 3) < 5 * (4 / 45) ** 0.5 / len(drawn) ** 0.5


RUNS = {
    "LMS": (2_000, LMS, (8,), {}, LMS_ORACLE),
    "two layers of IDBD, with traces": (
        600,
        {"optimizer": ("IDBD", 0.03, 0.005)},
        (6, 5),
        LAYERED,
        idbd_of,
    ),
    "Autostep": (600, {"optimizer": ("Autostep", 0.03, 0.02)}, (8,), {}, autostep_of),
}


def learner_of(name, **changes):
    steps, chosen, hidden_sizes, parts, make = RUNS[name]
    if "optimizer" in chosen:
        kind, *numbers = chosen["optimizer"]
        chosen = {"optimizer": getattr(af, kind)(*numbers)}
    arguments = OFTEN | changes
    learner = cases.network(
        af.ContinualBackprop(**arguments), hidden_sizes=hidden_sizes, **chosen, **parts
    )
    names = {"use_layer_norm": "layer_norm"}
    given = {names.get(part, part): value for part, value in parts.items()}
    return learner, steps, make, given


@pytest.mark.parametrize("name", RUNS)
def test_continual_backprop_in_lockstep(name):
    """Weights, traces, step sizes, utilities, ages and budgets: all that a step may change."""
    learner, steps, make, given = learner_of(name)
    history = cases.History(learner, *cases.regression(steps))
    oracle = network_oracle(history.begin, make, **given)
    method = oracles.ContinualBackprop(oracle, make, **OFTEN)
    replaced = in_lockstep(history, oracle, method)
    for layer in range(len(learner.hidden_sizes)):
        assert sum(len(units[layer]) for units in replaced) > steps / 40
    assert_fresh(history, replaced)


def test_continual_backprop_on_its_own():
    """2,000 steps of the oracle that are given no more than the rows which were drawn."""
    learner, steps, make, _ = learner_of("LMS")
    history = cases.History(learner, *cases.regression(steps))
    oracle = network_oracle(history.begin, make)
    method = oracles.ContinualBackprop(oracle, make, **OFTEN)
    for t in range(steps):
        after = history.states[t + 1]
        told = replaced_units(after)
        units, _ = method.update(
            history.xs[t],
            history.ys[t],
            lambda layer, unit, after=after: after.params.weights[layer][unit],
            told,
        )
        assert units == told, f"step {t}"
    for ours, truth in zip(cases.tensors(history.last), oracle.tensors(), strict=True):
        # Rounding in float32 over all steps.
        np.testing.assert_allclose(ours, truth, atol=1e-4)


OTHERS = [
    {"replacement_rate": 0.25},
    {"utility": "contribution", "max_replacements": 3, "replacement_rate": 0.5},
    {"utility": "zero_contribution", "decay_rate": 0.9},
    {"utility": "adaptation", "compensate_bias": False, "maturity_threshold": 0},
]


@pytest.mark.parametrize("changes", OTHERS, ids=str)
def test_other_forms_in_lockstep(changes):
    learner, _, make, _ = learner_of("LMS", **changes)
    history = cases.History(learner, *cases.regression(300, seed=1))
    oracle = network_oracle(history.begin, make)
    method = oracles.ContinualBackprop(oracle, make, **OFTEN | changes)
    counts = [len(units[0]) for units in in_lockstep(history, oracle, method)]
    assert sum(counts) > 7 and max(counts) == changes.get("max_replacements", 1)


def test_replacements_by_chance():
    """At most one in a step, of least utility, with the probability rate times the eligible."""
    by_chance = {"accumulate": False, "utility": "weight"}
    learner, steps, make, _ = learner_of("LMS", **by_chance)
    history = cases.History(learner, *cases.regression(steps, seed=3))
    oracle = network_oracle(history.begin, make)
    method = oracles.ContinualBackprop(oracle, make, **OFTEN, **by_chance)
    replaced = in_lockstep(history, oracle, method)
    probability = [
        2.0**-7 * np.sum(np.asarray(state.plasticity_state.ages[0]) + 1 > 10)
        for state in history.states[:-1]
    ]
    # Independent draws of these probabilities, five standard deviations.
    expected, deviation = np.sum(probability), np.sqrt(np.sum(probability))
    assert abs(sum(len(units[0]) for units in replaced) - expected) < 5 * deviation


@pytest.mark.parametrize("sparsity, gain", [(0.5, 1.0), (0.0, 6**0.5)])
def test_fresh_rows_are_those_of_the_initializer(sparsity, gain):
    plasticity = af.ContinualBackprop(replacement_rate=0.125, maturity_threshold=1, gain=gain)
    learner = cases.network(plasticity, sparsity=sparsity)
    history = cases.History(learner, *cases.regression(200))
    replaced = [replaced_units(state) for state in history.states[1:]]
    assert_fresh(history, replaced, sparsity, gain)


def with_units(state, **named):
    """The state with other numbers of the only layer's units."""
    own = state.plasticity_state
    fields = {"ages": "age", "utilities": "utility", "mean_activations": "mean_activation"}
    named["share"] = 1 - 0.99 ** np.asarray(named["ages"], np.float64)
    changed = {fields.get(name, name): value for name, value in named.items()}
    changed["budgets"] = np.reshape(changed["budgets"], 1)
    changed = {name: jnp.asarray(v, getattr(own, name).dtype) for name, v in changed.items()}
    return state.replace(plasticity_state=own.replace(**changed))


def test_units_are_ranked_by_their_utility_without_its_bias():
    """A young unit has u = (1 - eta^a) y: of the larger utility it is, by u alone it is not."""
    plasticity = af.ContinualBackprop(replacement_rate=2.0**-20, maturity_threshold=10)
    learner = cases.network(plasticity, hidden_sizes=(4,), optimizer=af.LMS(0.0))
    state = cases.begun(learner)
    age = np.array([20, 5_000, 5_000, 5_000])
    bias = 1 - 0.99**age
    state = with_units(
        state,
        ages=age,
        utilities=bias * np.array([5.0, 2.0, 9.0, 9.0]),
        mean_activations=np.zeros(4),
        budgets=np.float32(1.0),
    )
    assert bias[0] * 5.0 < 2.0  # by u the first would go
    after = cases.updated(learner, state, np.zeros(cases.DIM), 0.0)
    assert replaced_units(after) == [[1]]


def test_ties_go_to_the_lowest_index_and_the_young_are_spared():
    plasticity = af.ContinualBackprop(replacement_rate=2.0**-20, maturity_threshold=10)
    learner = cases.network(plasticity, hidden_sizes=(4,), optimizer=af.LMS(0.0))
    state = cases.begun(learner)
    weights = (jnp.ones_like(state.params.weights[0]), jnp.ones_like(state.params.weights[1]))
    state = state.replace(params=state.params.replace(weights=weights))
    # After this step the first is of age 10, which is not above the threshold.
    state = with_units(
        state,
        ages=[9, 10, 10, 10],
        utilities=np.zeros(4),
        mean_activations=np.zeros(4),
        budgets=np.float32(1.0),
    )
    after = cases.updated(learner, state, np.ones(cases.DIM), 0.0)
    assert replaced_units(after) == [[1]]


@pytest.mark.parametrize(
    "most, left, gone",
    [
        (1, [0, 0, 0, 1, 1.5, 1.5, 1, 0.5, 0, 0.5, 0.5], [0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1]),
        (2, [0, 0, 0, 0, 0, 0.5, 0, 0, 0], [0, 0, 0, 2, 1, 0, 1, 1, 1]),
    ],
)
def test_a_budget_is_saved_up_and_carried_over(most, left, gone):
    """Four units, half a replacement for each that is older than 3; worked out by hand."""
    plasticity = af.ContinualBackprop(
        replacement_rate=0.5, maturity_threshold=3, max_replacements=most
    )
    learner = cases.network(plasticity, hidden_sizes=(4,))
    history = cases.History(learner, *cases.regression(len(left)))
    after = [state.plasticity_state for state in history.states[1:]]
    np.testing.assert_array_equal([float(own.budgets[0]) for own in after], left)
    np.testing.assert_array_equal([np.sum(own.ages[0] == 0) for own in after], gone)


def test_a_replacement_of_a_unit_changes_no_prediction_by_more_than_its_contribution():
    """With its mean activation in the next bias, and an activation that is the mean, by nothing."""
    plasticity = af.ContinualBackprop(replacement_rate=2.0**-20, maturity_threshold=10)
    learner = cases.network(plasticity, hidden_sizes=(4,), optimizer=af.LMS(0.0))
    state = cases.begun(learner)
    x = np.float32([0.3, -1.0, 0.2, 0.8, 2.0, 1.0])
    state = cases.History(learner, np.tile(x, (15, 1)), np.zeros(15, np.float32)).end
    ready = with_units(
        state,
        ages=state.plasticity_state.ages[0],
        utilities=state.plasticity_state.utilities[0],
        mean_activations=state.plasticity_state.mean_activations[0],
        budgets=np.float32(1.0),
    )
    after = cases.updated(learner, ready, x, 0.0)
    assert sum(map(len, replaced_units(after))) == 1
    assert np.any(after.params.weights[0] != ready.params.weights[0])
    np.testing.assert_allclose(learner.predict(after, x), learner.predict(ready, x), atol=1e-5)


ALONE = {
    "L2Init": (
        ("L2Init", {"step_size": 0.5, "strength": 0.02}),
        lambda begin: oracles.ShrinkTowards(0.01, begin),
    ),
    "ShrinkAndPerturb": (
        ("ShrinkAndPerturb", {"step_size": 0.5, "decay": 0.02, "sigma": 0.0}),
        lambda begin: oracles.ShrinkTowards(0.01, [np.zeros_like(w) for w in begin]),
    ),
    "WeightClipping": (
        ("WeightClipping", {"kappa": 0.9}),
        lambda begin: oracles.WeightClipping(0.9),
    ),
    "HareAndTortoise": (
        ("HareAndTortoise", {"decay": 0.8, "period": 7}),
        lambda begin: oracles.HareAndTortoise(0.8, 7, begin),
    ),
    "SoftReset": (("SoftReset", {"rate": 0.0}), lambda begin: oracles.ShrinkTowards(0.0, begin)),
} | {
    f"UPGD {changes}": (
        ("UPGD", {"step_size": 0.02, "sigma": 0.0, **changes}),
        lambda begin, changes=changes: oracles.UPGD(0.02, **changes),
    )
    for changes in (
        {},
        {"beta_utility": 0.9, "weight_decay": 0.5, "scale": 2.0},
        {"beta_utility": 0.9, "protecting": False, "weight_decay": 0.5},
        {"beta_utility": 0.9, "adaptive": True},
        {"beta_utility": 0.9, "local": True},
    )
}


@pytest.mark.parametrize("name", ALONE)
def test_without_noise_the_weights_are_those_of_the_equation(name):
    (kind, arguments), make = ALONE[name]
    learner = cases.network(cases.method(kind, **arguments))
    history = cases.History(learner, *cases.regression(150, seed=4))
    oracle = network_oracle(history.begin, LMS_ORACLE)
    begin = [tensor.copy() for tensor in oracle.tensors()]
    truth = oracles.run(oracle, make(begin), history.xs, history.ys)
    for k in range(len(begin)):
        # 150 steps in float32.
        np.testing.assert_allclose(
            history.tensors(k), np.stack([step[k] for step in truth]), atol=2e-5, err_msg=str(k)
        )


def test_a_chain_is_one_method_after_the_other():
    plasticity = af.PlasticityChain(
        (af.L2Init(step_size=0.5, strength=0.02), af.WeightClipping(kappa=0.9))
    )
    history = cases.History(cases.network(plasticity), *cases.regression(150, seed=4))
    oracle = network_oracle(history.begin, LMS_ORACLE)
    begin = [tensor.copy() for tensor in oracle.tensors()]
    method = oracles.InTurn(oracles.ShrinkTowards(0.01, begin), oracles.WeightClipping(0.9))
    truth = oracles.run(oracle, method, history.xs, history.ys)
    for k in range(len(begin)):
        np.testing.assert_allclose(
            history.tensors(k), np.stack([step[k] for step in truth]), atol=2e-5
        )


@pytest.mark.parametrize("power, target", [(2, 3.0), (1, 0.5)])
def test_a_spectral_penalty_finds_the_largest_singular_value(power, target):
    """50 steps on matrices that do not move, then one of the penalty's whole size.

    Its gradient with the singular value's own vectors tells them to 1e-6 or so.
    """
    rng = np.random.default_rng(5)

    def matrix(rows, columns):
        left, _ = np.linalg.qr(rng.normal(size=(rows, rows)))
        right, _ = np.linalg.qr(rng.normal(size=(columns, columns)))
        # The second one is 0.6 of the first: of what is wrong with a vector 50 steps leave 1e-11.
        sigma = 1.7 * 0.6 ** np.arange(min(rows, columns))
        return left[:, : len(sigma)] * sigma @ right[: len(sigma)]

    weights = tuple(jnp.float32(matrix(*shape)) for shape in ((6, cases.DIM), (5, 6), (1, 5)))
    biases = tuple(jnp.float32(rng.normal(size=len(w))) for w in weights)

    def learner(strength):
        penalty = af.SpectralPenalty(0.5, strength, target=target, power=power)
        return cases.network(penalty, hidden_sizes=(6, 5), optimizer=af.LMS(0.0))

    state = cases.begun(learner(1e-3))
    state = state.replace(params=state.params.replace(weights=weights, biases=biases))
    # So weak that no float32 weight moves, and yet not nothing.
    history = cases.History(learner(1e-30), *cases.regression(50), state=state)
    for k, tensor in enumerate(cases.tensors(history.last)):
        np.testing.assert_array_equal(tensor, cases.tensors(history.begin)[k])
    state = history.end
    after = cases.updated(learner(0.02), state, np.ones(cases.DIM), 0.0)
    before, found = (cases.tensors(s) for s in (state, after))
    for w, new, slope in zip(
        before, found, oracles.spectral_gradient(before, target, power), strict=True
    ):
        change = np.asarray(new, np.float64) - np.asarray(w, np.float64)
        # Weights of the size of 1 in float32.
        np.testing.assert_allclose(change, -0.5 * 0.02 * slope, atol=3e-7)


NOISY = [
    # Method, and the deviation of a weight's change where nothing is learned.
    ("ShrinkAndPerturb", {"step_size": 0.5, "decay": 0.0, "sigma": 0.2}, 0.1),
    # A gate of 1/2, since no weight is of use.
    ("UPGD", {"step_size": 0.5, "sigma": 0.2, "scale": 1.5}, 0.075),
    ("UPGD", {"step_size": 0.5, "sigma": 0.2, "scale": 1.5, "protecting": False}, 0.075),
]


@pytest.mark.parametrize("kind, arguments, deviation", NOISY)
def test_noise_is_normal_and_new_in_every_weight_and_life(kind, arguments, deviation):
    learner = cases.network(cases.method(kind, **arguments))

    state = cases.begun(learner)

    @jax.jit(compiler_options=UNOPTIMIZED)
    @jax.vmap
    def change(key):
        # Prediction and target are 0 and so is every gradient.
        after = learner.update(cases.with_key(state, key), jnp.zeros(cases.DIM), 0.0).state
        pairs = zip(cases.tensors(after), cases.tensors(state), strict=True)
        return jnp.concatenate([jnp.ravel(a - b) for a, b in pairs])

    found = np.asarray(change(jax.random.split(jax.random.key(7), 100)))
    found = found / deviation
    assert found.shape == (100, 8 * cases.DIM + 8 + 8 + 1)
    n = found.size
    # Standard normal numbers: mean, mean square and mean fourth power, five standard errors.
    assert abs(np.mean(found)) < 5 / n**0.5
    assert abs(np.mean(found**2) - 1) < 5 * 2**0.5 / n**0.5
    assert abs(np.mean(found**4) - 3) < 5 * 96**0.5 / n**0.5
    # Neither lives nor weights have their noise in common.
    correlation = np.corrcoef(found)[np.triu_indices(100, 1)]
    assert abs(np.mean(correlation)) < 0.02 and np.max(correlation) < 0.7
    assert np.max(np.corrcoef(found.T)[np.triu_indices(65, 1)]) < 0.7


def test_noise_is_new_at_every_step():
    learner = cases.network(
        af.ShrinkAndPerturb(0.5, 0.0, 0.2), optimizer=af.LMS(0.0), hidden_sizes=(8,)
    )
    history = cases.History(learner, *cases.regression(50))
    steps = np.diff(history.tensors(0).reshape(50, -1), axis=0)
    assert np.max(np.corrcoef(steps)[np.triu_indices(49, 1)]) < 0.7


def test_a_soft_reset_mixes_in_draws_of_the_initializer():
    rate = 0.25
    learner = cases.network(af.SoftReset(rate), optimizer=af.LMS(0.0), sparsity=0.5)
    history = cases.History(learner, *cases.regression(60))
    for k, fan_in in ((0, cases.DIM), (2, 8)):
        before = np.concatenate([[cases.tensors(history.begin)[k]], history.tensors(k)[:-1]])
        drawn = (history.tensors(k) - (1 - rate) * before) / rate * fan_in**0.5
        assert np.max(np.abs(drawn)) <= 1 + 1e-5
        zeros = np.abs(drawn) < 1e-5
        np.testing.assert_array_equal(np.sum(zeros, axis=-1), fan_in // 2)
        n = np.sum(~zeros)
        # Uniform in [-1, 1], five standard errors.
        assert abs(np.mean(drawn[~zeros] ** 2) - 1 / 3) < 5 * (4 / 45) ** 0.5 / n**0.5
        assert abs(np.mean(drawn[~zeros])) < 5 * 3**-0.5 / n**0.5
    begin = cases.begun(learner)
    ones = begin.params.replace(biases=(jnp.ones(8), jnp.ones(1)))
    after = cases.updated(learner, begin.replace(params=ones), np.zeros(cases.DIM), 0.0)
    for bias in after.params.biases:  # whose initial values are 0
        np.testing.assert_allclose(bias, 1 - rate, rtol=1e-6)


def test_clipping_is_to_the_bound_and_idempotent():
    learner = cases.network(af.WeightClipping(0.7))
    history = cases.History(learner, *cases.regression(100))
    reached = 0
    for k, fan_in in enumerate((cases.DIM, cases.DIM, 8, 8)):
        found = np.abs(history.tensors(k)) * fan_in**0.5 / 0.7
        assert np.max(found) <= 1 + 1e-6
        reached += np.sum(found > 1 - 1e-6)
    assert reached > 0
    still = cases.network(af.WeightClipping(0.7), optimizer=af.LMS(0.0))
    clipped = cases.History(still, *cases.regression(2))
    begin, once, twice = map(cases.tensors, clipped.states)
    assert np.any(begin[0] != once[0])
    for a, b in zip(once, twice, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_tortoise_that_keeps_nothing_is_the_hare():
    plain = cases.History(cases.network(), *cases.regression(100))
    slow = cases.History(cases.network(af.HareAndTortoise(0.0, 3)), *cases.regression(100))
    for k in range(4):
        assert_same_numbers(slow.tensors(k), plain.tensors(k))


@pytest.mark.parametrize("reset_optimizer", [False, True])
def test_traces_begin_anew_where_the_tortoise_takes_over_and_step_sizes_if_asked(reset_optimizer):
    plasticity = af.HareAndTortoise(0.9, 5, reset_optimizer=reset_optimizer)
    learner = cases.network(plasticity, optimizer=af.IDBD(0.03, 0.05), gamma=0.9, lamda=0.8)
    history = cases.History(learner, *cases.regression(12))
    for t, state in enumerate(history.states):
        at_the_copy = t % 5 == 0
        assert all(np.all(z == 0) for z in state.traces) == at_the_copy, t
        begun = [own.log_step_sizes == np.log(np.float32(0.03)) for own in state.optimizer_states]
        as_at_first = all(np.all(same) for same in begun) and all(
            np.all(own.traces == 0) for own in state.optimizer_states
        )
        assert as_at_first == (t == 0 or (at_the_copy and reset_optimizer)), t


def test_a_dormant_unit_is_reset_at_the_end_of_the_period_and_no_other():
    """What a unit that is always off had, weights, step sizes and traces, and nothing besides."""
    period, dead = 10, 3
    arguments = {
        "optimizer": af.IDBD(0.03, 0.01),
        "leaky_relu_slope": 0.0,
        "gamma": 0.9,
        "lamda": 0.5,
    }
    learner = cases.network(af.ReDo(threshold=0.025, period=period), **arguments)
    plain = cases.network(**arguments)

    def from_a_dead_unit(learner):
        state = cases.begun(learner)
        weights, biases = list(state.params.weights), list(state.params.biases)
        # The others have a bias for which they are on now and then.
        biases[0] = jnp.full(8, 0.5).at[dead].set(-100.0)
        weights[1] = weights[1].at[0, dead].set(0.7)
        return state.replace(
            params=state.params.replace(weights=tuple(weights), biases=tuple(biases))
        )

    data = cases.regression(period)
    ours = cases.History(learner, *data, state=from_a_dead_unit(learner))
    others = cases.History(plain, *data, state=from_a_dead_unit(plain))
    for t in range(period):
        for k in range(4):
            # The same steps in another program.
            np.testing.assert_allclose(
                cases.tensors(ours.states[t])[k], cases.tensors(others.states[t])[k], atol=1e-6
            )
    places = ((0, dead), (1, dead), (2, (slice(None), dead)))
    after = {side: as_arrays(history.last) for side, history in (("ours", ours), ("plain", others))}
    row = np.array(after["ours"]["tensor 0"][dead])
    assert np.all((np.abs(row) <= cases.DIM**-0.5) & (row != 0))
    assert np.all(row != after["plain"]["tensor 0"][dead])
    assert after["ours"]["tensor 1"][dead] == 0 and after["ours"]["tensor 2"][0, dead] == 0
    for k, where in places:
        assert np.all(after["ours"][f"trace {k}"][where] == 0)
        assert np.all(after["ours"][f"sensitivity {k}"][where] == 0)
        sizes = after["ours"][f"log step sizes {k}"][where]
        np.testing.assert_array_equal(sizes, np.full_like(sizes, np.log(np.float32(0.03))))
    for name, found in after["ours"].items():
        truth, k = after["plain"][name], int(name.split()[-1])
        for place, where in places:
            if place == k:
                found[where] = truth[where] = 0.0
        np.testing.assert_allclose(found, truth, atol=1e-6, err_msg=name)


def as_arrays(state):
    """Writable, by kind and tensor."""
    named = {}
    for k, tensor in enumerate(cases.tensors(state)):
        own = state.optimizer_states[k]
        named |= {
            f"tensor {k}": np.array(tensor),
            f"trace {k}": np.array(state.traces[k]),
            f"log step sizes {k}": np.array(own.log_step_sizes),
            f"sensitivity {k}": np.array(own.traces),
        }
    return named


def test_a_monitor_changes_nothing():
    plain = cases.History(cases.network(), *cases.regression(100))
    watched = cases.History(cases.network(af.PlasticityMonitor(16)), *cases.regression(100))
    for k in range(4):
        assert_same_numbers(watched.tensors(k), plain.tensors(k))
