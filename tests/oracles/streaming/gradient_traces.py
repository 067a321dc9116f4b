"""Gradient eligibility traces: arXiv:2507.09087. Prediction, and QRC(lambda) for control."""

from types import SimpleNamespace

import numpy as np

from .action_values import greatest
from .network import one_hot
from .transitions import discounts
from .trees import add, stack, zeros


class GradientTraces:
    """Traces of the main and of the auxiliary value's gradient, and of the auxiliary value."""

    def __init__(self, params, auxiliary_params):
        self.main, self.auxiliary, self.value = zeros(params), zeros(auxiliary_params), 0.0

    def directions(self, value_gradient, h, h_gradient, delta, delta_gradient, decay, rho, correct):
        """Advances the traces; the main direction, and the auxiliary one without its decay."""
        self.main = [rho * (decay * z + g) for z, g in zip(self.main, value_gradient, strict=True)]
        self.auxiliary = [
            rho * (decay * z + g) for z, g in zip(self.auxiliary, h_gradient, strict=True)
        ]
        self.value = rho * (decay * self.value + h)
        main = [-self.value * d for d in delta_gradient]
        if correct:
            terms = zip(main, self.main, value_gradient, strict=True)
            main = [m + delta * z - h * g for m, z, g in terms]
        auxiliary = [delta * z - h * g for z, g in zip(self.auxiliary, h_gradient, strict=True)]
        return main, auxiliary

    def cut(self):
        self.main, self.auxiliary, self.value = zeros(self.main), zeros(self.auxiliary), 0.0


def gradient_trace_td(
    network,
    params,
    auxiliary_network,
    auxiliary_params,
    observations,
    next_observations,
    rewards,
    terminated,
    truncated,
    step_size,
    auxiliary_scale=1.0,
    regularization=1.0,
    gamma=0.99,
    lamda=0.8,
    correction=True,
    rhos=None,
    bootstrap_on_truncation=True,
):
    """Replay of the prediction form; `rhos` are the importance ratios, 1 without."""
    steps = len(rewards)
    only = np.ones((steps, 1))

    def bootstrap(values):
        return values[0], np.ones(1)

    return _replay(
        network, params, auxiliary_network, auxiliary_params, observations, only,
        next_observations, bootstrap, rewards, np.ones(steps) if rhos is None else rhos,
        discounts(terminated, truncated, gamma, bootstrap_on_truncation), np.zeros(steps, bool),
        step_size, auxiliary_scale, regularization, lamda, correction,
    )  # fmt: skip


def qrc(
    network,
    params,
    auxiliary_network,
    auxiliary_params,
    observations,
    actions,
    exploratory,
    next_observations,
    rewards,
    terminated,
    truncated,
    step_size=1e-4,
    auxiliary_scale=0.1,
    regularization=1.0,
    gamma=0.99,
    lamda=0.8,
    bootstrap_on_truncation=True,
):
    """Replay of QRC(lambda) with plain steps; both networks have one output per action."""
    steps = len(rewards)
    n_actions = len(network.forward(params, observations[0]))
    picked = np.stack([one_hot(action, n_actions) for action in actions])
    return _replay(
        network, params, auxiliary_network, auxiliary_params, observations, picked,
        next_observations, greatest, rewards, np.ones(steps),
        discounts(terminated, truncated, gamma, bootstrap_on_truncation),
        np.asarray(exploratory, bool), step_size, auxiliary_scale, regularization, lamda, True,
    )  # fmt: skip


def _replay(
    network,
    params,
    auxiliary_network,
    auxiliary_params,
    observations,
    picked,
    next_observations,
    bootstrap,
    rewards,
    rhos,
    transitions,
    cuts,
    step_size,
    auxiliary_scale,
    regularization,
    lamda,
    correction,
):
    outgoing, incoming, boundary = transitions
    traces = GradientTraces(params, auxiliary_params)
    history = SimpleNamespace(
        parameters=[], auxiliary_parameters=[], traces=[], auxiliary_traces=[],
        value_traces=[], td_errors=[], directions=[],
    )  # fmt: skip
    for t, reward in enumerate(rewards):
        x, following, pick = observations[t], next_observations[t], picked[t]
        value = pick @ network.forward(params, x)
        h = pick @ auxiliary_network.forward(auxiliary_params, x)
        next_value, next_weights = bootstrap(network.forward(params, following))
        delta = reward + outgoing[t] * next_value - value

        gradient = network.gradient(params, x, pick)
        ahead = network.gradient(params, following, next_weights)
        delta_gradient = [outgoing[t] * a - g for a, g in zip(ahead, gradient, strict=True)]
        h_gradient = auxiliary_network.gradient(auxiliary_params, x, pick)
        main, auxiliary = traces.directions(
            gradient, h, h_gradient, delta, delta_gradient, incoming[t] * lamda, rhos[t], correction
        )
        auxiliary = [
            a - regularization * w for a, w in zip(auxiliary, auxiliary_params, strict=True)
        ]
        params = add(params, [step_size * m for m in main])
        auxiliary_params = add(
            auxiliary_params, [auxiliary_scale * step_size * a for a in auxiliary]
        )
        if boundary[t] or cuts[t]:
            traces.cut()

        history.directions.append(main)
        history.parameters.append(params)
        history.auxiliary_parameters.append(auxiliary_params)
        history.traces.append(traces.main)
        history.auxiliary_traces.append(traces.auxiliary)
        history.value_traces.append(traces.value)
        history.td_errors.append(delta)
    for name in ("directions", "parameters", "auxiliary_parameters", "traces", "auxiliary_traces"):
        setattr(history, name, stack(getattr(history, name)))
    history.td_errors = np.array(history.td_errors)
    history.value_traces = np.array(history.value_traces)
    return history
