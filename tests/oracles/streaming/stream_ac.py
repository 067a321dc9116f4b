"""Stream AC(lambda): Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606."""

from types import SimpleNamespace

import numpy as np

from .td_step import td_step
from .transitions import discounts
from .trees import add, stack


def stream_ac(
    policy,
    actor,
    actor_params,
    actor_rule,
    critic,
    critic_params,
    critic_rule,
    observations,
    actions,
    next_observations,
    rewards,
    terminated,
    truncated,
    gamma=0.99,
    lamda=0.8,
    entropy_coefficient=0.01,
    bootstrap_on_truncation=True,
    soft=False,
    reward_rate_step_size=0.0,
):
    """Replay of an actor and a critic with two traces, one TD error and one lamda.

    The actor ascends log pi(a|x) + entropy_coefficient sign(delta) H(pi(.|x)), sign(0) = 0. With
    `soft` the reward is r + entropy_coefficient H(pi(.|x)). An average, which moves by
    `reward_rate_step_size` times delta, is taken off it.
    """
    outgoing, incoming, boundary = discounts(terminated, truncated, gamma, bootstrap_on_truncation)
    actor_rule.init(actor_params, gamma * lamda)
    critic_rule.init(critic_params, gamma * lamda)
    only, rate = np.ones(1), 0.0
    parameters, traces, errors = ([], []), ([], []), []
    for t, reward in enumerate(rewards):
        x, following = observations[t], next_observations[t]
        decay = incoming[t] * lamda
        outputs = actor.forward(actor_params, x)
        if soft:
            reward = reward + entropy_coefficient * policy.entropy(outputs)
        bootstrap = critic.forward(critic_params, following)[0], only
        critic_params, delta = td_step(
            critic, critic_params, critic_rule, x, only, following, bootstrap, reward - rate,
            outgoing[t], decay, boundary[t],
        )  # fmt: skip
        rate = rate + reward_rate_step_size * delta

        weights = policy.log_probability_gradient(outputs, actions[t])
        pull = entropy_coefficient * np.sign(delta)
        weights = weights + pull * policy.entropy_gradient(outputs)
        gradient = actor.gradient(actor_params, x, weights)
        direction = actor_rule.direction(gradient, decay)
        steps = actor_rule.step(gradient, direction, delta, 0.0, decay, boundary[t])
        actor_params = add(actor_params, steps)

        parameters[0].append(actor_params)
        parameters[1].append(critic_params)
        traces[0].append(actor_rule.trace)
        traces[1].append(critic_rule.trace)
        errors.append(delta)
    return SimpleNamespace(
        actor_parameters=stack(parameters[0]),
        critic_parameters=stack(parameters[1]),
        actor_traces=stack(traces[0]),
        critic_traces=stack(traces[1]),
        td_errors=np.array(errors),
    )
