"""Experience of the policy that is learned about."""

from typing import Any, TypeVar

Experience = TypeVar("Experience", bound=Any)


def on_policy(learner: Any, experience: Experience) -> Experience:
    """The experience, for a learner that has no use for ratios of importance sampling.

    **Raises:** `TypeError` for experience that has any: learned as if it were on policy, it would
    answer another question.
    """
    if experience.rho is not None:
        raise TypeError(
            f"{type(learner).__name__}: `rho` must be None, for it learns on policy; an "
            "off-policy learner, such as OffPolicyTD or GradientTD, has a use for ratios."
        )
    return experience
