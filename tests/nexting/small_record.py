"""Signals that are worth predicting, drawn."""

import numpy as np


def small_record(steps, signals, seed=0):
    """Slow waves with noise, [steps, signals]."""
    rng = np.random.default_rng(seed)
    periods = rng.uniform(10, 60, signals)
    phases = 2 * np.pi * np.arange(steps)[:, None] / periods
    return np.float32(5.0 + 2.0 * np.sin(phases) + 0.1 * rng.normal(size=(steps, signals)))
