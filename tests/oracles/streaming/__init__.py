"""Streaming deep reinforcement learning in plain NumPy float64, written from the equations alone.

Every agent is a function that REPLAYS a given life: what was seen, done and paid goes in, the
parameters after every step come out. Nothing here draws a random number; actions, noise and flags
of exploration are inputs. A comparison lets the library live first, records its life, and replays
it here.

Parameters (`trees`)
    A tree is a flat list of float64 arrays `[W0, b0, W1, b1, ...]`; W is (outputs, inputs). Pairs
    become one with `flatten([(W0, b0), (W1, b1)])`. Histories are trees whose leaves have the steps
    in front: `result.parameters[k][t]` is leaf k after step t.

Networks (`network`)
    `Network(slope=0.01, layer_norm=True, unit_features=False)`; `Linear()` is W x without bias,
    params `[W]`. `forward(params, x) -> (outputs,)`; `gradient(params, x, weights) -> tree`, that
    of `weights . outputs`; `gradients` also gives the gradient by the input. At a
    pre-activation of exactly 0 the slope is 1, as in `jax.nn.leaky_relu`.

Step rules (one file each; `step_rule` has the interface)
    FixedStep(step_size)                                      TD(lambda)
    ObGD(step_size=1, kappa=2)
    AdaptiveObGD(step_size=1, kappa=2, beta2=0.999, eps=1e-8)
    Intentional(eta=0.5, beta2, clip_mult=20, beta_clip, beta_norm, normalize_delta=False,
                average="constant" | "variable")
    ImplicitTD(step_size, mode="norm" | "pred" | "full")
    Implicit(eta=0.5, kappa=1, ..., mode="full")
    AlphaBound(initial=1)
    Adaptive(step_size=4.6e-4, eps=0.1, clip=1)
    FromDescent(SGD(step_size) | Adam(step_size, beta1, beta2, eps))      (`descent`)

        rule.init(leaves, average_decay)             what the agents call with gamma lamda
        D = rule.direction(gradient, decay)          advances rule.trace
        dw = rule.step(gradient, D, delta, directional, decay, reset)    to ADD; fills rule.info
        dw = rule.update(gradient, delta, decay, reset)    both, for rules that need no look ahead

    All rules are mutable and made anew by `init`. `directional` is gamma_{t+1} (g' . D); for a
    policy 0. `reset` clears the trace after the step. `lanes=1`: the last axis of all leaves, and
    of delta, decay, reset and hyperparameters that are arrays, holds independent lives.

Transitions (`transitions.discounts`)
    All agents take, per step t: `observations[t]`, `next_observations[t]` (the TRUE last one at the
    end of an episode; the next row of `observations` is then that of the reset), `rewards[t]`,
    `terminated[t]`, `truncated[t]`; and `gamma`, `lamda`, `bootstrap_on_truncation` (False: a
    truncation counts as terminal). The decay of the first step of every episode is 0.

Agents; every result has `td_errors` (steps,)
    stream_td.stream_td(network, params, rule, observations, next_observations, rewards, terminated,
        truncated, ...) -> parameters, traces, values (steps,)
    action_values.stream_q(network, params, rule, observations, actions, exploratory,
        next_observations, rewards, terminated, truncated, ..., soft_temperature=None)
        -> parameters, traces, values (steps, actions)
    action_values.stream_sarsa(network, params, rule, observations, actions, next_observations,
        next_actions, rewards, terminated, truncated, ...) -> the same
    stream_ac.stream_ac(policy, actor, actor_params, actor_rule, critic, critic_params, critic_rule,
        observations, actions, next_observations, rewards, terminated, truncated, ...,
        entropy_coefficient=0.01, soft=False)
        -> actor_parameters, critic_parameters, actor_traces, critic_traces
        policies.Softmax(): outputs are preferences, actions integers.
        policies.Gaussian(): outputs are n means, then n values before softplus, of ONE linear
        layer: rows of both heads below each other; actions (steps, n) unclipped.
    gradient_traces.gradient_trace_td(network, params, auxiliary_network, auxiliary_params,
        observations, next_observations, rewards, terminated, truncated, step_size,
        auxiliary_scale=1, regularization=1, ..., correction=True, rhos=None)
    gradient_traces.qrc(network, params, auxiliary_network, auxiliary_params, observations, actions,
        exploratory, next_observations, rewards, terminated, truncated, step_size=1e-4,
        auxiliary_scale=0.1, regularization=1, ...)
        -> both: parameters, auxiliary_parameters, traces, auxiliary_traces, value_traces (steps,)
    avg.avg(actor, actor_params, actor_descent, critic, critic_params, critic_descent, observations,
        noise, next_observations, next_noise, rewards, terminated, truncated, scaler, temperature=
        0.07, gamma, lamda=0, ...) -> actor_parameters, critic_parameters, critic_traces, sigmas,
        actions, log_densities
        Networks without LayerNorm and with unit features: Network(layer_norm=False,
        unit_features=True); the actor's outputs are n means, then n log standard deviations; the
        critic sees concatenate([x, action]). scaler: return_scale.ReturnScale() or UnitScale().

    Traces are those AFTER the step, so they are 0 where they were cut. Observations and rewards
    are as the learner got them: normalize them first (`normalization`).

Transforms (`normalization`), called once per sample
    SampleMeanVar(shape).update(x), .mean, .var      ObservationNormalizer(shape)(x), .look(x)
    RewardScaler(gamma)(reward, done), .sigma        TimeFeature(limit).reset(x), (x)
    ObservationTrace(shape, beta).reset(x), (x)
"""
