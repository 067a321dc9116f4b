"""Hordes (Sutton et al. 2011) and SARSA(lambda) (Sutton and Barto 2018, section 12.7) on a network.

Heads step one after the other; `network` is a multi-head oracle, the parameters of which are used.
"""

import numpy as np

from tests.oracles.multi_head import mean_step_size


def learn(network, observation, rule):
    """One update of trunk and heads.

    `rule(predictions)` gives for every head its error, the error its step is multiplied by, whether
    its gradient is added to the trace, the decay of the trace, and whether the head is frozen.
    """
    x = observation
    if network.normalizer is not None:
        x = network.normalizer.normalize(x)
    h, tape = network.trunk.forward(x)
    predictions = np.array([head.predict(h) for head in network.heads])
    demands = rule(predictions)
    pull = np.zeros_like(h)
    for head, (error, _, added, _, _) in zip(network.heads, demands, strict=True):
        if added:
            pull = pull + error * head.weights[0]
    factor = network._step_trunk(network.trunk.backward(tape, pull)[0])
    metrics = np.full((len(network.heads), 3), np.nan)
    for row, head, (error, step, added, decay, frozen) in zip(
        metrics, network.heads, demands, strict=True
    ):
        if frozen:
            continue
        one = 1.0 if network.use_bias else 0.0
        head.traces = [decay * head.traces[0] + added * h, decay * head.traces[1] + added * one]
        if added or any(np.any(z != 0) for z in head.traces):
            step_head(head, step, network.bound)
        if added:
            row[:] = error**2, error, mean_step_size(head.optimizers[0])
    return predictions, metrics, factor


def step_head(head, error, bound):
    steps = tuple(
        optimizer.update_from_gradient(z, error)
        for optimizer, z in zip(head.optimizers, head.traces, strict=True)
    )
    if bound is not None:
        steps, _ = bound(steps, error, (head.weights, head.bias))
    head.weights = head.weights + error * steps[0]
    head.bias = head.bias + error * steps[1]


def discounted(gamma, value):
    """Nothing that follows the end counts, not even what is no number."""
    return 0.0 if gamma == 0 else gamma * value


class HordeLearner:
    """`demons` are rows of gamma, lamda, cumulant_index and terminal_reward."""

    def __init__(self, network, demons):
        self.network, self.demons = network, list(demons)
        self.discounts = [1.0] * len(self.demons)

    def update(
        self,
        observation,
        cumulants,
        next_observation,
        *,
        signals=None,
        terminated=0.0,
        gammas=None,
    ):
        n = len(self.demons)
        ends = np.broadcast_to(np.asarray(terminated, np.float64), n)
        following = self.network.next_values(next_observation)
        targets, outgoing = [], []
        for i, (gamma, _, index, terminal_reward) in enumerate(self.demons):
            indexed = signals is not None and index >= 0
            cumulant = float(signals[index] if indexed else cumulants[i])
            gamma = 0.0 if ends[i] else float(gamma if gammas is None else gammas[i])
            outgoing.append(gamma)
            targets.append(cumulant + discounted(gamma, following[i]) + ends[i] * terminal_reward)
        active = ~np.isnan(targets)

        def rule(predictions):
            for i, (_, lamda, _, _) in enumerate(self.demons):
                error = targets[i] - predictions[i]
                yield error, error, active[i], self.discounts[i] * lamda, not active[i]

        predictions, metrics, factor = learn(
            self.network, observation, lambda predictions: list(rule(predictions))
        )
        for i, gamma in enumerate(outgoing):
            if active[i] or gamma == 0:
                self.discounts[i] = gamma
        errors = np.where(active, np.array(targets) - predictions, np.nan)
        return predictions, errors, np.array(targets), metrics, factor


class SARSAAgent:
    """Control heads come first, one for each action; then those of the prediction demons."""

    def __init__(self, network, actions, gamma, lamda, demons=()):
        self.network, self.actions = network, actions
        self.gamma, self.lamda, self.demons = gamma, lamda, list(demons)
        self.discounts = [1.0] * (actions + len(self.demons))
        self.action = self.observation = None

    def update(
        self,
        reward,
        observation,
        terminated,
        next_action,
        prediction_cumulants=None,
        truncated=False,
    ):
        values = self.network.next_values(observation)
        gamma = 0.0 if terminated else self.gamma
        target = reward + discounted(gamma, values[next_action])
        targets, outgoing = [], [gamma] * self.actions
        for i, (demon_gamma, _, _, terminal_reward) in enumerate(self.demons):
            outgoing.append(0.0 if terminated else demon_gamma)
            cumulant = np.nan if prediction_cumulants is None else prediction_cumulants[i]
            later = discounted(outgoing[-1], values[self.actions + i])
            targets.append(cumulant + later + bool(terminated) * terminal_reward)
        active = [True] * self.actions + [not np.isnan(t) for t in targets]
        seen = {}

        def rule(predictions):
            seen["td_error"] = delta = target - predictions[self.action]
            demands = [
                (delta, delta, j == self.action, self.discounts[j] * self.lamda, False)
                for j in range(self.actions)
            ]
            for i, (_, lamda, _, _) in enumerate(self.demons):
                head = self.actions + i
                error, decay = targets[i] - predictions[head], self.discounts[head] * lamda
                demands.append((error, error, active[head], decay, not active[head]))
            return demands

        learn(self.network, self.observation, rule)
        for i, discount in enumerate(outgoing):
            if active[i] or discount == 0:
                self.discounts[i] = discount
        if truncated:
            self.discounts = [0.0] * len(self.discounts)
        self.action, self.observation = next_action, observation
        return values[: self.actions], seen["td_error"]
