"""How fast does an agent live? SARSA on CartPole, a 32x32 network, traces, ObGDBounding, EMA.

One life in one compiled program, against the host's loop over Gymnasium with the same agent, and
against a scan of the same arithmetic written by hand in plain JAX, with nothing of the library in
it: no rejected steps, no counts, no episodes, no metrics but the TD error. And a thousand lives.
Run: python benchmarks/interact.py
"""

import argparse
import dataclasses
import functools as ft

import gymnasium
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from measure import first_call, interleaved_medians, machine, table

import alberta_framework as af

HIDDEN, GAMMA, LAMDA, KAPPA, DECAY, SLOPE = (32, 32), 0.99, 0.8, 2.0, 0.99, 0.01
EPSILON, STEPS, HOST_STEPS = 0.1, 50_000, 2_000
LIVES, LIFE_STEPS = 1_000, 1_000
POLE = af.CartPole()


def agent(epsilon: float = EPSILON) -> af.SARSAAgent:
    return af.SARSAAgent(
        af.SARSAConfig(2, GAMMA, epsilon),
        HIDDEN,
        af.LMS(1.0),
        bounder=af.ObGDBounding(KAPPA),
        normalizer=af.EMANormalizer(decay=DECAY),
        lamda=LAMDA,
    )


def layer(w, b, x):
    u = w @ x + b
    u = u - jnp.mean(u)
    u = u / jnp.sqrt(jnp.mean(u**2) + 1e-5)
    return jnp.where(u >= 0.0, u, SLOPE * u)


def hidden(trunk, x):
    for w, b in trunk:
        x = layer(w, b, x)
    return x


def normal(moments, x):
    return (x - moments[0]) / (jnp.sqrt(moments[1]) + 1e-8)


def bounded(error, *traces):
    """Steps of ObGD for one tensor after the other, under one bound."""
    size = sum(jnp.sum(jnp.abs(z)) for z in traces)
    factor = 1.0 / jnp.maximum(KAPPA * jnp.maximum(jnp.abs(error), 1.0) * size, 1.0)
    return tuple(factor * z for z in traces)


def chosen(key, values):
    key, explore, tie, random = jr.split(key, 4)
    noise = jnp.where(values == jnp.max(values), jr.gumbel(tie, (2,)), -jnp.inf)
    explores = jr.uniform(explore) < EPSILON
    return key, jnp.where(explores, jr.randint(random, (), 0, 2), jnp.argmax(noise))


def pushed(world, action):
    _, velocity, angle, spin = world
    force = jnp.where(action == 1, 10.0, -10.0)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    push = (force + 0.05 * spin**2 * sin) / 1.1
    turning = (9.8 * sin - cos * push) / (0.5 * (4.0 / 3.0 - 0.1 * cos**2 / 1.1))
    moving = push - 0.05 * turning * cos / 1.1
    world = world + 0.02 * jnp.stack([velocity, moving, spin, turning])
    return world, (jnp.abs(world[0]) > 2.4) | (jnp.abs(world[2]) > 12 * 2 * np.pi / 360)


def lived(carry, world_key):
    """One step of the life: everything that the agent and the environment compute."""
    trunk, heads, traces, discount, moments, key, world, steps, seen, action = carry
    world, fell = pushed(world, action)
    steps = steps + 1
    cut = ~fell & (steps >= 500)
    values = heads[0] @ hidden(trunk, normal(moments, world)) + heads[1]
    key, following = chosen(key, values)
    g = jnp.where(fell, 0.0, GAMMA)
    target = 1.0 + g * values[following]

    mean, var, n = moments
    n = n + 1.0
    rate = jnp.maximum(1.0 - DECAY, 1.0 / (n + 1.0))
    dx = seen - mean
    mean, var = mean + rate * dx, jnp.maximum((1.0 - rate) * (var + rate * dx**2), 1e-8)
    moments = mean, var, n
    x = normal(moments, seen)
    h, backward = jax.vjp(lambda trunk: hidden(trunk, x), trunk)
    error = target - (heads[0][action] @ h + heads[1][action])
    (gradient,) = backward(error * heads[0][action])
    leaves, structure = jax.tree.flatten(gradient)
    changes = jax.tree.unflatten(structure, bounded(1.0, *leaves))
    trunk = jax.tree.map(lambda w, s: w + s, trunk, changes)
    taken = (jnp.arange(2) == action).astype(jnp.float32)
    zw = discount * LAMDA * traces[0] + taken[:, None] * h
    zb = discount * LAMDA * traces[1] + taken
    sw, sb = jax.vmap(ft.partial(bounded, error))(zw, zb)
    heads = heads[0] + error * sw, heads[1] + error * sb
    traces = jnp.where(cut, 0.0, zw), jnp.where(cut, 0.0, zb)
    discount = jnp.where(cut, 0.0, g)

    def begin_anew():
        world = jr.uniform(world_key, (4,), jnp.float32, -0.05, 0.05)
        begun, first = chosen(key, heads[0] @ hidden(trunk, normal(moments, world)) + heads[1])
        cut = tuple(jnp.zeros_like(z) for z in traces), jnp.zeros_like(discount)
        return (*cut, begun, world, jnp.zeros_like(steps), first)

    def go_on():
        return traces, discount, key, world, steps, following

    traces, discount, key, world, steps, action = jax.lax.cond(fell | cut, begin_anew, go_on)
    carry = trunk, heads, traces, discount, moments, key, world, steps, world, action
    return carry, error


@jax.jit
def by_hand(carry, world_keys):
    return jax.lax.scan(lived, carry, world_keys)


def start_by_hand(key):
    """The life of the library with this key, before its first step, in arrays; and its world."""
    state = af.interact(agent(), POLE, 0, key).state
    of_agent = state.agent_state
    own = of_agent.learner_state
    trunk = tuple(zip(own.trunk_params.weights, own.trunk_params.biases, strict=True))
    heads = own.head_params.weights[:, 0, :], own.head_params.biases[:, 0]
    traces = jax.tree.map(jnp.zeros_like, heads)
    moments = jnp.zeros(4), jnp.ones(4), jnp.float32(0.0)
    world, steps = state.environment_state.values, jnp.int32(0)
    carry = trunk, heads, traces, jnp.float32(0.0), moments, of_agent.rng_key
    numbers = jnp.arange(STEPS, dtype=jnp.uint32)
    folded = jr.fold_in(state.world_keys.key, 1)
    keys = jax.jit(jax.vmap(lambda i: jr.fold_in(folded, i)))(numbers)
    return (*carry, world, steps, world, state.action), keys


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=LIVES)
    lives = parser.parse_args().lives
    key = jr.key(0)
    carry, keys = start_by_hand(key)

    def library():
        return af.interact(agent(), POLE, STEPS, key, record_window=1000).metrics["td_error"]

    firsts = {"interact": first_call(library), "by hand": first_call(lambda: by_hand(carry, keys))}
    # Later on rounding changes an action, and with it the life.
    ours = af.interact(agent(), POLE, 40, key).metrics["td_error"]
    theirs = by_hand(carry, keys[:40])[1]
    apart = float(jnp.max(jnp.abs(ours - theirs) / jnp.maximum(1.0, jnp.abs(theirs))))

    env = gymnasium.make("CartPole-v1")
    env.reset(seed=0)
    begun = agent().init(4, key)

    def host():
        return af.run_sarsa_continuing(agent(), begun, env, HOST_STEPS).state

    many = jr.split(key, lives)

    def batch():
        found = af.interact_batched(agent(), POLE, LIFE_STEPS, many, record_window=LIFE_STEPS)
        return found.metrics["td_error"]

    s = interleaved_medians(
        {"interact": library, "by hand": lambda: by_hand(carry, keys), "host": host}, 7
    )
    us = {name: seconds / STEPS * 1e6 for name, seconds in s.items()}
    us["host"] = s["host"] / HOST_STEPS * 1e6
    us["batch"] = interleaved_medians({"": batch}, 3)[""] / LIFE_STEPS / lives * 1e6
    compilations = compiled_by(
        lambda: af.interact(agent(0.3), POLE, STEPS, jr.key(7), record_window=1000),
        lambda: af.interact(
            agent(), dataclasses.replace(POLE, half_length=0.8), STEPS, key, record_window=1000
        ),
    )
    print(f"SARSA on CartPole, 32x32, {STEPS:,} steps; {machine()}\n")
    table(
        ("what", "us a step", "steps/s", "against interact", "first call s"),
        [
            (name, f"{us[of]:.2f}", f"{1e6 / us[of]:,.0f}", f"{us[of] / us['interact']:.2f}", first)
            for name, of, first in (
                ("interact", "interact", f"{firsts['interact']:.2f}"),
                ("scan by hand", "by hand", f"{firsts['by hand']:.2f}"),
                ("host loop, Gymnasium", "host", ""),
                (f"interact_batched, {lives:,} lives, of one", "batch", ""),
            )
        ],
    )
    of_hand, of_host = us["interact"] / us["by hand"], us["host"] / us["interact"]
    print(f"\ninteract takes {of_hand:.2f} of the hand-written scan's time (target 1.1),")
    print(f"and is {of_host:.0f} times as fast as the host's loop (20);")
    of_one = us["interact"] / us["batch"]
    print(f"many lives run at {of_one:.2f} times the single life's rate (1.7)")
    print(f"largest relative difference of the first 40 TD errors to the scan's: {apart:.1e}")
    print(f"another key and epsilon, another pole: {compilations} compilations")


def compiled_by(*calls) -> int:
    """How many programs are compiled when these are called once more."""
    count = 0

    def counted(event: str, *_, **__) -> None:
        nonlocal count
        count += event == "/jax/core/compile/backend_compile_duration"

    jax.monitoring.register_event_duration_secs_listener(counted)
    for call in calls:
        jax.block_until_ready(call().metrics)
    return count


if __name__ == "__main__":
    main()
