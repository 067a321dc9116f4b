"""The TD error as Intentional and Implicit use it: clipped, and on demand divided by its mean."""

import numpy as np


class ClippedError:
    def __init__(self, clip_mult, beta_clip, beta_norm, normalize_delta):
        self.clip_mult, self.beta_clip, self.beta_norm = clip_mult, beta_clip, beta_norm
        self.normalize_delta = normalize_delta
        self.m, self.a, self.t = 1.0, 0.0, 0

    def __call__(self, delta):
        """`m` starts at 1, corrected as if it had started at 0: the cap is wide at first."""
        self.t += 1
        self.m = self.beta_clip * self.m + (1.0 - self.beta_clip) * delta**2
        cap = self.clip_mult * np.sqrt(self.m / (1.0 - self.beta_clip**self.t))
        delta = np.sign(delta) * np.minimum(np.abs(delta), cap)
        if self.normalize_delta:
            self.a = self.beta_norm * self.a + (1.0 - self.beta_norm) * np.abs(delta)
            delta = delta / np.maximum(self.a / (1.0 - self.beta_norm**self.t), 1e-12)
        return delta
