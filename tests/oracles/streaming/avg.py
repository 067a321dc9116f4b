"""Action value gradient: Vasan et al. (2024), arXiv:2411.15370."""

from types import SimpleNamespace

import numpy as np

from .squashed_gaussian import act, pull_back
from .transitions import discounts
from .trees import add, stack, zeros


def avg(
    actor,
    actor_params,
    actor_descent,
    critic,
    critic_params,
    critic_descent,
    observations,
    noise,
    next_observations,
    next_noise,
    rewards,
    terminated,
    truncated,
    scaler,
    temperature=0.07,
    gamma=0.99,
    lamda=0.0,
    bootstrap_on_truncation=True,
):
    """Replay of AVG(lambda); both networks move by `descent.SGD` or `descent.Adam`.

    The critic sees the observation followed by the action. `noise[t]` is that of the action that
    was executed, `next_noise[t]` that of the action drawn afresh for the bootstrap.
    """
    outgoing, incoming, boundary = discounts(terminated, truncated, gamma, bootstrap_on_truncation)
    actor_descent.init(actor_params)
    critic_descent.init(critic_params)
    trace, only = zeros(critic_params), np.ones(1)
    history = SimpleNamespace(
        actor_parameters=[], critic_parameters=[], critic_traces=[],
        td_errors=[], sigmas=[], actions=[], log_densities=[],
    )  # fmt: skip

    def value(params, x, action):
        return critic.forward(params, np.concatenate([x, action]))[0]

    for t, reward in enumerate(rewards):
        x, following = observations[t], next_observations[t]
        outputs = actor.forward(actor_params, x)
        action, log_density = act(outputs, noise[t])
        next_action, next_log_density = act(actor.forward(actor_params, following), next_noise[t])

        scaler.update(reward - temperature * log_density, outgoing[t], boundary[t])
        sigma = scaler.sigma
        soft_value = value(critic_params, following, next_action) - temperature * next_log_density
        target = reward + outgoing[t] * soft_value
        delta = (target - value(critic_params, x, action)) / sigma

        gradient, by_input = critic.gradients(critic_params, np.concatenate([x, action]), only)
        pull = pull_back(outputs, noise[t], by_input[len(x) :], temperature)
        ascent = actor.gradient(actor_params, x, pull)
        trace = [incoming[t] * lamda * z + g for z, g in zip(trace, gradient, strict=True)]

        actor_params = add(actor_params, actor_descent.update([-g for g in ascent]))
        critic_params = add(critic_params, critic_descent.update([-delta * z for z in trace]))
        if boundary[t]:
            trace = zeros(trace)

        history.actor_parameters.append(actor_params)
        history.critic_parameters.append(critic_params)
        history.critic_traces.append(trace)
        history.td_errors.append(delta)
        history.sigmas.append(sigma)
        history.actions.append(action)
        history.log_densities.append(log_density)
    for name in ("actor_parameters", "critic_parameters", "critic_traces"):
        setattr(history, name, stack(getattr(history, name)))
    for name in ("td_errors", "sigmas", "actions", "log_densities"):
        setattr(history, name, np.array(getattr(history, name)))
    return history
