"""tanh of a Gaussian, reparameterised: Haarnoja et al. (2018), arXiv:1801.01290, appendix C."""

import numpy as np

LOWEST, HIGHEST = -20.0, 2.0


def act(outputs, noise):
    """The action tanh(mean + sigma noise) in (-1, 1) and its log-density.

    `outputs` are n means, then n logarithms of standard deviations, clipped to [-20, 2].
    """
    mean, raw = np.split(outputs, 2)
    log_sigma = np.clip(raw, LOWEST, HIGHEST)
    u = mean + np.exp(log_sigma) * noise
    log_density = np.sum(-0.5 * noise**2 - log_sigma - 0.5 * np.log(2.0 * np.pi))
    log_density -= np.sum(2.0 * (np.log(2.0) - u - np.logaddexp(0.0, -2.0 * u)))
    return np.tanh(u), log_density


def pull_back(outputs, noise, action_gradient, temperature):
    """Gradient by the outputs of Q(a) - temperature log pi(a), a moving with the outputs.

    `action_gradient` is that of Q by the action. A clipped logarithm has no gradient.
    """
    mean, raw = np.split(outputs, 2)
    sigma = np.exp(np.clip(raw, LOWEST, HIGHEST))
    a = np.tanh(mean + sigma * noise)
    by_u = (1.0 - a**2) * action_gradient - 2.0 * temperature * a
    by_log_sigma = by_u * sigma * noise + temperature
    inside = (raw >= LOWEST) & (raw <= HIGHEST)
    return np.concatenate([by_u, np.where(inside, by_log_sigma, 0.0)])
