"""What recorded rewards tell of continuing lives: against the definitions, step by step."""

import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af

# The published example: 1, then 0 for 100 steps from the change on, then 1 again.
CHANGE, HORIZON, WINDOW = 300, 1000, 10
FALLEN = np.ones(1500)
FALLEN[CHANGE : CHANGE + 100] = 0.0
AT = {"change": CHANGE, "horizon": HORIZON}
RNG = np.random.default_rng(0)
LIVES = np.cumsum(RNG.normal(size=(2, 3, 400)), axis=-1) / 10


def test_the_published_example():
    level = af.level_before(FALLEN, CHANGE, 100)
    assert level == 1.0
    known = {"level": level, "window": WINDOW}
    assert af.dip(FALLEN, **AT, **known) == 1.0
    assert af.dip(FALLEN, **AT, **known, random_level=0.5) == 2.0
    assert af.loss_area(FALLEN, **AT, level=level) == 100.0
    found = af.recovery_time(FALLEN, **AT, **known, random_level=0.0, fraction=0.15)
    assert (found.steps, found.censored) == (108, False)
    assert af.lifetime_average(FALLEN) == 1400 / 1500
    assert af.area_under(FALLEN, CHANGE - 50, CHANGE + 50) == 0.5


@pytest.mark.parametrize("beta", [1e-5, 1e-3, 0.3, 0.96, 1.0])
def test_the_rate_of_a_constant_is_that_constant(beta):
    np.testing.assert_allclose(af.reward_rate(np.full(5000, -2.5), beta), -2.5, rtol=1e-12)


@pytest.mark.parametrize("beta", [1e-4, 1e-3, 0.05, 0.96, 1])
def test_the_reward_rate_is_its_recursion(beta):
    expected, weight, rate = [], 0.0, np.zeros((2, 3))
    for t in range(LIVES.shape[-1]):
        weight = weight + beta * (1 - weight)
        rate = rate + beta / weight * (LIVES[..., t] - rate)
        expected.append(rate)
    np.testing.assert_allclose(af.reward_rate(LIVES, beta), np.stack(expected, -1), rtol=1e-10)


def test_the_reward_rate_of_a_life_is_the_same():
    agent = af.SARSAAgent(af.SARSAConfig(2), (), af.LMS(0.1), sparsity=0.0)
    world = af.SwitchingBandit(2, 30)
    lived = af.interact(agent, world, 3000, jr.key(0))
    rates = af.reward_rate(lived.metrics["reward"])
    np.testing.assert_allclose(lived.reward_rate, rates[-1], rtol=1e-4)


def test_windows_by_their_definition():
    means = af.window_mean(LIVES, 7)
    assert np.isnan(means[..., :6]).all()
    for u in range(6, 400):
        np.testing.assert_allclose(means[..., u], LIVES[..., u - 6 : u + 1].mean(-1), rtol=1e-12)
    np.testing.assert_array_equal(af.window_mean(LIVES, 1), LIVES)


def recovered(rewards, change, horizon, window, line):
    """(steps, censored), by going through the steps."""
    fell = False
    for k in range(window - 1, horizon):
        mean = rewards[change + k - window + 1 : change + k + 1].mean()
        if fell and mean >= line:
            return k, False
        fell = fell or mean < line
    return (horizon, True) if fell else (0, False)


@pytest.mark.parametrize("window", [1, 5, 40])
@pytest.mark.parametrize("fraction", [0.0, 0.1, 1.0])
def test_lives_that_wander(window, fraction):
    """Every number of every life, each with a level of its own, against loops."""
    level = af.level_before(LIVES, 100, 50)
    random_level = level - 2.0
    known = {"change": 100, "horizon": 250, "window": window, "level": level}
    found = af.recovery_time(LIVES, **known, random_level=random_level, fraction=fraction)
    falls = af.dip(LIVES, **known)
    relative = af.dip(LIVES, **known, random_level=random_level)
    lost = af.loss_area(LIVES, 100, horizon=250, level=level)
    for place in np.ndindex(2, 3):
        r, own = LIVES[place], LIVES[place][50:100].mean()
        assert level[place] == pytest.approx(own, rel=1e-12)
        means = [r[u - window + 1 : u + 1].mean() for u in range(100 + window - 1, 350)]
        assert falls[place] == pytest.approx(own - min(means), rel=1e-9)
        assert relative[place] == pytest.approx((own - min(means)) / 2.0, rel=1e-9)
        assert lost[place] == pytest.approx(np.sum(own - r[100:350]), rel=1e-9)
        steps, censored = recovered(r, 100, 250, window, own - fraction * 2.0)
        assert (found.steps[place], found.censored[place]) == (steps, censored)


def test_all_three_ends_of_a_recovery_are_told():
    never = np.concatenate([np.ones(20), np.zeros(80)])
    unmoved = np.ones(100)
    back = np.concatenate([np.ones(20), np.zeros(30), np.ones(50)])
    lives = np.stack([never, unmoved, back])
    known = {"horizon": 60, "window": 1, "level": 1.0, "random_level": 0.0}
    found = af.recovery_time(lives, 20, **known)
    assert found.steps.tolist() == [60, 0, 30] and found.censored.tolist() == [True, False, False]
    assert found.restricted_mean == 30.0 and found.censored_share == pytest.approx(1 / 3)


def test_a_reward_that_is_no_number_shows_in_its_life_alone():
    lives = np.stack([FALLEN, FALLEN])
    lives[0, CHANGE + 20] = np.nan
    known = {"level": 1.0, "window": WINDOW}
    found = af.recovery_time(lives, **AT, **known, random_level=0.0)
    assert np.isnan(found.steps).tolist() == [True, False] and not found.censored.any()
    assert np.isnan(found.restricted_mean)
    for values in (
        af.dip(lives, **AT, **known),
        af.loss_area(lives, **AT, level=1.0),
        af.lifetime_average(lives),
        af.reward_rate(lives)[:, -1],
        af.area_under(lives, 0, 1000),
    ):
        assert np.isnan(values).tolist() == [True, False]
    # And not in the steps before it.
    assert af.level_before(lives, CHANGE, 100).tolist() == [1.0, 1.0]


def test_rounding_decides_no_recovery():
    """Means of 0.1 ten times are a little less than the mean of 0.1 a hundred times."""
    rewards = np.full(400, 0.1)
    level = af.level_before(rewards, 200, 150)
    known = {"horizon": 150, "window": 7, "level": level, "random_level": 0.0, "fraction": 0.0}
    assert af.recovery_time(rewards, 200, **known).steps == 0


def test_a_relative_dip_needs_something_to_lose():
    found = af.dip(FALLEN, **AT, window=10, level=1.0, random_level=1.0 + 1e-9)
    assert np.isnan(found)


def test_the_trend_is_the_median_of_the_slopes():
    tasks = 9
    areas = RNG.normal(size=(4, tasks))
    for row, slope in zip(areas, af.plasticity_trend(areas), strict=True):
        slopes = [(row[j] - row[i]) / (j - i) for i in range(tasks) for j in range(i + 1, tasks)]
        assert slope == pytest.approx(np.median(slopes), rel=1e-12)
    line = 3.0 - 0.25 * np.arange(20.0)
    assert af.plasticity_trend(line) == pytest.approx(-0.25)
    line[[3, 11, 17]] = [50.0, -70.0, 99.0]
    assert af.plasticity_trend(line) == pytest.approx(-0.25, abs=0.05)
    line[0] = np.nan
    assert np.isnan(af.plasticity_trend(line))


@pytest.mark.parametrize("bad", [np.ones(()), np.ones((3, 0)), 1.0], ids=str)
def test_rewards_have_an_axis_of_time(bad):
    for call in (af.lifetime_average, af.reward_rate):
        with pytest.raises(ValueError, match="`rewards` must have shape"):
            call(bad)
    with pytest.raises(TypeError, match="`rewards` must be real numbers"):
        af.lifetime_average(["a"])


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda: af.window_mean(FALLEN, 0), "window"),
        (lambda: af.window_mean(FALLEN, 1501), "window"),
        (lambda: af.window_mean(FALLEN, 2.0), "window"),
        (lambda: af.level_before(FALLEN, 1500, 100), "change"),
        (lambda: af.level_before(FALLEN, 50, 100), "steps"),
        (lambda: af.level_before(FALLEN, 50, True), "steps"),
        (lambda: af.loss_area(FALLEN, 600, horizon=901, level=1.0), "horizon"),
        (lambda: af.loss_area(FALLEN, -1, horizon=9, level=1.0), "change"),
        (lambda: af.dip(FALLEN, 5, horizon=9, window=10, level=1.0), "window"),
        (lambda: af.area_under(FALLEN, 5, 5), "stop"),
        (lambda: af.area_under(FALLEN, 5, 1501), "stop"),
        (lambda: af.area_under(FALLEN, -5, 10), "start"),
        (lambda: af.reward_rate(FALLEN, 0.0), "beta"),
        (lambda: af.reward_rate(FALLEN, 1.5), "beta"),
        (lambda: af.reward_rate(FALLEN, np.nan), "beta"),
        (lambda: af.reward_rate(FALLEN, "1"), "beta"),
        (lambda: af.plasticity_trend([1.0]), "areas"),
        (
            lambda: af.recovery_time(
                FALLEN, 5, horizon=9, window=3, level=1.0, random_level=0.0, fraction=2.0
            ),
            "fraction",
        ),
    ],
)
def test_steps_that_are_not_there(call, name):
    with pytest.raises((TypeError, ValueError), match=f"`{name}` must"):
        call()
