"""Many linear heads on one trunk, one head after the other."""

import numpy as np

from tests.oracles.forgetting import forgotten, step_on
from tests.oracles.mlp import Trunk


def mean_step_size(optimizer):
    """Of one tensor: the mean of its step sizes in effect."""
    if hasattr(optimizer, "log_step_sizes"):
        return float(np.mean(np.exp(optimizer.log_step_sizes)))
    return float(np.mean(getattr(optimizer, "step_sizes", getattr(optimizer, "step_size", None))))


def squared(outputs):
    return outputs


def logistic(outputs):
    return [1.0 / (1.0 + np.exp(-z)) for z in outputs]


def softmax(outputs):
    shares = np.exp(np.array(outputs) - max(outputs))
    return list(shares / shares.sum())


# What heads predict by their outputs.
LINKS = {"squared": squared, "logistic": logistic, "softmax": softmax}


class Head:
    """Weights [1, H], bias [1], and what belongs to them alone."""

    def __init__(self, weights, bias, optimizer):
        self.weights, self.bias = np.array(weights, np.float64), np.array(bias, np.float64)
        self.traces = [np.zeros_like(self.weights), np.zeros_like(self.bias)]
        self.optimizers = [optimizer(self.weights.shape), optimizer(self.bias.shape)]

    def predict(self, h):
        return float(self.weights[0] @ h + self.bias[0])


class MultiHeadMLPLearner:
    """`optimizer` and `head_optimizer` make the oracle of one tensor from its shape.

    `decays` are the products of gamma and lamda by head.
    """

    def __init__(
        self,
        trunk_weights,
        trunk_biases,
        head_weights,
        head_biases,
        optimizer,
        head_optimizer=None,
        normalizer=None,
        bound=None,
        decays=None,
        slope=0.01,
        layer_norm=True,
        use_bias=True,
        loss="squared",
    ):
        self.link = LINKS[loss]
        self.trunk = Trunk(trunk_weights, trunk_biases, slope, layer_norm)
        make = head_optimizer or optimizer
        self.heads = [Head(w, b, make) for w, b in zip(head_weights, head_biases, strict=True)]
        self.decays = [0.0] * len(self.heads) if decays is None else list(decays)
        self.trunk_traces = [np.zeros(tensor.shape) for tensor in self.trunk.tensors()]
        self.trunk_optimizers = [optimizer(z.shape) for z in self.trunk_traces]
        self.normalizer, self.bound, self.use_bias = normalizer, bound, use_bias

    def predict(self, observation):
        x = observation
        if self.normalizer is not None:
            x = self.normalizer.for_prediction(x)
        return self._heads_at(x)

    def next_values(self, observation):
        """By the statistics as they are."""
        x = observation
        if self.normalizer is not None:
            x = self.normalizer.normalize_only(x)
        return self._heads_at(x)

    def _heads_at(self, x):
        h, _ = self.trunk.forward(x)
        return self.link([head.predict(h) for head in self.heads])

    def sensitivity(self, observation):
        """Derivatives [head, feature] of `predict` by the raw observation, statistics fixed."""
        x, scale = np.asarray(observation, np.float64), 1.0
        if self.normalizer is not None:
            used = self.normalizer.that_predicts(x)
            x, scale = used.normalize_only(x), 1.0 / (np.sqrt(used.var) + used.epsilon)
        _, tape = self.trunk.forward(x)
        return [scale * self.trunk.backward(tape, head.weights[0])[1] for head in self.heads]

    def update(self, observation, targets):
        x = observation
        if self.normalizer is not None:
            x = self.normalizer.normalize(x)
        h, tape = self.trunk.forward(x)
        predictions = self.link([head.predict(h) for head in self.heads])
        errors = [float(t) - p for t, p in zip(targets, predictions, strict=True)]
        active = [i for i, error in enumerate(errors) if not np.isnan(error)]

        pull = np.zeros_like(h)
        for i in active:
            pull = pull + errors[i] * self.heads[i].weights[0]
        factor = self._step_trunk(self.trunk.backward(tape, pull)[0])
        metrics = np.full((len(self.heads), 3), np.nan)
        for i in active:
            self._step_head(self.heads[i], self.decays[i], errors[i], h)
            alpha = mean_step_size(self.heads[i].optimizers[0])
            metrics[i] = errors[i] ** 2, errors[i], alpha
        return predictions, errors, metrics, factor

    def _step_trunk(self, gradients):
        """The gradients hold the errors: the bounder sees the error 1, the optimizers none."""
        # Without a trace that decays: errors of several steps cannot be told apart in it.
        self.trunk_traces = gradients
        steps = tuple(
            optimizer.update_from_gradient(z)
            for optimizer, z in zip(self.trunk_optimizers, gradients, strict=True)
        )
        factor = 1.0
        if self.bound is not None:
            steps, factor = self.bound(steps, 1.0, tuple(self.trunk.tensors()))
        moved = [t + step for t, step in zip(self.trunk.tensors(), steps, strict=True)]
        self.trunk.weights, self.trunk.biases = moved[::2], moved[1::2]
        return factor

    def _step_head(self, head, decay, error, h):
        before = head.weights, head.bias
        one = np.ones(1) if self.use_bias else np.zeros(1)
        head.traces = [decay * head.traces[0] + h[None, :], decay * head.traces[1] + one]
        steps = tuple(
            step_on(optimizer, z, error, w)
            for optimizer, z, w in zip(head.optimizers, head.traces, before, strict=True)
        )
        if self.bound is not None:
            steps, _ = self.bound(steps, error, (head.weights, head.bias))
        lost = [forgotten(*pair) for pair in zip(head.optimizers, before, strict=True)]
        head.weights = head.weights + error * steps[0] - lost[0]
        head.bias = head.bias + error * steps[1] - lost[1]
