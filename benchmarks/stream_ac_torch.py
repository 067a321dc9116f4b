"""StreamAC(lambda) with a Gaussian policy in PyTorch, written from the equations: one sample, one
step of autograd for each network, traces and parameters changed in place.

Normal rewards and observations as in the library's RewardScaler and ObservationNormalizer. Nothing
is judged, rejected, counted or told.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

SLOPE, EPSILON = 0.01, 1e-8


class Moments:
    """Mean and sample variance of all that was seen, by Welford's recursion."""

    def __init__(self, size: int):
        self.n, self.mean, self.squares = 0, np.zeros(size), np.zeros(size)

    def see(self, x: np.ndarray) -> None:
        self.n += 1
        dx = x - self.mean
        self.mean = self.mean + dx / self.n
        self.squares = self.squares + dx * (x - self.mean)

    @property
    def variance(self) -> np.ndarray:
        return self.squares / (self.n - 1) if self.n > 1 else np.ones_like(self.mean)


class Network:
    """Linear, normalized over the layer, LeakyReLU; the last layer linear."""

    def __init__(self, layers: Sequence[tuple[np.ndarray, np.ndarray]]):
        pairs = [tuple(torch.tensor(np.array(part)) for part in layer) for layer in layers]
        self.layers = [(w.requires_grad_(), b.requires_grad_()) for w, b in pairs]
        self.parameters = [part for layer in self.layers for part in layer]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        *hidden, (w, b) = self.layers
        for v, c in hidden:
            u = F.linear(x, v, c)
            x = F.leaky_relu(F.layer_norm(u, u.shape, eps=1e-5), SLOPE)
        return F.linear(x, w, b)


class ObGD:
    """z <- decay z + g;  w += delta z / max(kappa max(|delta|, 1) |z|_1, 1)."""

    def __init__(self, parameters: list[torch.Tensor], kappa: float):
        self.parameters, self.kappa = parameters, kappa
        self.traces = [torch.zeros_like(w) for w in parameters]

    @torch.no_grad()
    def step(
        self, gradients: Sequence[torch.Tensor], delta: float, decay: float, over: bool
    ) -> None:
        size = torch.zeros(())
        for z, g in zip(self.traces, gradients, strict=True):
            z.mul_(decay).add_(g)
            size += z.abs().sum()
        bound = self.kappa * max(abs(delta), 1.0) * size.item()
        scale = delta / max(bound, 1.0)
        for w, z in zip(self.parameters, self.traces, strict=True):
            w.add_(z, alpha=scale)
            if over:
                z.zero_()


class StreamAC:
    """delta = r + gamma v(x') - v(x); the critic steps by grad v(x), the actor by
    grad [log pi(a|x) + tau sign(delta) H(pi(.|x))]."""

    def __init__(self, actor, critic, features: int, gamma=0.99, lamda=0.8, tau=0.01):
        self.actor, self.critic = Network(actor), Network(critic)
        self.policy_optimizer = ObGD(self.actor.parameters, 3.0)
        self.value_optimizer = ObGD(self.critic.parameters, 2.0)
        self.gamma, self.lamda, self.tau = gamma, lamda, tau
        self.observations, self.sums, self.total = Moments(features), Moments(1), 0.0
        self.decay = 0.0

    def start(self, observation: np.ndarray) -> np.ndarray:
        """The first action of an episode."""
        self.decay = 0.0
        return self._chosen(self._shown(observation))

    def act_and_learn(
        self, reward: float, observation: np.ndarray, terminated: bool, truncated: bool
    ) -> np.ndarray:
        """Learn what followed on the last action, and choose the next one."""
        over = terminated or truncated
        self.total = reward + (0.0 if over else self.gamma * self.total)
        self.sums.see(np.float64([self.total]))
        reward = reward / math.sqrt(self.sums.variance[0] + EPSILON)
        seen = self._shown(observation)

        value = self.critic(self.x)[0]
        gradients = torch.autograd.grad(value, self.critic.parameters)
        with torch.no_grad():
            following = 0.0 if terminated else self.critic(seen).item()
        delta = reward + self.gamma * following - value.item()
        preferred = self._preferred(self.actor(self.x), np.sign(delta))
        directions = torch.autograd.grad(preferred, self.actor.parameters)
        self.policy_optimizer.step(directions, delta, self.decay, over)
        self.value_optimizer.step(gradients, delta, self.decay, over)
        self.decay = self.gamma * self.lamda
        return self._chosen(seen)

    def _preferred(self, outputs: torch.Tensor, sign: float) -> torch.Tensor:
        mean, raw = outputs.chunk(2)
        spread = F.softplus(raw)
        logs = spread.log().sum()
        # Up to what no parameter enters.
        density = -0.5 * ((self.action - mean) / spread).square().sum() - logs
        return density + self.tau * sign * logs

    def _shown(self, observation: np.ndarray) -> torch.Tensor:
        self.observations.see(observation)
        spread = np.sqrt(self.observations.variance + EPSILON)
        return torch.from_numpy(np.float32((observation - self.observations.mean) / spread))

    @torch.no_grad()
    def _chosen(self, seen: torch.Tensor) -> np.ndarray:
        mean, raw = self.actor(seen).chunk(2)
        self.x, self.action = seen, mean + F.softplus(raw) * torch.randn_like(mean)
        return self.action.clamp(-1.0, 1.0).numpy()
