"""Lives on CartPole written by hand in plain JAX, with nothing of the library in a step.

SARSA and StreamQ: the arithmetic of the agents, of what they are shown, and of the environment; no
rejected steps, no exact counts, no episodes, no metrics but the TD error. `sarsa_begun` and
`stream_q_begun` take weights and keys from a life of the library, so that both live the same life.
"""

import functools as ft

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

GAMMA, LAMDA, KAPPA, SLOPE = 0.99, 0.8, 2.0, 0.01
# Of SARSA: the decay of its normalizer's averages.
EPSILON, DECAY = 0.1, 0.99
# Of StreamQ: epsilon falls from 1.
EPSILON_END, EPSILON_STEPS = 0.01, 10_000


def layer(w, b, x, at_zero):
    u = w @ x + b
    u = u - jnp.mean(u)
    u = u / jnp.sqrt(jnp.mean(u**2) + 1e-5)
    return jnp.where(u >= 0.0 if at_zero else u > 0.0, u, SLOPE * u)


def hidden(trunk, x, at_zero=True):
    """`at_zero`: whether a unit at 0 has the slope 1; only that of streaming agents has not."""
    for w, b in trunk:
        x = layer(w, b, x, at_zero)
    return x


def normal(moments, x):
    return (x - moments[0]) / (jnp.sqrt(moments[1]) + 1e-8)


def bounded(error, *traces):
    """Steps of ObGD for one tensor after the other, under one bound."""
    size = sum(jnp.sum(jnp.abs(z)) for z in traces)
    factor = 1.0 / jnp.maximum(KAPPA * jnp.maximum(jnp.abs(error), 1.0) * size, 1.0)
    return tuple(factor * z for z in traces)


def chosen(key, values, epsilon=EPSILON):
    key, explore, tie, random = jr.split(key, 4)
    noise = jnp.where(values == jnp.max(values), jr.gumbel(tie, (2,)), -jnp.inf)
    explores = jr.uniform(explore) < epsilon
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


def sarsa_lived(carry, world_key):
    """One step of SARSA's life: everything that the agent and the environment compute."""
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


def sarsa_begun(state):
    """The life of the library in arrays, before its first step."""
    of_agent = state.agent_state
    own = of_agent.learner_state
    trunk = tuple(zip(own.trunk_params.weights, own.trunk_params.biases, strict=True))
    heads = own.head_params.weights[:, 0, :], own.head_params.biases[:, 0]
    traces = jax.tree.map(jnp.zeros_like, heads)
    moments = jnp.zeros(4), jnp.ones(4), jnp.float32(0.0)
    world = state.environment_state.values
    carry = trunk, heads, traces, jnp.float32(0.0), moments, of_agent.rng_key
    return (*carry, world, jnp.int32(0), world, state.action)


def action_values(params, x):
    *trunk, (w, b) = params
    return w @ hidden(trunk, x, at_zero=False) + b


def with_sample(moments, x):
    """Mean, sample variance and count with one more sample, by Welford's recursion."""
    mean, var, n = moments
    n = n + 1.0
    dx = x - mean
    mean, var = mean + dx / n, jnp.where(n <= 2.0, 0.0, var)
    var = var + (dx * (x - mean) - var) / jnp.maximum(n - 1.0, 1.0)
    return mean, jnp.where(n == 1.0, 1.0, var), n


def shown(moments, x):
    return (x - moments[0]) / jnp.sqrt(moments[1] + 1e-8)


def stream_q_lived(carry, world_key):
    """One step of StreamQ's life, its rewards scaled and its observations normalized."""
    params, traces, decay, moments, sums, key, t, world, steps, x, action, explored = carry
    world, fell = pushed(world, action)
    steps, t = steps + 1, t + 1
    cut = ~fell & (steps >= 500)
    over = fell | cut

    total = jnp.where(over, 0.0, GAMMA * sums[0]) + 1.0
    sums = total, with_sample(sums[1], total)
    reward = 1.0 / jnp.sqrt(sums[1][1] + 1e-8)
    moments = with_sample(moments, world)
    seen = shown(moments, world)

    value, gradient = jax.value_and_grad(lambda p: action_values(p, x)[action])(params)
    g = jnp.where(fell, 0.0, GAMMA)
    error = reward + g * jnp.max(action_values(params, seen)) - value
    traces = jax.tree.map(lambda z, d: decay * z + d, traces, gradient)
    size = sum(jnp.sum(jnp.abs(z)) for z in jax.tree.leaves(traces))
    scale = error / jnp.maximum(KAPPA * jnp.maximum(jnp.abs(error), 1.0) * size, 1.0)
    params = jax.tree.map(lambda w, z: w + scale * z, params, traces)
    traces = jax.tree.map(lambda z: jnp.where(over | explored, 0.0, z), traces)
    epsilon = 1.0 + (EPSILON_END - 1.0) * jnp.minimum((t + 1.0) / EPSILON_STEPS, 1.0)

    def following(key, x):
        values = action_values(params, x)
        key, action = chosen(key, values, epsilon)
        return key, x, action, values[action] < jnp.max(values)

    key, seen, action, explored = following(key, seen)

    def begin_anew():
        world = jr.uniform(world_key, (4,), jnp.float32, -0.05, 0.05)
        begun = with_sample(moments, world)
        return (
            jnp.float32(0.0),
            begun,
            world,
            jnp.zeros_like(steps),
            *following(key, shown(begun, world)),
        )

    def go_on():
        return g * LAMDA, moments, world, steps, key, seen, action, explored

    decay, moments, world, steps, key, x, action, explored = jax.lax.cond(over, begin_anew, go_on)
    carry = params, traces, decay, moments, sums, key, t, world, steps, x, action, explored
    return carry, error


def stream_q_begun(state):
    """The life of the library in arrays, before its first step."""
    shown_state, world = state.agent_state, state.environment_state.values
    own = shown_state.agent_state
    params = tuple(zip(own.params.weights, own.params.biases, strict=True))
    traces = jax.tree.map(jnp.zeros_like, params)
    moments = with_sample((jnp.zeros(4), jnp.ones(4), jnp.float32(0.0)), world)
    zero = jnp.float32(0.0)
    carry = params, traces, zero, moments, (zero, (zero, zero + 1.0, zero)), own.rng_key
    pending = own.last_observation, own.last_action, own.exploratory
    return (*carry, jnp.int32(0), world, jnp.int32(0), *pending)


def world_keys(state, num_steps):
    """The keys of the episodes that begin after each step, as the library draws them."""
    folded = jr.fold_in(state.world_keys.key, 1)
    numbers = jnp.arange(num_steps, dtype=jnp.uint32)
    return jax.jit(jax.vmap(lambda i: jr.fold_in(folded, i)))(numbers)


@ft.partial(jax.jit, static_argnums=0)
def scanned(lived, carry, keys):
    """The last carry and the TD errors."""
    return jax.lax.scan(lived, carry, keys)
