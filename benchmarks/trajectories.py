"""How fast does `collect_trajectory` walk an environment? CartPole-v1, 20,000 steps.

Against a bare loop over the same environment and policy that keeps observation, action and reward
in NumPy buffers (what a user would write), single and in copies.
Run: python benchmarks/trajectories.py
"""

import argparse

import gymnasium
import jax.numpy as jnp
import numpy as np
from measure import interleaved_medians, machine, table

from alberta_framework.environments import (
    PredictionMode,
    collect_trajectory,
    collect_trajectory_vec,
    collect_transitions,
    make_random_policy,
)

STEPS, COPIES = 20_000, 64


def leaning(observation):
    return int(observation[2] + 0.5 * observation[3] > 0)


def bare_loop(env, policy):
    """What a user would write; REWARD targets, the action among the features."""
    x, y = np.empty((STEPS, 5), np.float32), np.empty((STEPS, 1), np.float32)
    observation, _ = env.reset(seed=0)
    episodes = 0
    for t in range(STEPS):
        action = policy(observation)
        x[t, :4], x[t, 4] = observation, action
        observation, y[t, 0], terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            episodes += 1
            observation, _ = env.reset(seed=episodes)
    return jnp.asarray(x), jnp.asarray(y)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    env = gymnasium.make("CartPole-v1")
    random = make_random_policy(env)
    one_push = np.zeros(COPIES, np.int64)

    def in_copies(mode):
        return collect_trajectory_vec(
            "CartPole-v1",
            COPIES,
            lambda observation: one_push,
            STEPS // COPIES,
            vectorization_mode=mode,
        ).targets

    fns = {
        "bare loop, a policy of two numbers": lambda: bare_loop(env, leaning),
        "collect_trajectory": lambda: collect_trajectory(env, leaning, STEPS),
        "  next states": lambda: collect_trajectory(env, leaning, STEPS, PredictionMode.NEXT_STATE),
        "  collect_transitions": lambda: collect_transitions(env, leaning, STEPS).actions,
        "bare loop, random policy": lambda: bare_loop(env, random),
        "collect_trajectory, random policy": lambda: collect_trajectory(env, random, STEPS),
        f"collect_trajectory_vec, {COPIES} copies, sync": lambda: in_copies("sync"),
        f"  {COPIES} copies, vector_entry_point": lambda: in_copies("vector_entry_point"),
    }
    same = zip(bare_loop(env, leaning), collect_trajectory(env, leaning, STEPS), strict=True)
    assert all(np.array_equal(theirs, ours) for theirs, ours in same)
    medians = interleaved_medians(fns, repeats)
    bare = medians["bare loop, a policy of two numbers"]
    print(f"CartPole-v1, {STEPS:,} steps, gymnasium {gymnasium.__version__}; {machine()}")
    print(f"median of {repeats}, interleaved; speed relative to the first bare loop\n")
    rows = [
        (name, f"{STEPS / seconds:,.0f}", f"{bare / seconds:.2f}")
        for name, seconds in medians.items()
    ]
    table(("what", "steps/s", "speed"), rows)
    random_loop = medians["bare loop, random policy"]
    ratio = random_loop / medians["collect_trajectory, random policy"]
    print(f"\nrandom policy: collect_trajectory at {ratio:.2f} of its bare loop")


if __name__ == "__main__":
    main()
