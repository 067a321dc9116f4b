"""Single updates of the rules that bound their step, in float64, from any float32 state.

Written for many states at once (the last axis is that of the features, the bias the last of them),
from the papers: Mahmood et al. (2012), table 1; Kearney et al. (2019), algorithm 6; Sutton (1992),
figure 2. Floors come before a bound and take the share of it that they would exceed; caps come
after. All values are arrays of NumPy; nothing here knows the library.
"""

import numpy as np


def _floor(low, *measures, limit=1.0):
    """The floor, less where step sizes of the floor alone would break the limit."""
    whole = np.max([m.sum(axis=-1, keepdims=True) for m in measures], axis=0)
    return np.where(low * whole > limit, low * limit / np.where(whole > 0, whole, 1.0), low)


def _divisor(alphas, *measures, limit=1.0):
    """How many times too large the step is, at least 1."""
    steps = [(alphas * m).sum(axis=-1, keepdims=True) / limit for m in measures]
    return np.maximum(np.max(steps, axis=0), 1.0)


def autostep(alphas, h, v, error, x, *, mu, tau, low, high):
    error = error[..., None]
    m = error * x * h
    v = np.maximum(np.abs(m), v + alphas * x**2 * (np.abs(m) - v) / tau)
    exponent = np.divide(m, v, out=np.zeros_like(m), where=v > 0)
    alphas = np.maximum(alphas * np.exp(mu * exponent), _floor(low, x**2))
    alphas = np.minimum(alphas / _divisor(alphas, x**2), high)
    change = alphas * error * x
    return alphas, h * (1.0 - alphas * x**2) + change, v, change


def idbd(betas, h, error, x, *, theta, low, high, limit, log_change):
    """The bias's step size has no log and a clip of its own, to [1e-6, 1]."""
    error = error[..., None]
    change = theta * error * x * h
    if log_change is not None:
        change = np.clip(change, -log_change, log_change)
    betas = betas + change
    bias = np.clip(betas[..., -1:], np.log(1e-6), 0.0)
    if limit is None:
        weights = np.clip(betas[..., :-1], low, high)
        alphas = np.exp(np.concatenate([weights, bias], axis=-1))
    else:
        floor = np.log(_floor(np.exp(low), x**2, limit=limit))
        alphas = np.exp(np.concatenate([np.maximum(betas[..., :-1], floor), bias], axis=-1))
        alphas = alphas / _divisor(alphas, x**2, limit=limit)
        alphas[..., :-1] = np.minimum(alphas[..., :-1], np.exp(high))
    step = alphas * error * x
    return alphas, h * np.maximum(0.0, 1.0 - alphas * x**2) + step, step


def auto_td_idbd(betas, z, h, eta, delta, x, u, decay, *, theta, tau, low, high):
    """Of the weights, or of the bias alone: each has an overshoot of its own."""
    delta, decay = delta[..., None], decay[..., None]
    average = eta - np.exp(betas) * u * z * (np.abs(delta * x * h) - eta) / tau
    eta = np.maximum(np.maximum(np.abs(delta * u * h), average), 1e-8)
    betas = betas - theta * delta * u * h / eta
    betas = np.maximum(betas, np.log(_floor(np.exp(low), -u * z)))
    betas = np.minimum(betas - np.log(_divisor(np.exp(betas), -u * z)), high)
    z = decay * z + x
    alphas = np.exp(betas)
    step = alphas * delta * z
    return betas, z, h * np.maximum(0.0, 1.0 + alphas * u * z) + step, eta, step
