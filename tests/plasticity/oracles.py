"""Methods against loss of plasticity, unit by unit and in float64, around the network of
`tests.oracles.mlp`.

Tensors, traces and optimizers of its learner have the order w0, b0, w1, b1, ...; the last layer is
the output.
"""

import numpy as np


def activations(trunk, x):
    """Of every hidden layer, after the leaky unit."""
    _, tape = trunk.forward(x)
    return [np.where(u >= 0, u, trunk.slope * u) for _, u, _ in tape]


def set_tensors(learner, tensors):
    for old, new in zip(learner.tensors(), tensors, strict=True):
        old[...] = new


class ContinualBackprop:
    """Dohare et al. (2024): after an update, the units of least utility are made anew.

    Per hidden layer: utilities u, mean activations f, ages a, and the budget of replacements.
    """

    def __init__(
        self,
        learner,
        make,
        replacement_rate=1e-4,
        decay_rate=0.99,
        maturity_threshold=100,
        utility="adaptable_contribution",
        max_replacements=1,
        accumulate=True,
        compensate_bias=True,
    ):
        self.learner, self.make = learner, make
        self.rate, self.eta, self.maturity = replacement_rate, decay_rate, maturity_threshold
        self.utility, self.most = utility, max_replacements
        self.accumulate, self.compensate = accumulate, compensate_bias
        widths = [len(w) for w in learner.trunk.weights]
        self.utilities = [np.zeros(n) for n in widths]
        self.mean_activations = [np.zeros(n) for n in widths]
        self.ages = [np.zeros(n) for n in widths]
        self.budgets = [0.0 for _ in widths]

    def update(self, x, y, fresh, told):
        """One step of the learner and of the method.

        `fresh(layer, unit)` is the row that the unit is drawn anew with, `told[layer]` the units
        that were replaced according to the library. The number alone is taken from there, and only
        if it is drawn. But where a unit of a lower layer went in the same step, whether the
        utilities above see its outgoing weights or 0 is open, and the units are taken too.

        Returns the replaced units by layer, and which layers' utilities are open in this sense.
        """
        h = activations(self.learner.trunk, x)
        self.learner.update(x, y)
        replaced, opened = [], []
        for layer, of_layer in enumerate(h):
            opened.append(any(replaced))
            replaced.append(self._of_layer(layer, of_layer, fresh, told[layer], opened[-1]))
        return replaced, opened

    def _of_layer(self, layer, h, fresh, told, is_open):
        tensors, eta = self.learner.tensors(), self.eta
        w_in, b_in, w_out, b_out = tensors[2 * layer : 2 * layer + 4]
        u, f, a = self.utilities[layer], self.mean_activations[layer], self.ages[layer]
        mean_f, unbiased = np.empty(len(h)), np.empty(len(h))
        for i in range(len(h)):
            a[i] += 1
            k = 1 - eta ** a[i]
            f[i] = eta * f[i] + (1 - eta) * h[i]
            mean_f[i] = f[i] / k
            outgoing, incoming = np.mean(np.abs(w_out[:, i])), np.mean(np.abs(w_in[i]))
            y = {
                "adaptable_contribution": abs(h[i] - mean_f[i]) * outgoing / incoming,
                "contribution": abs(h[i]) * outgoing,
                "zero_contribution": abs(h[i] - mean_f[i]) * outgoing,
                "weight": outgoing,
                "adaptation": 1 / incoming,
            }[self.utility]
            u[i] = eta * u[i] + (1 - eta) * y
            unbiased[i] = u[i] / k
        eligible = [i for i in range(len(h)) if a[i] > self.maturity]
        number = len(told)
        if self.accumulate:
            self.budgets[layer] += self.rate * len(eligible)
            number = min(int(np.floor(self.budgets[layer])), self.most, len(eligible))
            self.budgets[layer] -= number
        worst = sorted(eligible, key=lambda i: (unbiased[i], i))[:number]
        units = list(told) if is_open else worst
        for i in units:
            w_in[i], b_in[i] = fresh(layer, i), 0.0
            if self.compensate:
                b_out += w_out[:, i] * mean_f[i]
            w_out[:, i] = 0.0
            u[i] = f[i] = a[i] = 0.0
            self._forget(layer, i)
        return units

    def _forget(self, layer, unit):
        """The unit's slices of traces and of what optimizers learned."""
        places = ((2 * layer, unit), (2 * layer + 1, unit), (2 * layer + 2, (slice(None), unit)))
        for k, where in places:
            trace, optimizer = self.learner.traces[k], self.learner.optimizers[k]
            trace[where] = 0.0
            initial = self.make(trace.shape)
            for name in learned(optimizer):
                getattr(optimizer, name)[where] = getattr(initial, name)[where]


def learned(optimizer):
    """The names of the arrays that an optimizer's oracle keeps of a tensor."""
    return [name for name in optimizer.fields if np.ndim(getattr(optimizer, name))]


class ShrinkTowards:
    """w + dw - c (w - w0): L2 init (Kumar et al. 2023); with w0 = 0 and a noise of deviation 0
    shrink and perturb (Ash and Adams 2020).
    """

    def __init__(self, c, origin):
        self.c, self.origin = c, [np.array(w, np.float64) for w in origin]

    def apply(self, before, change, gradient):
        return [
            w + d - self.c * (w - w0) for w, d, w0 in zip(before, change, self.origin, strict=True)
        ]


class UPGD:
    """Elsayed and Mahmood (2024), without its noise; `gradient` is that of the loss."""

    def __init__(
        self,
        step_size,
        beta_utility=0.9999,
        weight_decay=0.0,
        scale=1.0,
        protecting=True,
        adaptive=False,
        local=False,
    ):
        self.alpha, self.beta, self.decay, self.scale = step_size, beta_utility, weight_decay, scale
        self.protecting, self.adaptive, self.local = protecting, adaptive, local
        self.t, self.utilities, self.first, self.second = 0, None, None, None

    def apply(self, before, change, gradient):
        if self.utilities is None:
            self.utilities, self.first, self.second = (
                [np.zeros_like(w) for w in before] for _ in range(3)
            )
        self.t += 1
        beta = self.beta
        self.utilities = [
            beta * u + (1 - beta) * (-g * w)
            for u, g, w in zip(self.utilities, gradient, before, strict=True)
        ]
        if self.adaptive:
            self.first = [0.9 * m + 0.1 * g for m, g in zip(self.first, gradient, strict=True)]
            self.second = [
                0.999 * v + 0.001 * g * g for v, g in zip(self.second, gradient, strict=True)
            ]
            change = [
                -self.alpha * (m / (1 - 0.9**self.t)) / (np.sqrt(v / (1 - 0.999**self.t)) + 1e-5)
                for m, v in zip(self.first, self.second, strict=True)
            ]
        largest = max(np.max(u) for u in self.utilities)
        after = []
        for w, d, u in zip(before, change, self.utilities, strict=True):
            gate = 1 - self._protected(u / (1 - beta**self.t), largest) if self.protecting else 1.0
            after.append(w * (1 - self.alpha * self.decay) + self.scale * d * gate)
        return after

    def _protected(self, u, largest):
        if self.local:
            size = np.sqrt(np.sum(u**2, axis=-1, keepdims=True))
            return sigmoid(u / np.where(size > 0, size, 1.0))
        return sigmoid(u / largest) if largest > 1e-12 else np.full(u.shape, 0.5)


def sigmoid(x):
    # By way of tanh: exp of a large number overflows.
    return 0.5 * (1 + np.tanh(0.5 * x))


class WeightClipping:
    """Elsayed, Lan, Lyle and Mahmood (2024), to kappa times the initializer's bound."""

    def __init__(self, kappa):
        self.kappa = kappa

    def apply(self, before, change, gradient):
        after = []
        for k, (w, d) in enumerate(zip(before, change, strict=True)):
            bound = self.kappa / np.sqrt(before[k - k % 2].shape[1])
            after.append(np.clip(w + d, -bound, bound))
        return after


class HareAndTortoise:
    """Lee et al. (2024): every `period` steps the weights become a slow average of themselves."""

    def __init__(self, decay, period, initial):
        self.decay, self.period, self.t = decay, period, 0
        self.tortoise = [np.array(w, np.float64) for w in initial]

    def apply(self, before, change, gradient):
        self.t += 1
        hare = [w + d for w, d in zip(before, change, strict=True)]
        mu = self.decay
        self.tortoise = [
            mu * slow + (1 - mu) * w for slow, w in zip(self.tortoise, hare, strict=True)
        ]
        return [slow.copy() for slow in self.tortoise] if self.t % self.period == 0 else hare


class InTurn:
    """Each method on what the one before made of the step."""

    def __init__(self, *methods):
        self.methods = methods

    def apply(self, before, change, gradient):
        for method in self.methods:
            after = method.apply(before, change, gradient)
            change = [new - w for new, w in zip(after, before, strict=True)]
        return after


def run(learner, method, xs, ys):
    """The tensors after each step, of a learner without traces."""
    history = []
    for x, y in zip(xs, ys, strict=True):
        before = [tensor.copy() for tensor in learner.tensors()]
        _, error, _ = learner.update(x, y)
        change = [new - w for new, w in zip(learner.tensors(), before, strict=True)]
        # Without a decay the traces are the gradients of the prediction.
        gradient = [-error * z for z in learner.traces]
        set_tensors(learner, method.apply(before, change, gradient))
        history.append([tensor.copy() for tensor in learner.tensors()])
    return history


def spectral_gradient(tensors, target, power):
    """Of sum_l (sigma_max(W_l)^power - target)^2 + |b_l|^2, by singular value decompositions."""
    gradient = []
    for k, tensor in enumerate(tensors):
        if k % 2:
            gradient.append(2 * np.asarray(tensor, np.float64))
            continue
        left, sigma, right = np.linalg.svd(np.asarray(tensor, np.float64))
        s = sigma[0]
        slope = 2 * (s**power - target) * power * s ** (power - 1)
        gradient.append(slope * np.outer(left[:, 0], right[0]))
    return gradient
