"""One step of a value learner with any step rule: what all agents here have in common."""

from .trees import add, dot


def td_step(
    network, params, rule, x, weights, following, bootstrap, reward, discount, decay, reset
):
    """New parameters and the TD error.

    The value is `weights . outputs(x)`, `bootstrap` the pair of the next value and the weights
    over the outputs at `following` whose gradient is its gradient; all from `params`.
    """
    next_value, next_weights = bootstrap
    value = weights @ network.forward(params, x)
    gradient = network.gradient(params, x, weights)
    direction = rule.direction(gradient, decay)
    ahead = network.gradient(params, following, next_weights)
    directional = discount * dot(ahead, direction)
    delta = reward + discount * next_value - value
    steps = rule.step(gradient, direction, delta, directional, decay, reset)
    return add(params, steps), delta
