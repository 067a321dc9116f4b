"""Stream TD(lambda): Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606."""

from types import SimpleNamespace

import numpy as np

from .td_step import td_step
from .transitions import discounts
from .trees import stack


def stream_td(
    network,
    params,
    rule,
    observations,
    next_observations,
    rewards,
    terminated,
    truncated,
    gamma=0.99,
    lamda=0.8,
    bootstrap_on_truncation=True,
):
    """Replay of a prediction learner; `parameters`, `traces`, `td_errors`, `values` per step."""
    outgoing, incoming, boundary = discounts(terminated, truncated, gamma, bootstrap_on_truncation)
    rule.init(params, gamma * lamda)
    only = np.ones(1)
    parameters, traces, errors, values = [], [], [], []
    for t, reward in enumerate(rewards):
        x, following = observations[t], next_observations[t]
        values.append(network.forward(params, x)[0])
        bootstrap = network.forward(params, following)[0], only
        decay = incoming[t] * lamda
        params, delta = td_step(
            network, params, rule, x, only, following, bootstrap, reward,
            outgoing[t], decay, boundary[t],
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
