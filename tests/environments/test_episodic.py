"""The small problems in episodes against what is known of them."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import alberta_framework as af
from tests.environments import cases


def walk_values(left, right, probability):
    """The undiscounted values of the walk, by solving its equations."""
    system, constant = np.eye(19), np.zeros(19)
    for place in range(19):
        for there, chance in ((place - 1, 1 - probability), (place + 1, probability)):
            if 0 <= there < 19:
                system[place, there] -= chance
            else:
                constant[place] += chance * (left if there < 0 else right)
    return np.linalg.solve(system, constant)


def test_the_values_of_the_random_walk():
    np.testing.assert_allclose(walk_values(-1, 1, 0.5), (np.arange(19) - 9) / 10, atol=1e-12)
    environment = af.RandomWalk19(-1.0, 2.0, right_probability=0.55)
    expected = walk_values(-1, 2, 0.55)

    def outcome(place, key):
        def goes_on(carry):
            return ~carry[2]

        def one(carry):
            state, key, _, _ = carry
            key, step_key = jr.split(key)
            state, now = environment.step(state, jnp.int32(0), step_key)
            return state, key, now.terminated, now.reward

        state = af.RandomWalk19State(place)
        no, zero = jnp.zeros((), bool), jnp.zeros((), jnp.float32)
        return jax.lax.while_loop(goes_on, one, (state, key, no, zero))[3]

    places, n = jnp.arange(19, dtype=jnp.int32), 1000
    keys = jr.split(jr.key(0), (19, n))
    returns = jax.jit(jax.vmap(jax.vmap(outcome, (None, 0))))(places, keys)
    # A return is -1 or 2: four and a half standard errors.
    error = 4.5 * 1.5 / np.sqrt(n)
    np.testing.assert_allclose(returns.mean(1), expected, atol=error)


def test_a_walk_steps_to_a_neighbour_and_starts_in_the_middle():
    environment = af.RandomWalk19()
    first, (before, *_), (after, seen) = cases.life(environment, jr.key(1), num_steps=5000)
    assert np.argmax(first) == 9
    moves = np.asarray(after.place - before.place)
    assert set(moves) == {-1, 1} and abs(moves.mean()) < 4 / np.sqrt(5000)
    ended = np.asarray(seen.terminated)
    np.testing.assert_array_equal(ended, (after.place < 0) | (after.place > 18))
    np.testing.assert_array_equal(np.asarray(before.place)[1:][ended[:-1]], 9)
    np.testing.assert_array_equal(seen.reward, np.where(ended, np.sign(after.place - 9), 0))


def board(row, column, paddle, rows, columns):
    cells = np.zeros((rows, columns), np.float32)
    cells[row, column] = 1.0
    cells[-1, paddle] = 1.0
    return cells.ravel()


def test_catch_equals_a_board_game():
    rows, columns = 6, 4
    environment = af.Catch(rows, columns)
    ends = set()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        state, observation = cases.begun(environment, jr.key(seed))
        row, column, paddle = 0, int(np.argmax(observation)), columns // 2
        for time in range(1, rows):
            np.testing.assert_array_equal(observation, board(row, column, paddle, rows, columns))
            action = int(rng.integers(3))
            state, now = cases.stepped(environment, state, jnp.int32(action), jr.key(0))
            row, paddle = row + 1, min(max(paddle + action - 1, 0), columns - 1)
            over = time == rows - 1
            assert bool(now.terminated) == over and not now.truncated
            expected = (1.0 if paddle == column else -1.0) if over else 0.0
            assert float(now.reward) == expected
            observation = now.observation
        np.testing.assert_array_equal(observation, board(row, column, paddle, rows, columns))
        ends.add(expected)
    assert ends == {-1.0, 1.0}


def test_the_ball_of_catch_can_always_be_caught():
    environment = af.Catch()
    columns = set()
    for seed in range(20):
        state, _ = cases.begun(environment, jr.key(seed))
        columns.add(int(state.column))
        for _ in range(9):
            action = 1 + jnp.sign(state.column - state.paddle)
            state, now = cases.stepped(environment, state, action, jr.key(0))
        assert now.terminated and now.reward == 1.0
    assert columns == set(range(5))
