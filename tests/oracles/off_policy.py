"""Off-policy TD with linear values in float64, each written out from its published equations."""

import numpy as np


def rows(x, rewards, after, discounts, cuts, rhos):
    """One transition after the other, with its incoming discount and the ratio before it: both of
    the same episode, 0 and 1 at its first step."""
    incoming, before = 0.0, 1.0
    for row in zip(x, rewards, after, discounts, cuts, rhos, strict=True):
        yield (*map(np.float64, row[:4]), np.float64(row[5]), incoming, before, incoming == 0.0)
        over = row[4] or row[3] == 0.0
        incoming, before = (0.0, 1.0) if over else (np.float64(row[3]), np.float64(row[5]))


def error(w, x, r, x_next, g):
    return r + (g * (w @ x_next) if g else 0.0) - w @ x


def off_policy_td(data, alpha, lamda, traces=None):
    """z = rho (g lamda z + x)."""
    w, z = np.zeros(data[0].shape[1]), np.zeros(data[0].shape[1])
    errors = []
    for x, r, x_next, g, rho, incoming, _, _ in rows(*data):
        delta = error(w, x, r, x_next, g)
        z = rho * (incoming * lamda * z + x)
        w = w + alpha * delta * z
        errors.append(delta)
        if traces is not None:
            traces.append(z)
    return w, np.array(errors), {}


def differential_td(data, alpha, beta, lamda, rates=None):
    """delta = r - rate + v(x') - v(x), z = rho (lamda z + x), rate += beta rho delta; a discount of
    0 alone ends anything."""
    w, z, rate = np.zeros(data[0].shape[1]), np.zeros(data[0].shape[1]), 0.0
    errors = []
    for x, r, x_next, g, rho, _, _, first in rows(*data):
        delta = r - rate + (w @ x_next if g else 0.0) - w @ x
        z = rho * ((0.0 if first else lamda) * z + x)
        w = w + alpha * delta * z
        rate = rate + beta * rho * delta
        errors.append(delta)
        if rates is not None:
            rates.append(rate)
    return w, np.array(errors), {}


def centered_td(data, alpha, lamda, beta, mode, rates):
    """`off_policy_td` of the rewards less their average; `mode` "value" or "simple"."""
    w, z, rate = np.zeros(data[0].shape[1]), np.zeros(data[0].shape[1]), 0.0
    errors = []
    for x, r, x_next, g, rho, incoming, _, _ in rows(*data):
        delta = error(w, x, r - rate, x_next, g)
        z = rho * (incoming * lamda * z + x)
        w = w + alpha * delta * z
        rate = rate + beta * (rho * delta if mode == "value" else r - rate)
        errors.append(delta)
        rates.append(rate)
    return w, np.array(errors)


def gradient_td(data, alpha, beta, lamda, eta, variant, one_step=False):
    """TDC(lamda), GTD2(lamda); with eta 1 and beta = alpha TDRC(lamda). In the one-step forms the
    ratio weights the whole of both updates: h += beta rho (delta - h.x) x."""
    d = data[0].shape[1]
    w, h, z, errors = np.zeros(d), np.zeros(d), np.zeros(d), []
    for x, r, x_next, g, rho, incoming, _, _ in rows(*data):
        delta = error(w, x, r, x_next, g)
        z = rho * (incoming * lamda * z + x)
        correction = g * (1 - lamda) * (z @ h) * x_next if g else 0.0
        expected = (rho if one_step else 1.0) * (h @ x) * x
        first = delta * z if variant == "tdc" else expected
        change = delta * z - expected - eta * h
        w = w + alpha * (first - correction)
        h = h + beta * change
        errors.append(delta)
    return w, np.array(errors), {"auxiliary_weights": h}


def emphatic_td(data, alpha, lamda, interest, follow_on=None):
    """F with the ratio before."""
    w, z = np.zeros(data[0].shape[1]), np.zeros(data[0].shape[1])
    f, errors = 0.0, []
    for x, r, x_next, g, rho, incoming, before, _ in rows(*data):
        delta = error(w, x, r, x_next, g)
        f = before * incoming * f + interest
        m = lamda * interest + (1 - lamda) * f
        z = rho * (incoming * lamda * z + m * x)
        w = w + alpha * delta * z
        errors.append(delta)
        if follow_on is not None:
            follow_on.append(f)
    return w, np.array(errors), {}


def v_trace(data, alpha, lamda, rho_clip, trace_clip):
    """The trace decays by the clipped ratio before; the step is weighted by the clipped ratio."""
    w, z, errors = np.zeros(data[0].shape[1]), np.zeros(data[0].shape[1]), []
    for x, r, x_next, g, rho, incoming, before, first in rows(*data):
        delta = error(w, x, r, x_next, g)
        c = 0.0 if first else lamda * min(trace_clip, before)
        z = incoming * c * z + x
        w = w + alpha * min(rho_clip, rho) * delta * z
        errors.append(delta)
    return w, np.array(errors), {}


def retrace(data, alpha, lamda):
    """z = g lamda min(1, rho) z + psi; the features are those of pairs."""
    w, z = np.zeros(data[0].shape[1]), np.zeros(data[0].shape[1])
    errors = []
    for x, r, x_next, g, rho, incoming, _, _ in rows(*data):
        delta = error(w, x, r, x_next, g)
        z = incoming * lamda * min(1.0, rho) * z + x
        w = w + alpha * delta * z
        errors.append(delta)
    return w, np.array(errors), {}


def gq(data, alpha, beta, lamda):
    """e = g lamda rho e + psi; psi' expected under the target policy."""
    d = data[0].shape[1]
    w, h, e, errors = np.zeros(d), np.zeros(d), np.zeros(d), []
    for x, r, x_next, g, rho, incoming, _, _ in rows(*data):
        delta = error(w, x, r, x_next, g)
        e = incoming * lamda * rho * e + x
        correction = g * (1 - lamda) * (e @ h) * x_next if g else 0.0
        w, h = w + alpha * (delta * e - correction), h + beta * (delta * e - (h @ x) * x)
        errors.append(delta)
    return w, np.array(errors), {"auxiliary_weights": h}
