"""The games of MinAtar in gymnax beside the original ones, step by step."""

import importlib

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.environments.adapters.cases import QUIET, lenient, require

pytestmark = QUIET
STEPS = 1_500


def breakout_state(blank, game):
    numbers = ("ball_y", "ball_x", "ball_dir", "pos", "last_y", "last_x")
    return blank.replace(
        **{name: jnp.int32(getattr(game, name)) for name in numbers},
        brick_map=jnp.asarray(game.brick_map, blank.brick_map.dtype),
        strike=jnp.asarray(bool(game.strike)),
        terminal=jnp.asarray(False),
    )


def asterix_state(blank, game):
    numbers = ("player_x", "player_y", "shot_timer", "spawn_speed", "spawn_timer")
    numbers += ("move_speed", "move_timer", "ramp_timer", "ramp_index")
    rows = [[0] * 5 if entity is None else [*map(int, entity), 1] for entity in game.entities]
    return blank.replace(
        **{name: jnp.int32(getattr(game, name)) for name in numbers},
        entities=jnp.asarray(rows, jnp.int32),
        terminal=jnp.asarray(False),
    )


def breakout_action(game, random):
    """Follow the ball, mostly: at random an episode is over after five steps."""
    if random.random() < 0.15:
        return int(random.integers(3))
    return 1 if game.ball_x < game.pos else 2 if game.ball_x > game.pos else 0


def asterix_action(game, random):
    return int(random.integers(5))


GAMES = {
    "breakout": ("Breakout-MinAtar", breakout_state, breakout_action, lambda game: False),
    # Where something appears is drawn, and by each in its own way.
    "asterix": (
        "Asterix-MinAtar",
        asterix_state,
        asterix_action,
        lambda game: game.spawn_timer == 0,
    ),
}


@pytest.mark.parametrize("name", GAMES)
def test_a_step_is_that_of_the_original(name):
    require("gymnax")
    require("minatar", "gymnax")
    original = importlib.import_module(f"minatar.environments.{name}")
    env_id, as_state, choose, draws = GAMES[name]
    random, game = np.random.default_rng(0), original.Env()
    game.random = np.random.RandomState(1)
    game.reset()
    actions = game.minimal_action_set()
    with lenient():
        environment = af.GymnaxEnvironment(env_id, time_limit=None)
        assert environment.action_space.n == len(actions)
        blank, _ = jax.jit(environment.reset)(jr.key(0))
        step = jax.jit(environment.step)
        compared = ends = rewards = 0
        for t in range(STEPS):
            action, drawn = choose(game, random), draws(game)
            before = blank.replace(inner=as_state(blank.inner, game))
            reward, over = game.act(actions[action])
            if not drawn:
                _, now = step(before, jnp.int32(action), jr.key(t))
                np.testing.assert_array_equal(now.observation, np.ravel(game.state()))
                assert float(now.reward) == reward
                assert bool(now.terminated) == bool(over) and not now.truncated
                compared, ends, rewards = compared + 1, ends + bool(over), rewards + reward
            if over:
                game.reset()
    # Ends and rewards have been met, several times.
    assert compared > STEPS * 0.85 and ends >= 5 and rewards >= 5
