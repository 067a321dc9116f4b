"""Step sizes within a floor and a cap, as far as a bound on sums alpha_i m_i allows them."""

import math

import numpy as np


def floor(low, measures, limit=1.0):
    """A floor that keeps the bound by itself; else it takes the share `low` of it."""
    whole = max(float(np.sum(m)) for m in measures)
    return low if low * whole <= limit else low * limit / whole


def overshoot(alphas, measures, limit=1.0):
    return max([1.0, *(float(np.sum(alphas * m)) / limit for m in measures)])


def bounded_logs(betas, measures, low, high, limit):
    """Log step sizes of one array; without a limit they are clipped."""
    if limit is None:
        return np.clip(betas, low, high)
    betas = np.maximum(betas, math.log(floor(math.exp(low), measures, limit)))
    return np.minimum(betas - math.log(overshoot(np.exp(betas), measures, limit)), high)


def limited(change, limit):
    return change if limit is None else np.clip(change, -limit, limit)
