"""Tile coding: places by hand, the shape of generalisation, and the laws of a component."""

import json
import math
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alberta_framework as af
from alberta_framework.features import TileCoder
from tests.compilations import count_compilations

MOUNTAIN_CAR = TileCoder([-1.2, -0.07], [0.6, 0.07], tilings=8, tiles=8)


def by_hand(x, low, high, tilings, tiles):
    """The coordinate of each tiling and dimension, in float64."""
    return [
        [
            math.floor(n * (xj - a) / (b - a) + i * (2 * j + 1) / tilings)
            for j, (xj, a, b, n) in enumerate(zip(x, low, high, tiles, strict=True))
        ]
        for i in range(tilings)
    ]


def test_places_along_a_line_by_hand():
    """Two tilings of four tiles on [0, 4], the second half a tile ahead: five places each."""
    coder = TileCoder([0.0], [4.0], tilings=2, tiles=4)
    assert coder.feature_dim == 10
    expected = {
        0.0: [0, 5],
        0.25: [0, 5],
        0.5: [0, 6],
        0.75: [0, 6],
        1.0: [1, 6],
        2.5: [2, 8],
        3.5: [3, 9],
        4.0: [4, 9],
    }
    for x, places in expected.items():
        np.testing.assert_array_equal(coder.indices(np.array([x])), places)


def test_places_in_a_plane_by_hand():
    """Two tilings of 2 by 2 tiles on [0, 2]^2, displaced by (1/2, 3/2) tiles: 3 by 5 places."""
    coder = TileCoder([0.0, 0.0], [2.0, 2.0], tilings=2, tiles=2)
    assert coder.feature_dim == 2 * 3 * 5
    for x, first, second in [
        ((0.0, 0.0), (0, 0), (0, 1)),
        ((0.75, 0.25), (0, 0), (1, 1)),
        ((1.25, 0.5), (1, 0), (1, 2)),
        ((2.0, 2.0), (2, 2), (2, 3)),
    ]:
        places = [5 * first[0] + first[1], 15 + 5 * second[0] + second[1]]
        np.testing.assert_array_equal(coder.indices(np.array(x)), places)
        np.testing.assert_array_equal(np.flatnonzero(coder(np.array(x))), places)


@pytest.mark.parametrize("tiles", [(8, 8), (3, 5)])
@pytest.mark.parametrize("tilings", [1, 4, 8])
def test_places_follow_the_formula(tiles, tilings):
    low, high = [-1.0, 2.0], [1.0, 6.0]
    coder = TileCoder(low, high, tilings, tiles)
    shape = (tilings, tiles[0] + 1, tiles[1] + 3)
    assert coder.feature_dim == math.prod(shape)
    # Multiples of 1/64 of the width, shifted off every edge of a tile.
    points = (np.random.default_rng(0).integers(0, 64, (200, 2)) + 0.37) / 64
    for share in points:
        x = np.array(low) + share * (np.array(high) - low)
        rows = enumerate(by_hand(x, low, high, tilings, tiles))
        expected = [np.ravel_multi_index((i, *row), shape) for i, row in rows]
        np.testing.assert_array_equal(coder.indices(x), expected)


finite = st.floats(-1e6, 1e6, width=32)
edge = st.integers(-4, 20).map(lambda k: k / 4)  # of tiles, or outside


@pytest.mark.parametrize(
    ("tilings", "tiles", "hash_size"),
    [(1, 1, None), (3, (2, 5), None), (8, 8, None), (3, 6, 3), (4, 7, 103), (2, 3, 1000)],
)
@settings(max_examples=25, deadline=None)
@given(
    x=st.tuples(finite | edge, finite | edge),
    low=st.tuples(*[st.floats(-10, 0)] * 2),
    width=st.tuples(*[st.floats(0.1, 10) | st.just(4.0)] * 2),
)
def test_every_tiling_has_one_active_tile(tilings, tiles, hash_size, x, low, width):
    coder = TileCoder(low, np.add(low, width), tilings, tiles, hash_size)
    indices = np.asarray(coder.indices(np.array(x)))
    size = coder.feature_dim // coder.tilings
    np.testing.assert_array_equal(indices // size, np.arange(coder.tilings))
    features = np.asarray(coder(np.array(x)))
    np.testing.assert_array_equal(np.flatnonzero(features), indices)
    assert set(features.tolist()) <= {0.0, 1.0}


def test_generalisation_falls_with_the_distance():
    """Points share tiles in proportion to their nearness, and none a whole tile apart."""
    coder = TileCoder([0.0], [10.0], tilings=8, tiles=10)
    here = set(np.asarray(coder.indices(np.array([5.03]))).tolist())
    shared = [
        len(here & set(np.asarray(coder.indices(np.array([5.03 + k / 8]))).tolist()))
        for k in range(-10, 11)
    ]
    assert shared == [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]


def test_generalisation_has_no_preferred_diagonal():
    """Displaced by (1, 3), neither diagonal shares more than two tiles more than the other."""
    coder = TileCoder([0.0, 0.0], [8.0, 8.0], tilings=8, tiles=8)

    def shared(dx, dy):
        counts = []
        for x, y in np.random.default_rng(0).uniform(2, 6, (100, 2)):
            a, b = (coder.indices(np.array(p)) for p in ((x, y), (x + dx, y + dy)))
            counts.append(np.sum(np.asarray(a) == np.asarray(b)))
        return np.mean(counts)

    for step in (0.25, 0.5):
        assert abs(shared(step, step) - shared(step, -step)) < 1.0
    # Tilings displaced along the diagonal would share 4 against 0 here.
    assert shared(0.5, 0.5) < 3.5


def test_observations_outside_are_clipped():
    inside, outside = np.array([0.6, -0.07]), np.array([7.0, -3.0])
    np.testing.assert_array_equal(MOUNTAIN_CAR.indices(outside), MOUNTAIN_CAR.indices(inside))


def test_both_ends_have_their_places():
    np.testing.assert_array_equal(MOUNTAIN_CAR.indices(np.array([-1.2, -0.07]))[:1], [0])
    top = np.asarray(MOUNTAIN_CAR.indices(np.array([0.6, 0.07])))
    places = [np.unravel_index(place - 99 * i, (9, 11)) for i, place in enumerate(top)]
    assert places == [(8, 8 + 3 * i // 8) for i in range(8)]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_learner_rejects_what_is_not_finite(bad):
    features = MOUNTAIN_CAR(np.array([bad, 0.0]))
    assert np.isnan(features).all()
    learner = af.LinearLearner()
    result = learner.update(learner.init(MOUNTAIN_CAR.feature_dim), features, 1.0)
    assert result.rejected
    assert int(MOUNTAIN_CAR.indices(np.array([bad, 0.0])).min()) >= 0


def test_the_set_up_of_mountain_car():
    """8 tilings of 8 by 8 over position and velocity, as in Sutton and Barto's figure 10.4."""
    assert MOUNTAIN_CAR.feature_dim == 8 * 9 * 11
    grid = np.stack(
        np.meshgrid(np.linspace(-1.2, 0.6, 60), np.linspace(-0.07, 0.07, 60)), axis=-1
    ).reshape(-1, 2)
    features = np.asarray(jax.vmap(MOUNTAIN_CAR)(jnp.float32(grid)))
    np.testing.assert_array_equal(features.sum(axis=1), 8.0)
    # A step size of alpha / 8 moves the prediction by alpha of the error.
    learner = af.LinearLearner(af.LMS(0.5 / 8), use_bias=False)
    state = learner.init(MOUNTAIN_CAR.feature_dim)
    state = learner.update(state, features[0], -1.0).state
    np.testing.assert_allclose(learner.predict(state, features[0]), [-0.5], rtol=1e-6)


def test_a_function_of_two_dimensions_is_learned():
    """sin(x) + cos(y) on [0, 2 pi)^2 with noise: the error goes below that of one tiling."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 2 * np.pi, (6000, 2)).astype(np.float32)
    truth = np.sin(x[:, 0]) + np.cos(x[:, 1])
    errors = {}
    for tilings in (1, 8):
        coder = TileCoder([0.0, 0.0], [2 * np.pi] * 2, tilings, 8)
        features = jax.vmap(coder)(x)
        noisy = (truth + 0.1 * rng.normal(size=6000)).astype(np.float32)
        learner = af.LinearLearner(af.LMS(0.1 / tilings))
        state, _ = af.run_learning_loop(
            learner, af.ArrayStream(features, noisy), 6000, jax.random.key(0)
        )
        predictions = np.asarray(features @ state.weights + state.bias)
        errors[tilings] = np.sqrt(np.mean((predictions - truth)[-1000:] ** 2))
    assert errors[8] < 0.5 * errors[1]
    assert errors[8] < 0.08  # measured: 0.05; the noise alone is 0.1


def test_hashed_places_stay_in_their_block_and_differ():
    """Collisions are as rare as if places were drawn at random."""
    whole = TileCoder([0.0] * 2, [1.0] * 2, 4, 20)
    hashed = TileCoder([0.0] * 2, [1.0] * 2, 4, 20, hash_size=402)
    assert hashed.feature_dim == 402
    x = np.random.default_rng(0).uniform(size=(4000, 2)).astype(np.float32)
    places, names = (np.asarray(jax.vmap(c.indices)(x)) for c in (whole, hashed))
    for i in range(4):
        assert names[:, i].min() >= 100 * i
        assert names[:, i].max() < 100 * (i + 1)
        pairs = {*zip(places[:, i].tolist(), names[:, i].tolist(), strict=True)}
        tiles = len({place for place, _ in pairs})
        assert len(pairs) == tiles  # one name for each place
        assert len({name for _, name in pairs}) >= 97  # drawn at random: 100 (1 - e^-4)


def test_a_hash_size_that_fits_every_place_has_no_collisions():
    whole = TileCoder([0.0] * 2, [1.0] * 2, 4, 4)
    hashed = TileCoder([0.0] * 2, [1.0] * 2, 4, 4, hash_size=whole.feature_dim)
    x = np.random.default_rng(0).uniform(size=(100, 2)).astype(np.float32)
    np.testing.assert_array_equal(jax.vmap(hashed.indices)(x), jax.vmap(whole.indices)(x))


def test_a_hash_reaches_where_places_cannot_be_numbered():
    """Sixteen dimensions of ten tiles: 10^16 and more places in 4,096 features."""
    with pytest.raises(ValueError, match="too many to have a feature each; give a `hash_size`"):
        TileCoder([0.0] * 16, [1.0] * 16, 8, 10)
    coder = TileCoder([0.0] * 16, [1.0] * 16, 8, 10, hash_size=4096)
    x = np.random.default_rng(0).uniform(size=(500, 16)).astype(np.float32)
    names = np.asarray(jax.vmap(coder.indices)(x))
    np.testing.assert_array_equal(names // 512, np.tile(np.arange(8), (500, 1)))
    # 500 different places drawn into 512 names: 512 (1 - e^(-500/512)) = 319 of them are hit.
    for i in range(8):
        assert 290 < len(set(names[:, i].tolist())) < 348


def test_vmap_and_jit_are_the_loop():
    x = np.random.default_rng(0).uniform(-1, 1, (20, 2)).astype(np.float32)
    loop = np.stack([MOUNTAIN_CAR(row) for row in x])
    np.testing.assert_array_equal(jax.vmap(MOUNTAIN_CAR)(x), loop)
    jitted = jax.jit(lambda coder, rows: jax.lax.map(coder, rows))
    np.testing.assert_array_equal(jitted(MOUNTAIN_CAR, x), loop)


def test_bounds_are_swept():
    highs = jnp.array([[1.0, 1.0], [2.0, 4.0]])
    x = np.array([0.7, 0.9], np.float32)
    swept = eqx.filter_vmap(lambda high: TileCoder(jnp.zeros(2), high, 4, 4).indices(x))(highs)
    loop = [TileCoder(jnp.zeros(2), high, 4, 4).indices(x) for high in highs]
    np.testing.assert_array_equal(swept, loop)


def test_other_bounds_do_not_compile_again():
    TileCoder([0.0], [1.0], 3, 7)(np.zeros(1, np.float32))
    other = TileCoder([-2.0], [9.0], 3, 7)
    with count_compilations() as compiled:
        other(np.ones(1, np.float32))
    assert compiled == []


@pytest.mark.parametrize(
    "coder", [MOUNTAIN_CAR, TileCoder([0], [1], 2, 3), TileCoder([0.0], [0.1], 2, (3,), 5)], ids=str
)
def test_a_configuration_builds_the_same_coder(coder):
    config = json.loads(json.dumps(coder.to_config()))
    again = TileCoder.from_config(config)
    assert eqx.tree_equal(again, coder)
    assert eqx.tree_equal(af.from_config(config), coder)
    assert again.to_config() == config


def test_components_of_it_are_numbers_or_structure():
    leaves = jax.tree.leaves(MOUNTAIN_CAR)
    assert [leaf.dtype for leaf in leaves] == [np.float32] * 2
    assert MOUNTAIN_CAR.tiles == (8, 8)


@pytest.mark.parametrize(
    ("arguments", "kind", "told"),
    [
        (([0.0], [0.0], 1, 1), ValueError, "`low` must be below `high`"),
        (([0.0, 1.0], [1.0, 0.0], 1, 1), ValueError, "`low` must be below `high`"),
        (([0.0], [np.inf], 1, 1), ValueError, "both finite, got [0.] and [inf]"),
        (([np.nan], [1.0], 1, 1), ValueError, "both finite"),
        (([0.0], [1.0, 2.0], 1, 1), ValueError, "same shape, got (1,) and (2,)"),
        ((0.0, [1.0], 1, 1), TypeError, "`low` must be a real array of shape (d,)"),
        (([0.0], ["a"], 1, 1), TypeError, "`high` must be a real array of shape (d,)"),
        (([], [], 1, 1), TypeError, "`low` must be a real array of shape (d,)"),
        (([0.0], [1.0], 0, 1), ValueError, "`tilings` must be an integer >= 1, got 0"),
        (([0.0], [1.0], 1.5, 1), TypeError, "`tilings` must be an integer >= 1, got 1.5"),
        (([0.0], [1.0], 1, 0), ValueError, "`tiles` must be an integer >= 1, got 0"),
        (([0.0], [1.0], 1, True), TypeError, "`tiles` must be an integer >= 1, got True"),
        (([0.0], [1.0], 1, (2, 3)), ValueError, "`tiles` must hold 1 integers, one for each"),
        (([0.0], [1.0], 4, 1, 3), ValueError, "`hash_size` must be an integer >= 4"),
        (([0.0], [1.0], 4, 1, 8.0), TypeError, "`hash_size` must be an integer >= 4"),
    ],
)
def test_errors_name_the_argument(arguments, kind, told):
    with pytest.raises(kind, match=re.escape(told)):
        TileCoder(*arguments)


def test_an_observation_of_the_wrong_shape_is_named():
    with pytest.raises(TypeError, match=r"`observation` must be a real array of shape \(2\)"):
        MOUNTAIN_CAR(np.zeros(3))
    with pytest.raises(TypeError, match="`observation`"):
        MOUNTAIN_CAR.indices(np.zeros((2, 2)))
