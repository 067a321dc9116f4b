"""True online TD(lambda), the online lambda-return algorithm and SwiftTD in float64."""

import numpy as np


def online_lambda_return(x, rewards, following, discounts, alpha, lamda):
    """The weights after each step of one episode: at every time all updates so far are made anew,
    from the start, with the lambda-returns that the horizon allows (van Seijen et al., section 3).

    `x[t]`, `rewards[t]`, `following[t]` and `discounts[t]` are those of transition t.
    """
    n = x.shape[1]
    history, latest = [], [np.zeros(n)]
    for horizon in range(1, len(x) + 1):
        # Values that returns bootstrap from: of x[k] by the newest weights before it was left.
        w = np.zeros(n)
        for t in range(horizon):
            # G_t^{lambda|h}, backwards; the last bootstraps fully.
            value = latest[horizon - 1] @ following[horizon - 1]
            target = rewards[horizon - 1] + discounts[horizon - 1] * value
            for k in range(horizon - 2, t - 1, -1):
                value = latest[k] @ following[k]
                target = rewards[k] + discounts[k] * ((1 - lamda) * value + lamda * target)
            w = w + alpha * (target - w @ x[t]) * x[t]
        latest.append(w)
        history.append(w)
    return np.array(history)


class TrueOnline:
    def __init__(self, n, alpha, lamda):
        self.alpha, self.lamda = alpha, lamda
        self.w, self.z = np.zeros(n), np.zeros(n)
        self.old, self.decay = 0.0, 0.0

    def step(self, x, reward, following, discount, cut=False):
        value, after = self.w @ x, self.w @ following if discount else 0.0
        delta = reward + discount * after - value
        self.z = self.decay * self.z + (1 - self.alpha * self.decay * (self.z @ x)) * x
        self.w = (
            self.w
            + self.alpha * (delta + value - self.old) * self.z
            - self.alpha * (value - self.old) * x
        )
        self.old, self.decay = after, discount * self.lamda
        if cut or discount == 0.0:
            self.z, self.old, self.decay = np.zeros_like(self.z), 0.0, 0.0
        return value, delta


class Swift:
    """The dense algorithm, line by line; `step` in the arrival form."""

    def __init__(self, n, lamda, initial, theta, eta, decay, smallest=1e-10):
        self.lamda, self.theta, self.eta, self.decay = lamda, theta, eta, decay
        self.smallest = smallest
        zero = np.zeros(n)
        self.w, self.beta = zero.copy(), np.full(n, np.log(initial))
        self.z = self.z_delta = self.z_bar = self.p = zero
        self.h = self.h_old = self.h_tmp = zero
        self.v_old = self.v_delta = 0.0

    def step(self, x, reward, discount):
        v = self.w @ x
        delta = reward + discount * v - self.v_old
        change = delta * self.z - self.z_delta * self.v_delta
        self.w = self.w + change
        self.beta = self.beta + self.theta / np.exp(self.beta) * (delta - self.v_delta) * self.p
        self.beta = np.clip(self.beta, np.log(self.smallest), np.log(self.eta))
        self.h_old = self.h
        self.h = self.h_tmp + delta * self.z_bar - self.z_delta * self.v_delta
        self.h_tmp = self.h
        fade = discount * self.lamda
        self.z, self.p, self.z_bar = fade * self.z, fade * self.p, fade * self.z_bar
        self.v_delta = change @ x
        rate = np.sum(np.exp(self.beta) * x**2)
        b = self.z @ x
        m = min(1.0, self.eta / rate) if rate > 0 else 1.0
        self.z_delta = m * np.exp(self.beta) * x
        self.z = self.z + self.z_delta * (1 - b)
        self.p = self.p + self.h_old * x
        self.z_bar = self.z_bar + self.z_delta * (1 - b - self.z_bar * x)
        self.h_tmp = self.h - self.h_old * x * (self.z - self.z_delta) - self.h * self.z_delta * x
        if rate > self.eta:
            zero = np.zeros_like(self.h)
            self.h = self.h_old = self.h_tmp = self.z_bar = zero
            self.beta = self.beta + np.log(self.decay) * x**2
        self.v_old = v
        return v, delta
