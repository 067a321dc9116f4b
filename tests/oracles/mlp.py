"""A network with one output, its backward pass by hand, and the learner around it.

Layers of leaky units (Maas, Hannun and Ng 2013), each normalized before its activation (Ba, Kiros
and Hinton 2016, Layer Normalization, with neither gain nor bias); a linear output.
"""

import numpy as np

from tests.oracles.forgetting import forgotten, step_on

EPSILON = 1e-5


class Trunk:
    """The hidden layers; without any, the identity. Tensors in the order w0, b0, w1, b1, ..."""

    def __init__(self, weights, biases, slope=0.01, layer_norm=True):
        self.weights = [np.array(w, np.float64) for w in weights]
        self.biases = [np.array(b, np.float64) for b in biases]
        self.slope, self.layer_norm = slope, layer_norm

    def tensors(self):
        return interleaved(self.weights, self.biases)

    def forward(self, x):
        """Output of the last layer, and of every layer what the backward pass needs."""
        x, tape = np.asarray(x, np.float64), []
        for w, b in zip(self.weights, self.biases, strict=True):
            below, u, scale = x, w @ x + b, 1.0
            if self.layer_norm:
                scale = 1.0 / np.sqrt(np.mean((u - u.mean()) ** 2) + EPSILON)
                u = scale * (u - u.mean())
            x = np.where(u >= 0, u, self.slope * u)
            tape.append((below, u, scale))
        return x, tape

    def backward(self, tape, gradient):
        """Gradients of `gradient . output` by every tensor, and by the input."""
        g, tensors = np.asarray(gradient, np.float64), []
        for w, (below, u, scale) in zip(reversed(self.weights), reversed(tape), strict=True):
            g = np.where(u >= 0, g, self.slope * g)
            if self.layer_norm:
                g = scale * (g - g.mean() - u * np.mean(g * u))
            tensors = [np.outer(g, below), g, *tensors]
            g = w.T @ g
        return tensors, g


def interleaved(weights, biases):
    return [tensor for pair in zip(weights, biases, strict=True) for tensor in pair]


class MLPLearner:
    """`optimizer` and `head_optimizer` make the oracle of one tensor from its shape."""

    def __init__(
        self,
        weights,
        biases,
        optimizer,
        head_optimizer=None,
        normalizer=None,
        bound=None,
        gamma=0.0,
        lamda=0.0,
        slope=0.01,
        layer_norm=True,
    ):
        self.trunk = Trunk(weights[:-1], biases[:-1], slope, layer_norm)
        self.weights, self.bias = np.array(weights[-1], np.float64), np.array(biases[-1])
        self.normalizer, self.bound, self.decay = normalizer, bound, gamma * lamda
        shapes = [tensor.shape for tensor in self.tensors()]
        self.traces = [np.zeros(shape) for shape in shapes]
        makers = [optimizer] * (len(shapes) - 2) + [head_optimizer or optimizer] * 2
        self.optimizers = [make(shape) for make, shape in zip(makers, shapes, strict=True)]

    def tensors(self):
        return [*self.trunk.tensors(), self.weights, self.bias]

    def predict(self, observation):
        x = observation
        if self.normalizer is not None:
            x = self.normalizer.for_prediction(x)
        h, _ = self.trunk.forward(x)
        return float(self.weights[0] @ h + self.bias[0])

    def update(self, observation, target):
        x = observation
        if self.normalizer is not None:
            x = self.normalizer.normalize(x)
        h, tape = self.trunk.forward(x)
        prediction = float(self.weights[0] @ h + self.bias[0])
        error = float(target) - prediction

        below, _ = self.trunk.backward(tape, self.weights[0])
        gradients = [*below, h[None, :], np.ones(1)]
        self.traces = [self.decay * z + g for z, g in zip(self.traces, gradients, strict=True)]
        steps = tuple(
            step_on(optimizer, z, error, w)
            for optimizer, z, w in zip(self.optimizers, self.traces, self.tensors(), strict=True)
        )
        factor = 1.0
        if self.bound is not None:
            steps, factor = self.bound(steps, error, tuple(self.tensors()))
        *hidden, weights, bias = [
            tensor + error * step - forgotten(optimizer, tensor)
            for tensor, step, optimizer in zip(self.tensors(), steps, self.optimizers, strict=True)
        ]
        self.trunk.weights, self.trunk.biases = hidden[::2], hidden[1::2]
        self.weights, self.bias = weights, bias

        metrics = [error**2, error, factor]
        if self.normalizer is not None:
            metrics.append(self.normalizer.var.mean())
        return prediction, error, metrics
