r"""Targets in units of their own spread.

With the statistics mu, sigma of the targets so far and those, mu', sigma', that hold the target
y of the step too, a head of output z predicts p = mu + sigma z and learns from

    e = (y - mu') / sigma' - z

So a prediction knows nothing of its own target, and no error is larger than the square root of the
number of targets, whatever the first ones were.
"""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float

from ..components.ranges import require_part
from ..normalizers import AbstractNormalizer


class TargetScale(eqx.Module):
    """The scale of a target, by a normalizer; without one targets stay as they are.

    The state is that of the normalizer for one feature.
    """

    normalizer: AbstractNormalizer | None = None

    def begun(self) -> Any:
        """The state before the first target; None without a normalizer."""
        return None if self.normalizer is None else self.normalizer.init(1)

    def of_output(self, state: Any, output: Float[Array, ""]) -> Float[Array, ""]:
        """What an output in units of the target's spread is as a target."""
        self.require_state(state)
        if self.normalizer is None:
            return output
        return self.normalizer.denormalize(state, output[None])[0]

    def of_target(self, state: Any, target: Float[Array, ""]) -> tuple[Float[Array, ""], Any]:
        """The target in units of its spread, and the statistics that hold it."""
        self.require_state(state)
        if self.normalizer is None:
            return target, state
        scaled, after = self.normalizer.normalize(state, target[None])
        return scaled[0], after

    def require_state(self, state: Any) -> None:
        """Check that there are statistics of targets if there is a normalizer, and only then.

        **Raises:** `TypeError`.
        """
        if (self.normalizer is None) != (state is None):
            has, needs = ("none", "a") if state is None else ("one", "no")
            raise TypeError(
                f"the state has {has} of `target_normalizer`, and the learner has {needs} "
                "`target_normalizer`; they go together."
            )


def require_target_normalizer(learner: Any) -> None:
    """Check that field of a learner.

    **Raises:** `TypeError`.
    """
    require_part(learner, "target_normalizer", AbstractNormalizer, optional=True)
