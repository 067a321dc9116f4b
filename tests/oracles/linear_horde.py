"""TD(lambda) of many linear demons in float64, each with a trace of its own (Sutton and Barto 2018,
eqs. 12.23 and 12.25)."""

import numpy as np


def lived(rows, gammas, lamdas, terminal_rewards, step_sizes, indices, freezes=False):
    """Weights, traces and TD errors (NaN where inactive) of all demons after each row: a dictionary
    of observation, next_observation, signals, cumulants, and maybe terminated, truncated, rho and
    gammas."""
    steps, dim = rows["observation"].shape
    n = len(gammas)
    w, z = np.zeros((n, dim)), np.zeros((n, dim))
    before = np.zeros(n)
    told = np.full((steps, n), np.nan)
    for t in range(steps):
        x, after = np.float64(rows["observation"][t]), np.float64(rows["next_observation"][t])
        for i in range(n):
            signal = indices[i]
            c = np.float64(rows["signals"][t][signal] if signal >= 0 else rows["cumulants"][t][i])

            def of(name, default, t=t, i=i):
                value = rows.get(name)
                return default if value is None else np.broadcast_to(value[t], (n,))[i]

            ended = of("terminated", 0.0) != 0
            g = 0.0 if ended else float(of("gammas", gammas[i]))
            if not (np.isnan(c) and freezes):
                z[i] = of("rho", 1.0) * (before[i] * lamdas[i] * z[i] + x)
            if not np.isnan(c):
                target = c + ended * terminal_rewards[i] + g * (w[i] @ after if g else 0.0)
                told[t, i] = target - w[i] @ x
                w[i] = w[i] + step_sizes[i] * told[t, i] * z[i]
            if not (np.isnan(c) and freezes) or g == 0.0:
                before[i] = g
            if of("truncated", False):
                z[i] = 0.0
    return w, z, told
