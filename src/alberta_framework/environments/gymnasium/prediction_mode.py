"""What a learner in an environment predicts."""

import enum


class PredictionMode(enum.Enum):
    """The target that goes with an observation and an action.

    `REWARD`: the reward of this step. `NEXT_STATE`: the next observation. `VALUE`: the reward plus
    the discounted value of what follows, by an estimator.
    """

    REWARD = "reward"
    NEXT_STATE = "next_state"
    VALUE = "value"


def prediction_mode(mode: PredictionMode | str) -> PredictionMode:
    """The mode itself, or the one that a string names."""
    try:
        return PredictionMode(mode)
    except ValueError:
        allowed = [choice.value for choice in PredictionMode]
        raise ValueError(
            f"`mode` must be a PredictionMode or one of {allowed}, got {mode!r}."
        ) from None
