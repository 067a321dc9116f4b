"""Chained optimizer steps as one compiled program; the optimizer is an argument of it."""

import jax
import jax.numpy as jnp


def supervised(optimizer, errors, observations):
    """Outputs and states after every step, from the state of `init` and weights of 0."""

    def step(carry, now):
        state, w, b = carry
        update = optimizer.change(state, *now, w, b)
        kept = (update.weight_delta, update.bias_delta, update.metrics, update.new_state)
        w = less(w, update.weight_forgotten) + update.weight_delta
        b = less(b, update.bias_forgotten) + update.bias_delta
        return (update.new_state, w, b), kept

    dim = observations.shape[-1]
    begun = optimizer.init(dim), jnp.zeros(dim, jnp.float32), jnp.zeros((), jnp.float32)
    return jax.lax.scan(step, begun, (errors, observations))[1]


def less(weights, forgotten):
    return weights if forgotten is None else weights - forgotten


def tensor(optimizer, errors, gradients):
    """Steps and states of the per-parameter path; `errors` None: inside the gradients."""

    def step(carry, now):
        (state, w), (error, gradient) = carry, now
        change, state = optimizer.step_on(state, gradient, error, w)
        error = 1.0 if error is None else jnp.float32(error)
        w = less(w, optimizer.forgotten(state, w)) + error * change
        return (state, w), (change, state)

    shape = gradients.shape[1:]
    begun = optimizer.init_for_shape(shape), jnp.zeros(shape, jnp.float32)
    return jax.lax.scan(step, begun, (errors, gradients))[1]


def td(optimizer, td_errors, observations, next_observations, gammas):
    """Outputs and states after every step, from the state of `init`."""

    def step(state, now):
        update = optimizer.update(state, *now)
        kept = (update.weight_delta, update.bias_delta, update.metrics, update.new_state)
        return update.new_state, kept

    state = optimizer.init(observations.shape[-1])
    return jax.lax.scan(step, state, (td_errors, observations, next_observations, gammas))[1]


run_supervised, run_tensor, run_td = jax.jit(supervised), jax.jit(tensor), jax.jit(td)


def run(case_kind, optimizer, inputs):
    """The run that fits the inputs: "supervised", "tensor" or "td"."""
    inputs = jax.tree.map(jnp.asarray, inputs)
    return {"supervised": run_supervised, "tensor": run_tensor, "td": run_td}[case_kind](
        optimizer, *inputs
    )
