"""Approximators with a forward and a backward pass by hand.

Both have `forward(params, x)`, the outputs, and `gradient(params, x, weights)`, the gradient of
`weights . outputs` by every leaf of `params`. `weights` of one 1 and zeros pick an output.
"""

import numpy as np

EPSILON = 1e-5


class Linear:
    """W x, without a bias: `params` is [W], W of shape (outputs, inputs)."""

    def forward(self, params, x):
        return params[0] @ np.asarray(x, np.float64)

    def gradient(self, params, x, weights):
        return self.gradients(params, x, weights)[0]

    def gradients(self, params, x, weights):
        return [np.outer(weights, np.asarray(x, np.float64))], params[0].T @ weights


class Network:
    """Hidden layers W x + b -> LayerNorm without scale and shift -> LeakyReLU; a linear output.

    `unit_features` divides what enters the output layer by its L2 norm, or by 1e-8 if that is more.
    """

    def __init__(self, slope=0.01, layer_norm=True, unit_features=False):
        self.slope, self.layer_norm, self.unit_features = slope, layer_norm, unit_features

    def _features(self, params, x):
        tape, x = [], np.asarray(x, np.float64)
        for w, b in zip(params[:-2:2], params[1:-2:2], strict=True):
            u = w @ x + b
            scale = 1.0
            if self.layer_norm:
                centred = u - np.mean(u)
                scale = 1.0 / np.sqrt(np.mean(centred**2) + EPSILON)
                u = centred * scale
            tape.append((x, u, scale))
            x = np.where(u > 0, u, self.slope * u)
        length = max(np.sqrt(np.sum(x**2)), 1e-8) if self.unit_features else 1.0
        return x / length, length, tape

    def forward(self, params, x):
        features, _, _ = self._features(params, x)
        return params[-2] @ features + params[-1]

    def gradient(self, params, x, weights):
        return self.gradients(params, x, weights)[0]

    def gradients(self, params, x, weights):
        """Of `weights . outputs`: by every leaf, and by the input."""
        weights = np.asarray(weights, np.float64)
        features, length, tape = self._features(params, x)
        leaves = [np.outer(weights, features), weights.copy()]
        g = params[-2].T @ weights
        if self.unit_features:
            along = features * np.dot(features, g) if length > 1e-8 else 0.0
            g = (g - along) / length
        for w, (below, u, scale) in zip(params[-4::-2], reversed(tape), strict=True):
            g = np.where(u > 0, g, self.slope * g)
            if self.layer_norm:
                g = scale * (g - np.mean(g) - u * np.mean(g * u))
            leaves = [np.outer(g, below), g, *leaves]
            g = w.T @ g
        return leaves, g


def one_hot(index, size):
    weights = np.zeros(size)
    weights[index] = 1.0
    return weights
