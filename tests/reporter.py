"""A learner that learns nothing, and reports at each step what it was told to."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

import alberta_framework as af


class WithLife(af.AbstractLearnerState):
    steps: jax.Array
    life: af.Lifecycle


class WithoutLife(af.AbstractState):
    steps: jax.Array


class Outcome(eqx.Module):
    second: jax.Array
    first: jax.Array


# What is reported at step `t`, in each form: `n`, and whole numbers more.
FORMS = {
    "c a b": lambda n, t: {"c": n + 3, "a": n + 1, "b": n + 2},
    "sorted": lambda n, t: {"gain": -n, "loss": n + 3},
    "unsorted": lambda n, t: {"zero": n * 0, "loss": n + 3, "gain": -n},
    "squared last": lambda n, t: {"error": -n, "squared_error": n + 3},
    "loss": lambda n, t: {"loss": n + 3},
    "module": lambda n, t: Outcome(n + 2, n + 1),
    "array": lambda n, t: jnp.stack([n + 1, n + 2]),
    "number": lambda n, t: n + 1,
    "matrix": lambda n, t: n + jnp.arange(6.0).reshape(3, 2),
    "parts": lambda n, t: {"zero": n, "each": n + jnp.arange(3.0)},
    "zeros": lambda n, t: {"zero": n + jnp.arange(3.0)},
    "two widths": lambda n, t: {"few": n + jnp.arange(2.0), "many": n + jnp.arange(3.0)},
    "odd names": lambda n, t: {"a/b": n + 1, "": n + 2, "ü ß": n + 3, "rejected steps": n + 4},
    "a name of the result": lambda n, t: {"step": n, "loss": n + 3},
    "deep": lambda n, t: {"bad": n + jnp.zeros((2, 2)), "good": n},
    "tuple": lambda n, t: (n, n),
    "count": lambda n, t: {"flag": n > 0.15, "whole": jnp.int32(7)},
    "never": lambda n, t: {"never": jnp.nan * n, "loss": n + 3},
    "now and then": lambda n, t: {"loss": jnp.where(t % 10 == 0, n + 3, jnp.nan)},
}


class Reporter(af.AbstractLearner[Any, Any]):
    """Its state counts what was rejected, which is nothing; without a life it does not tell."""

    offset: float = 0.1
    form: str = eqx.field(static=True, default="c a b")
    has_life: bool = eqx.field(static=True, default=True)

    def init(self, feature_dim):
        steps = jnp.int32(0)
        return WithLife(steps, af.Lifecycle.begin()) if self.has_life else WithoutLife(steps)

    def learn(self, state, experience):
        changes: dict[str, Any] = {"steps": state.steps + 1}
        if self.has_life:
            changes["life"] = state.life.advance(jnp.bool_(True))
        return state.replace(**changes), FORMS[self.form](jnp.float32(self.offset), state.steps)


class UnnumberedReporter(af.AbstractLearner[Any, Any]):
    """One without hyperparameters; it reports the number of the step."""

    def init(self, feature_dim):
        return WithoutLife(jnp.int32(0))

    def learn(self, state, experience):
        return WithoutLife(state.steps + 1), {"loss": state.steps}


class Rejecting(af.AbstractLearner[Any, Any]):
    """One whose state counts the rejected steps, every fourth one, in an array of its own."""

    def init(self, feature_dim):
        return Counts(jnp.int32(0), jnp.int32(0))

    def learn(self, state, experience):
        bad = state.steps % 4 == 3
        after = Counts(state.steps + 1, state.rejected_count + bad.astype(jnp.int32))
        return after, {"loss": jnp.where(bad, jnp.nan, 1.0)}


class Counts(af.AbstractState):
    steps: jax.Array
    rejected_count: jax.Array
