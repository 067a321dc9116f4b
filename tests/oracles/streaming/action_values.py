"""Stream Q(lambda) and SARSA(lambda): Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606."""

from types import SimpleNamespace

import numpy as np

from .network import one_hot
from .td_step import td_step
from .transitions import discounts
from .trees import stack


def epsilon(t, start, end, fraction, total_steps):
    """Exploration at the t-th choice of an action, counted from 1."""
    return max(start + (end - start) * t / (fraction * total_steps), end)


def greatest(values):
    """The maximum and the weights of its gradient: all on the first of equals."""
    best = int(np.argmax(values))
    return values[best], one_hot(best, len(values))


def soft_greatest(values, temperature):
    """T logsumexp(values / T); its gradient is softmax(values / T)."""
    shifted = np.exp((values - np.max(values)) / temperature)
    value = np.max(values) + temperature * np.log(np.sum(shifted))
    return value, shifted / np.sum(shifted)


def stream_q(
    network,
    params,
    rule,
    observations,
    actions,
    exploratory,
    next_observations,
    rewards,
    terminated,
    truncated,
    gamma=0.99,
    lamda=0.8,
    bootstrap_on_truncation=True,
    soft_temperature=None,
):
    """Watkins's Q(lambda); the trace is cut after the step made for an exploratory action."""

    def bootstrap(values, t):
        del t
        if soft_temperature is None:
            return greatest(values)
        return soft_greatest(values, soft_temperature)

    return _replay(
        network, params, rule, observations, actions, next_observations, rewards,
        discounts(terminated, truncated, gamma, bootstrap_on_truncation),
        gamma, lamda, bootstrap, np.asarray(exploratory, bool),
    )  # fmt: skip


def stream_sarsa(
    network,
    params,
    rule,
    observations,
    actions,
    next_observations,
    next_actions,
    rewards,
    terminated,
    truncated,
    gamma=0.99,
    lamda=0.8,
    bootstrap_on_truncation=True,
):
    """`next_actions[t]` is drawn at `next_observations[t]`, at the end of an episode too."""

    def bootstrap(values, t):
        return values[next_actions[t]], one_hot(next_actions[t], len(values))

    return _replay(
        network, params, rule, observations, actions, next_observations, rewards,
        discounts(terminated, truncated, gamma, bootstrap_on_truncation),
        gamma, lamda, bootstrap, np.zeros(len(rewards), bool),
    )  # fmt: skip


def _replay(
    network,
    params,
    rule,
    observations,
    actions,
    next_observations,
    rewards,
    transitions,
    gamma,
    lamda,
    bootstrap,
    cuts,
):
    outgoing, incoming, boundary = transitions
    rule.init(params, gamma * lamda)
    parameters, traces, errors, values = [], [], [], []
    for t, reward in enumerate(rewards):
        x, following = observations[t], next_observations[t]
        q = network.forward(params, x)
        values.append(q)
        ahead = bootstrap(network.forward(params, following), t)
        decay = incoming[t] * lamda
        params, delta = td_step(
            network, params, rule, x, one_hot(actions[t], len(q)), following, ahead, reward,
            outgoing[t], decay, boundary[t] | cuts[t],
        )  # fmt: skip
        parameters.append(params)
        traces.append(rule.trace)
        errors.append(delta)
    return SimpleNamespace(
        parameters=stack(parameters),
        traces=stack(traces),
        td_errors=np.array(errors),
        values=np.array(values),
    )
