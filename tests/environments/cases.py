"""One row for each environment in JAX; a new environment is a new row."""

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

import alberta_framework as af


@dataclasses.dataclass(frozen=True)
class Row:
    """`numbers` holds two other values of each number; `ends` how its episodes end, if they do."""

    kind: str
    arguments: dict
    numbers: dict
    ends: tuple = ()
    one_hot: bool = False
    told: str = ""

    def __str__(self):
        return self.kind + self.told

    def build(self, **changes):
        return getattr(af, self.kind)(**self.arguments | changes)


def factors(kind, *excepted):
    """A half and twice the default of every number of a class but those named."""
    built = getattr(af, kind)()
    fields = {f.name: f for f in dataclasses.fields(built) if not f.metadata.get("static")}
    return {
        name: (getattr(built, name) * 0.5, getattr(built, name) * 2.0)
        for name in fields
        if name not in excepted
    }


BOTH = ("terminated", "truncated")
POLE = af.CartPole(max_steps=30)
ROWS = [
    Row(
        "CartPole",
        {"max_steps": 30},
        factors("CartPole", "max_steps", "position_limit")
        | {"max_steps": (5, 9), "position_limit": (0.05, 0.1)},
        BOTH,
    ),
    Row(
        "MountainCar",
        # A goal that is reached now and then, and walls that are met, by a strong car.
        {"max_steps": 40, "force": 0.01, "goal_position": 0.0, "max_position": 0.1},
        {
            "force": (0.02, 0.0),
            "gravity": (0.0, 0.005),
            "max_speed": (0.02, 0.1),
            "min_position": (-0.9, -0.7),
            "max_position": (-0.1, -0.3),
            "goal_position": (-0.1, -0.2),
            "goal_velocity": (0.03, 0.06),
            "max_steps": (5, 9),
        },
        BOTH,
    ),
    Row(
        "MountainCarContinuous",
        {"max_steps": 40, "power": 0.03, "goal_position": -0.2, "max_position": 0.1},
        {
            "power": (0.02, 0.0),
            "gravity": (0.0, 0.005),
            "max_speed": (0.02, 0.1),
            "min_position": (-0.9, -0.6),
            "max_position": (-0.1, -0.4),
            "goal_position": (-0.3, -0.35),
            "goal_velocity": (0.01, 0.05),
            "max_steps": (5, 9),
        },
        BOTH,
    ),
    Row(
        "Acrobot",
        # A strong motor, that swings it up now and then.
        {"max_steps": 30, "torque": 20.0},
        factors("Acrobot", "max_steps", "torque", "second_speed_limit", "time_step", "inertia")
        | {"torque": (10.0, 15.0), "max_steps": (5, 9), "second_speed_limit": (4.0, 8.0)}
        # In longer steps, or with lighter links, one step makes a thousandth of a rounding error.
        | {"time_step": (0.05, 0.15), "inertia": (1.5, 2.0)},
        BOTH,
    ),
    Row(
        "Pendulum",
        {"max_steps": 20},
        factors("Pendulum", "max_steps") | {"max_steps": (5, 9)},
        ("truncated",),
    ),
    Row(
        "SwitchingBandit",
        {"n_arms": 3, "change_interval": 7},
        {"change_interval": (1, 12), "value_std": (0.0, 3.0), "noise_std": (0.0, 0.3)},
    ),
    Row(
        "RiverSwim",
        {"n_places": 3},
        factors("RiverSwim", "end_advance") | {"end_advance": (0.3, 0.9)},
        one_hot=True,
    ),
    Row(
        "AccessControl",
        {"n_servers": 3},
        {"free_probability": (0.0, 0.5)},
        one_hot=True,
    ),
    Row(
        "TwoRooms",
        {"room_size": 2},
        {"slip_probability": (0.0, 1.0), "goal_reward": (-1.0, 5.0), "step_reward": (-1.0, 0.1)},
        one_hot=True,
    ),
    Row(
        "TraceConditioning",
        {"interval": 3, "min_gap": 2, "max_gap": 6},
        {"interval": (1, 4), "min_gap": (1, 3), "max_gap": (3, 9)},
    ),
    Row("Baird", {}, {}),
    Row(
        "RandomWalk19",
        {},
        {"left_reward": (-2.0, 0.5), "right_reward": (0.0, 3.0), "right_probability": (0.0, 0.9)},
        ("terminated",),
        one_hot=True,
    ),
    Row("Catch", {"rows": 5, "columns": 4}, {}, ("terminated",)),
    Row("TimeLimit", {"environment": POLE, "max_steps": 12}, {"max_steps": (3, 50)}, BOTH),
    Row(
        "TimeLimit",
        {"environment": af.RiverSwim(), "max_steps": 12},
        {"max_steps": (3, 50)},
        ("truncated",),
        one_hot=True,
        told=" of a continuing one",
    ),
    Row(
        "Changing",
        {
            "environment": POLE,
            "path": "half_length",
            "schedule": af.Periodic([0.05, 1.0], period=20),
        },
        {},
        BOTH,
    ),
    Row("StickyActions", {"environment": POLE}, {"probability": (0.0, 0.9)}, BOTH),
    Row(
        "StickyActions",
        {"environment": af.TimeLimit(af.Pendulum(), 9)},
        {"probability": (0.0, 1.0)},
        ("truncated",),
        told=" of numbers",
    ),
]
each = pytest.mark.parametrize("row", ROWS, ids=str)
each_number = pytest.mark.parametrize(
    "row, field",
    [pytest.param(row, field, id=f"{row}.{field}") for row in ROWS for field in row.numbers],
)


def lived(environment, key, num_steps):
    """A life of random actions: what was first seen, then what came before and after each step.

    That is ((state, action, key), (state, what followed)), time first.
    """
    space = environment.action_space
    state, observation = environment.reset(jr.fold_in(key, 0))

    def one(state, now_key):
        action_key, step_key, reset_key = jr.split(now_key, 3)
        before = state, space.sample(action_key), step_key
        after, now = environment.step(*before)
        over = now.terminated | now.truncated
        following = jax.lax.cond(
            over, lambda: environment.restart(after, reset_key)[0], lambda: after
        )
        return following, (before, (after, now))

    _, (before, after) = jax.lax.scan(one, state, jr.split(jr.fold_in(key, 1), num_steps))
    return observation, before, after


life = jax.jit(lived, static_argnames="num_steps")


@jax.jit
def begun(environment, key):
    return environment.reset(key)


@jax.jit
def stepped(environment, state, action, key):
    return environment.step(state, action, key)


@jax.jit
def sampled(environment, state, action, keys):
    """What follows one action in one state, many times."""
    return jax.vmap(lambda key: environment.step(state, action, key))(keys)


def blank(space):
    return jnp.zeros(space.shape, space.dtype)
