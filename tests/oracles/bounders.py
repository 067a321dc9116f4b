"""Bounds of a step: overshooting (Elsayed et al. 2024) and adaptive gradient clipping
(Brock, De, Smith and Simonyan 2021)."""

import numpy as np


def obgd_bound(steps, error, params, kappa=2.0):
    """One factor for all tensors: the inverse of kappa max(|error|, 1) norm1, at most 1."""
    norm = sum(float(np.sum(np.abs(step))) for step in steps)
    bound = kappa * max(abs(float(error)), 1.0) * norm
    factor = 1.0 / max(bound, 1.0)
    return tuple(factor * np.asarray(step, np.float64) for step in steps), factor


def _units(tensor, unit_axis):
    """Index of every unit: a row, a column, or a single element of a vector."""
    if tensor.ndim < 2:
        return list(np.ndindex(tensor.shape))
    if unit_axis == 0:
        return [(i,) for i in range(tensor.shape[0])]
    return [(Ellipsis, i) for i in range(tensor.shape[-1])]


def agc_bound(steps, error, params, clip_factor=0.01, eps=1e-3, unit_axis=0):
    """Unit by unit: the change |error| step is at most `clip_factor` of the unit's weights."""
    bounded, clipped, total = [], 0, 0
    for step, param in zip(steps, params, strict=True):
        step, param = np.array(step, np.float64), np.asarray(param, np.float64)
        for unit in _units(step, unit_axis):
            change = abs(float(error)) * np.sqrt(np.sum(step[unit] ** 2))
            limit = clip_factor * max(np.sqrt(np.sum(param[unit] ** 2)), eps)
            total += 1
            if change > limit:
                step[unit] = step[unit] * (limit / max(change, 1e-6))
                clipped += 1
        bounded.append(step)
    return tuple(bounded), clipped / max(total, 1)
