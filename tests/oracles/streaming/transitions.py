"""The two discounts of every transition, and where traces end."""

import numpy as np


def discounts(terminated, truncated, gamma, bootstrap_on_truncation=True):
    """Outgoing and incoming discount and boundary of every transition, each of shape (steps,).

    The outgoing one, of the bootstrap, is 0 at a termination, and at a truncation if that counts
    as terminal. The incoming one, of the trace, is the outgoing one of the transition before, and
    0 on the first step of an episode.
    """
    terminated, truncated = np.asarray(terminated, bool), np.asarray(truncated, bool)
    boundary = terminated | truncated
    ends = terminated if bootstrap_on_truncation else boundary
    outgoing = np.where(ends, 0.0, float(gamma))
    incoming = np.where(boundary, 0.0, outgoing)
    incoming = np.concatenate([[0.0], incoming[:-1]])
    return outgoing, incoming, boundary
