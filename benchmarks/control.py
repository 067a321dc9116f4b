"""What does an agent add to a step of an environment? And how does a Horde grow with its demons?

SARSA with tile-like features on CartPole in the host loop, the environment's own time subtracted,
beside a trivial dispatch; first calls and steps per second of Hordes of 5 to 10,000 demons.
Run: python benchmarks/control.py
"""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np
from measure import first_call, machine, table

import alberta_framework as af

STEPS = 5_000


def trivial_us() -> float:
    trivial = jax.jit(lambda x: x + 1.0)
    x = np.ones(12, np.float32)
    for _ in range(500):
        np.asarray(trivial(x))
    times = []
    for _ in range(5_000):
        start = time.perf_counter()
        np.asarray(trivial(x))
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def environment_us(env) -> float:
    rng = np.random.default_rng(0)
    actions = rng.integers(2, size=STEPS)
    env.reset(seed=0)
    start = time.perf_counter()
    for action in actions:
        _, _, terminated, truncated, _ = env.step(int(action))
        if terminated or truncated:
            env.reset()
    return (time.perf_counter() - start) / STEPS * 1e6


def sarsa() -> None:
    import gymnasium

    rows = []
    for mode, hidden in (("linear", ()), ("trunk 64x64", (64, 64))):
        env = gymnasium.make("CartPole-v1")
        agent = af.SARSAAgent(
            af.SARSAConfig(2), hidden, af.LMS(0.01), bounder=af.ObGDBounding(), sparsity=0.5
        )
        state = agent.init(4, jax.random.key(0))
        state = af.run_sarsa_continuing(agent, state, env, 200).state
        costs = []
        for _ in range(5):
            start = time.perf_counter()
            state = af.run_sarsa_continuing(agent, state, env, STEPS).state
            whole = (time.perf_counter() - start) / STEPS * 1e6
            costs.append(whole - environment_us(env))
        cost, trivial = statistics.median(costs), trivial_us()
        rows.append((mode, f"{trivial:.1f}", f"{cost:.0f}", f"{cost / trivial:.1f}"))
    table(("SARSA on CartPole", "trivial us", "us per step, less env", "times trivial"), rows)


def hordes() -> None:
    rows = []
    for n in (5, 200, 10_000):
        steps = STEPS if n <= 200 else 200
        spec = af.create_horde_spec(
            [
                af.GVFSpec(f"d{i}", af.DemonType.PREDICTION, 1.0 - 1.0 / (i % 50 + 1), 0.0, -1)
                for i in range(n)
            ]
        )
        horde = af.HordeLearner(spec, (64, 64), af.LMS(0.01), bounder=af.ObGDBounding())
        rng = np.random.default_rng(0)
        x = jnp.asarray(rng.normal(size=(steps + 1, 12)), jnp.float32)
        cumulants = jnp.asarray(rng.normal(size=(steps, n)), jnp.float32)
        state = horde.init(12, jax.random.key(0))

        def loop(horde=horde, state=state, x=x, cumulants=cumulants):
            return af.run_horde_learning_loop(horde, state, x[:-1], cumulants, x[1:])

        first = first_call(loop)
        warm = statistics.median(first_call(loop) for _ in range(3)) / steps * 1e6
        rows.append((f"{n:,}", f"{steps:,}", f"{first:.2f}", f"{warm:.1f}", f"{1e6 / warm:,.0f}"))
    table(("demons", "steps", "first call s", "us per step", "steps per s"), rows)


if __name__ == "__main__":
    # Single events gain from synchronous dispatch; the backend takes it before it starts.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    print(f"{machine()}, synchronous dispatch\n")
    sarsa()
    print()
    hordes()
