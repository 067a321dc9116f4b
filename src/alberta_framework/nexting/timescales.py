"""Questions at many time scales: one demon for each signal and each time scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..horde import DemonType, GVFSpec, HordeSpec, create_horde_spec


def discount_from_timescale(tau: Any, dt: float) -> Any:
    """gamma = 1 - dt / tau: the discount that looks tau ahead, in steps of dt.

    A return with it weighs the cumulants of the next 1 / (1 - gamma) = tau / dt steps; (1 - gamma)
    times it is their mean over about tau, in the unit of the cumulant. tau = dt gives 0, the next
    step alone.

    **Arguments:** `tau` >= `dt`: in the unit of `dt`, one or an array of them; `dt` > 0.

    **Raises:** `ValueError` for numbers out of range.
    """
    step, scales = float(dt), np.asarray(tau, np.float64)
    if not (np.isfinite(step) and step > 0.0):
        raise ValueError(f"`dt` must be above 0 and finite, got {dt}.")
    if not (np.isfinite(scales) & (scales >= step)).all():
        raise ValueError(f"`tau` must be finite and at least `dt`, {dt}, got {tau}.")
    discounts = 1.0 - step / scales
    return float(discounts) if discounts.ndim == 0 else discounts


def nexting_horde(
    signals: Sequence[str], timescales: Sequence[float], dt: float, lamda: float = 0.9
) -> HordeSpec:
    r"""What every signal will be at every time scale: n signals times m scales, n m demons.

    The demon `"{signal}@{tau}s"` predicts the discounted sum of its signal with
    gamma = 1 - dt / tau; demons of one signal stand side by side, in the order of `timescales`. The
    cumulant of each is its signal: pass `signals` [n] to the update, and no cumulants.

    Source: Modayil, White and Sutton (2014), Multi-timescale nexting in a reinforcement learning
    robot, arXiv:1112.1133.

    **Arguments:** `signals`: distinct names, at least one; `timescales`: distinct, each >= `dt`, in
    seconds as `dt`; `lamda` in [0, 1], default 0.9.

    **Raises:** `ValueError` for no or equal names or scales, and for numbers out of range.
    """
    names, scales = tuple(signals), [float(tau) for tau in timescales]
    for name, given in (("signals", names), ("timescales", scales)):
        if not given or len(set(given)) < len(given):
            raise ValueError(f"`{name}` must hold at least one and no two alike, got {given}.")
    gammas = [discount_from_timescale(tau, dt) for tau in scales]
    return create_horde_spec(
        [
            GVFSpec(f"{name}@{tau:g}s", DemonType.PREDICTION, gamma, lamda, index)
            for index, name in enumerate(names)
            for tau, gamma in zip(scales, gammas, strict=True)
        ]
    )
