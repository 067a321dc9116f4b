"""Chained optimizer steps as one compiled program; the optimizer is an argument of it."""

import jax
import jax.numpy as jnp


def supervised(optimizer, errors, observations):
    """Outputs and states after every step, from the state of `init`."""

    def step(state, now):
        update = optimizer.update(state, *now)
        kept = (update.weight_delta, update.bias_delta, update.metrics, update.new_state)
        return update.new_state, kept

    state = optimizer.init(observations.shape[-1])
    return jax.lax.scan(step, state, (errors, observations))[1]


def tensor(optimizer, errors, gradients):
    """Steps and states of the per-parameter path; `errors` None: inside the gradients."""

    def step(state, now):
        change, state = optimizer.update_from_gradient(state, now[1], now[0])
        return state, (change, state)

    state = optimizer.init_for_shape(gradients.shape[1:])
    return jax.lax.scan(step, state, (errors, gradients))[1]


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
