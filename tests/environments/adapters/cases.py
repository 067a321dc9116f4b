"""One row for each world of another package; a new adapter is a new row."""

import contextlib
import dataclasses
import importlib.util
import os

import jax
import pytest

import alberta_framework as af
from tests.environments import cases


@dataclasses.dataclass(frozen=True)
class Row:
    """`ends`: how its episodes of random actions end; `chance`: whether its steps know any."""

    extra: str
    module: str
    kind: str
    arguments: dict
    own_limit: int | None
    ends: tuple
    steps: int
    chance: bool = False

    def __str__(self):
        return f"{self.extra}-{self.arguments['env_id']}"

    def build(self, **changes):
        return getattr(af, self.kind)(**self.arguments | changes)


def world(extra, kind, env_id, own_limit, limit, ends, steps, module=None, chance=False):
    arguments = {"env_id": env_id, "time_limit": limit}
    return Row(extra, module or extra, kind, arguments, own_limit, ends, steps, chance)


ROWS = [
    world("gymnax", "GymnaxEnvironment", "CartPole-v1", 500, 20, cases.BOTH, 200),
    world("gymnax", "GymnaxEnvironment", "Asterix-MinAtar", None, 60, cases.BOTH, 300, chance=True),
    world("gymnax", "GymnaxEnvironment", "Pendulum-v1", 200, 15, ("truncated",), 50),
    world(
        "foragax",
        "ForagaxEnvironment",
        "ForagaxTwoBiomeLarge-v1",
        None,
        25,
        ("truncated",),
        60,
    ),
    world("octax", "OctaxEnvironment", "brix", 4500, 20, cases.BOTH, 200, chance=True),
    world("brax", "BraxEnvironment", "inverted_pendulum", 1000, 8, cases.BOTH, 60),
    world(
        "craftax",
        "CraftaxEnvironment",
        "Craftax-Classic-Symbolic-v1",
        10_000,
        70,
        cases.BOTH,
        400,
        chance=True,
    ),
    world(
        "navix",
        "NavixEnvironment",
        "Navix-Dynamic-Obstacles-5x5-v0",
        100,
        12,
        cases.BOTH,
        200,
        chance=True,
    ),
    world(
        "playground",
        "PlaygroundEnvironment",
        "CartpoleBalance",
        1000,
        15,
        ("truncated",),
        40,
        module="mujoco_playground",
    ),
]
# What these packages warn of is their own affair.
QUIET = pytest.mark.filterwarnings("ignore")


def require(module, extra=None):
    """Skip the test unless the package is there, or has to be, as in the job of its extra."""
    wanted = os.environ.get("ALBERTA_ADAPTER") == (extra or module)
    if importlib.util.find_spec(module) is None and not wanted:
        pytest.skip(f"{module} (extra `{extra or module}`) is not installed")


@contextlib.contextmanager
def lenient():
    """Packages mix dtypes and ranks, which this suite forbids to code of ours."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield
