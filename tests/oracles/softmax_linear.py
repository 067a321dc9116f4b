"""Softmax regression, class by class, put together from the oracles of its parts."""

import numpy as np

from tests.oracles.linear import LinearLearner
from tests.oracles.multi_head import softmax


class SoftmaxLinearLearner:
    """`optimizer` makes the oracle of one class; `normalizer` is one for all of them."""

    def __init__(self, n_classes, feature_dim, optimizer, normalizer=None, bound=None):
        self.classes = [
            LinearLearner(feature_dim, optimizer(feature_dim), bound=bound)
            for _ in range(n_classes)
        ]
        self.normalizer = normalizer

    def update(self, observation, label):
        x = np.asarray(observation, np.float64)
        if self.normalizer is not None:
            x = self.normalizer.normalize(x)
        outputs = [one.predict(x) for one in self.classes]
        shares = softmax(outputs)
        errors = [float(k == label) - p for k, p in enumerate(shares)]
        # A linear learner whose error is e at its own prediction z is one with the target z + e.
        told = [
            one.update(x, z + e)[2] for one, z, e in zip(self.classes, outputs, errors, strict=True)
        ]
        log_loss = np.log(np.sum(np.exp(np.array(outputs) - outputs[label])))
        accurate = float(int(np.argmax(outputs)) == label)
        step_size = np.mean([metrics[2] for metrics in told])
        return shares, errors, [log_loss, accurate, np.sum(np.square(errors)), step_size]
