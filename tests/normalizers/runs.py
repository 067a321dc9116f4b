"""Chained normalizer steps as one compiled program."""

import jax


def normalized(normalizer, observations, probes):
    """Outputs and states after every step; each probe is normalized with the state of its step."""

    def step(state, now):
        x, probe = now
        y, state = normalizer.normalize(state, x)
        return state, (y, normalizer.normalize_only(state, probe), state)

    state = normalizer.init(observations.shape[-1])
    return jax.lax.scan(step, state, (observations, probes))[1]


run = jax.jit(normalized)
