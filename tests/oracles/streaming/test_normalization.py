import numpy as np

from .normalization import (
    ObservationNormalizer,
    ObservationTrace,
    RewardScaler,
    SampleMeanVar,
    TimeFeature,
)


def test_running_moments_are_those_of_the_samples():
    x = 1e6 + np.random.default_rng(0).normal(size=(200, 3))
    running = SampleMeanVar(3)
    running.update(x[0])
    np.testing.assert_array_equal(running.var, 1)
    for row in x[1:]:
        running.update(row)
    np.testing.assert_allclose(running.mean, np.mean(x, axis=0), rtol=1e-14)
    # samples of scale 1 around 1e6 carry rounding of 1e-10
    np.testing.assert_allclose(running.var, np.var(x, axis=0, ddof=1), rtol=1e-9)


def test_an_observation_is_normalized_with_itself_counted():
    normalizer = ObservationNormalizer(2)
    np.testing.assert_array_equal(normalizer(np.array([5.0, -3.0])), [0, 0])
    second = normalizer(np.array([7.0, -3.0]))  # mean 6, variance 2; and none
    np.testing.assert_allclose(second, [1 / np.sqrt(2 + 1e-8), 0], rtol=1e-15)
    np.testing.assert_array_equal(normalizer.look(np.array([7.0, -3.0])), second)
    assert normalizer.statistics.count == 2


def test_a_reward_is_divided_by_the_deviation_of_its_discounted_sum():
    scaler = RewardScaler(0.9)
    np.testing.assert_allclose(scaler(2.0, False), 2.0, rtol=1e-8)  # variance 1 at first
    u = [2.0, 0.9 * 2.0 + 1.0, -4.0, 0.9 * -4.0 + 1.0]
    for t, (reward, done) in enumerate(((1.0, False), (-4.0, True), (1.0, False)), start=2):
        scaled = scaler(reward, done)
        deviation = np.sqrt(np.var(u[:t], ddof=1) + 1e-8)
        np.testing.assert_allclose(scaled, reward / deviation, rtol=1e-13)
        assert scaler.sigma == reward / scaled
    assert scaler.u == u[-1]


def test_time_counts_from_every_reset():
    feature = TimeFeature(4)
    x = np.array([3.0])
    assert feature.reset(x).tolist() == [3.0, -0.5]
    assert [feature(x)[1] for _ in range(4)] == [-0.25, 0.0, 0.25, 0.5]
    assert feature.reset(x)[1] == -0.5


def test_an_observation_trace_is_a_weighted_mean_since_the_reset():
    trace = ObservationTrace(1, beta=0.5)
    np.testing.assert_allclose(trace.reset([3.0]), [3.0], rtol=1e-15)
    np.testing.assert_allclose(trace([6.0]), [(0.25 * 3 + 0.5 * 6) / 0.75], rtol=1e-15)
    np.testing.assert_allclose(trace.reset([-1.0]), [-1.0], rtol=1e-15)
