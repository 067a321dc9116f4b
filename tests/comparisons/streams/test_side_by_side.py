import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import alberta_framework as af
from alberta_framework.comparisons import (
    ComparisonRun,
    Contender,
    LearnerGrid,
    SideBySide,
    run_comparison,
)
from alberta_framework.comparisons.streams.measures import Metric
from tests import compilations
from tests.comparisons.comparisons import small

# The same recursion in another program: float32 rounding, carried through 200 steps.
ROUNDING = {"rtol": 2e-4, "atol": 1e-5}


def window_means(metrics, window):
    return np.asarray(metrics)[:, 0].reshape(-1, window).mean(axis=1)


def test_every_lane_is_the_separate_run():
    comparison = small()
    result = run_comparison(comparison)
    for name, contender in comparison.learners.items():
        for place, learner in enumerate(contender.learners):
            for seed in range(comparison.seeds):
                state, metrics = af.run_learning_loop(
                    learner, comparison.stream, comparison.num_steps, jr.key(seed)
                )
                expected = window_means(metrics, comparison.window)
                lane = result.learners[name].curves[place, seed]
                np.testing.assert_allclose(lane, expected, err_msg=name, **ROUNDING)
                sizes = learner.optimizer.step_sizes(state.optimizer_state)
                found = result.learners[name].step_sizes[place, seed, -1]
                np.testing.assert_allclose(found, np.broadcast_to(sizes, 3), **ROUNDING)


def test_a_normalizer_and_a_bounder_are_kept_in_every_lane():
    learner = af.LinearLearner(af.LMS(), af.EMANormalizer(), af.ObGDBounding())
    paths = {"normalizer.decay": [0.9, 0.99], "bounder.kappa": [2.0, 3.0]}
    contender = Contender(learner, paths)
    comparison = small(learners={"LMS": contender}, seeds=1)
    result = run_comparison(comparison)
    assert contender.points[2] == {"normalizer.decay": 0.99, "bounder.kappa": 2.0}
    separate = af.LinearLearner(af.LMS(), af.EMANormalizer(decay=0.99), af.ObGDBounding(2.0))
    metrics = af.run_learning_loop(separate, comparison.stream, 200, jr.key(0))[1]
    found = result.learners["LMS"].curves[2, 0]
    np.testing.assert_allclose(found, window_means(metrics, 10), **ROUNDING)


def test_first_inputs_hide_the_others():
    hidden = Contender(af.LinearLearner(af.LMS(0.1)), first_inputs=2)
    comparison = small(learners={"LMS": hidden}, seeds=1)
    found = run_comparison(comparison).learners["LMS"]
    stream = comparison.stream
    steps, _ = jax.jit(lambda key: stream.rollout(stream.init(key), 200))(jr.key(0))
    weights, bias, squared = np.zeros(2), 0.0, []
    for x, y in zip(np.float64(steps.observation), np.float64(steps.target[:, 0]), strict=True):
        error = y - weights @ x[:2] - bias
        weights, bias = weights + 0.1 * error * x[:2], bias + 0.1 * error
        squared.append(error**2)
    expected = np.reshape(squared, (-1, 10)).mean(axis=1)
    np.testing.assert_allclose(found.curves[0, 0], expected, **ROUNDING)
    assert found.step_sizes.shape[-1] == 2


def test_networks_start_from_weights_drawn_from_the_seed():
    learner = af.MLPLearner(hidden_sizes=(4,), optimizer=af.LMS(0.01))
    grid = {"optimizer.step_size": [0.01, 0.1]}
    comparison = small(learners={"MLP": Contender(learner, grid)}, seeds=2)
    result = run_comparison(comparison)
    found = result.learners["MLP"]
    assert found.step_sizes is None
    stream = comparison.stream
    rollout = jax.jit(lambda key: stream.rollout(stream.init(key), 20)[0])
    for seed in range(2):
        state, errors = learner.init(3, jr.split(jr.key(seed))[1]), []
        steps = rollout(jr.key(seed))
        for x, y in zip(np.asarray(steps.observation), np.asarray(steps.target), strict=True):
            update = learner.update(state, x, y)
            state, errors = update.state, [*errors, float(update.metrics[0])]
        expected = np.reshape(errors, (2, 10)).mean(axis=1)
        np.testing.assert_allclose(found.curves[0, seed, :2], expected, **ROUNDING)


def test_the_values_of_a_chain_are_measured_by_hand():
    stream = af.RandomWalkChainStream(5)
    learner = af.TDLinearLearner(af.TDIDBD(0.1, meta_step_size=0.0), use_bias=False)
    grid = {"optimizer.initial_step_size": [0.05, 0.1]}
    comparison = small(
        stream=stream, learners={"TD": Contender(learner, grid)}, score="value_error", seeds=1
    )
    result = run_comparison(comparison)
    steps, _ = jax.jit(lambda key: stream.rollout(stream.init(key), 200))(jr.key(0))
    x, following = np.float64(steps.observation), np.float64(steps.next_observation)
    reward, gamma = np.float64(steps.reward), np.float64(steps.gamma)
    values, truth, distances = np.zeros(5), np.arange(1, 6) / 6, []
    for t in range(200):
        delta = reward[t] + gamma[t] * values @ following[t] - values @ x[t]
        values = values + 0.1 * delta * x[t]
        distances.append(np.sqrt(np.mean((values - truth) ** 2)))
    expected = np.reshape(distances, (-1, 10)).mean(axis=1)
    np.testing.assert_allclose(result.learners["TD"].curves[1, 0], expected, **ROUNDING)
    # Fixed step sizes, of each of the states.
    np.testing.assert_allclose(result.learners["TD"].step_sizes[0, 0, -1], 0.05, rtol=1e-6)


def test_both_orders_give_both_learners_the_same_experience():
    lms, idbd = small().learners.items()
    one = run_comparison(small(learners=dict([lms, idbd])))
    other = run_comparison(small(learners=dict([idbd, lms])))
    for name in ("LMS", "IDBD"):
        np.testing.assert_allclose(
            one.learners[name].curves, other.learners[name].curves, **ROUNDING
        )


def test_side_by_side_pairs_each_learner_with_its_state():
    squared = Metric("squared_error")
    rates = jnp.array([0.0, 0.5])
    pair = SideBySide(
        (
            LearnerGrid(af.LinearLearner(af.LMS(rates)), squared),
            LearnerGrid(af.LinearLearner(af.LMS(rates[1:])), squared),
        )
    )
    states = pair.init(1, jr.key(0))
    step = af.TimeStep(jnp.ones(1), jnp.full(1, 2.0))
    states, first = pair.learn(states, step)
    states, second = pair.learn(states, step)
    np.testing.assert_allclose(first[0], [4.0, 4.0])
    # A step size of one half for weight and bias each reaches the target in one step.
    np.testing.assert_allclose(second[0], [4.0, 0.0])
    np.testing.assert_allclose(second[1], [0.0])
    np.testing.assert_allclose(states[1].weights, [[1.0]])


def test_other_numbers_and_later_segments_do_not_compile():
    def changed(factor):
        grids = {
            name: Contender(c.learner, {p: [factor * v for v in vs] for p, vs in c.grid.items()})
            for name, c in small().learners.items()
        }
        stream = af.RandomWalkStream(3, drift_rate=0.01 * factor)
        return ComparisonRun(small(stream=stream, learners=grids))

    run = changed(1.0)
    run.advance(), run.advance()
    with compilations.count_compilations() as compiled:
        run.advance()
        other = changed(0.5)
        other.advance()
    assert len(compiled) == 0
    assert other.steps_done == 10
