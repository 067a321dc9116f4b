"""What does an agent add to a step of HalfCheetah-v5, beside the same agent in PyTorch? And does it
learn?

StreamAC with a Gaussian policy, actor and critic 128x128, rewards scaled and observations
normalized, through `interact_gymnasium` on one core: its time a step less that of the environment,
stepped with random actions. Beside it an implementation in PyTorch (`stream_ac_torch.py`) with one
thread, from the same weights; that both make the same updates is checked first, on recorded
transitions. `--learn N` lives N steps instead and draws the returns over them.

Needs pip install 'alberta_framework[mujoco]', and for the comparison
pip install torch --index-url https://download.pytorch.org/whl/cpu
Run: python benchmarks/half_cheetah.py [--learn 100000 --seeds 3]
"""

import argparse
import importlib.util
import os
import statistics
import time

import gymnasium
import jax
import jax.numpy as jnp
import jax.random as jr
import matplotlib.pyplot as plt
import numpy as np
from measure import machine, table

import alberta_framework as af

STEPS, REPEATS, CHECKED = 2_000, 5, 30
LOW, HIGH, FEATURES = (-1.0,) * 6, (1.0,) * 6, 17
PICTURE = "half_cheetah.png"


def agent() -> af.WithFeatures:
    return af.WithFeatures(
        af.StreamAC(af.GaussianPolicy(LOW, HIGH)),
        af.Pipeline((af.RewardScaler(0.99), af.ObservationNormalizer())),
    )


def layers(params) -> list[tuple]:
    return list(zip(params.weights, params.biases, strict=True))


def in_torch(state):
    """The agent in PyTorch, with the weights of this state."""
    import torch
    from stream_ac_torch import StreamAC

    torch.set_num_threads(1)
    torch.manual_seed(0)
    own = state.agent_state
    return StreamAC(layers(own.actor_params), layers(own.critic_params), FEATURES)


def transitions(count: int):
    """Observations and rewards of random actions, the last of them the end of an episode."""
    env = gymnasium.make("HalfCheetah-v5")
    rng = np.random.default_rng(0)
    observation, _ = env.reset(seed=0)
    seen, rewards = [observation], []
    for _ in range(count):
        observation, reward, _, _, _ = env.step(rng.uniform(-1.0, 1.0, 6))
        seen.append(observation)
        rewards.append(reward)
    return np.float32(seen), np.float32(rewards)


def apart(count: int) -> float:
    """How far the weights of both are apart after learning from the same transitions, of the
    largest change of a weight; an episode ends in the middle, and one is cut."""
    ours = agent()
    state = ours.init(FEATURES, jr.key(0))
    before = state.agent_state
    theirs = in_torch(state)
    seen, rewards = transitions(count)
    _, state = ours.start(state, seen[0])
    theirs.start(np.float64(seen[0]))
    step = jax.jit(ours.act_and_learn)
    for i in range(count):
        # The draws are each one's own; what is compared is what is learned.
        theirs.action.copy_(theirs.action.new_tensor(np.asarray(state.agent_state.last_action)))
        ended = i == count // 3, i == count // 2
        reward, x = rewards[i], seen[i + 1]
        state = step(state, reward, x, *ended).state
        theirs.act_and_learn(float(reward), np.float64(x), *ended)
        if any(ended):
            _, state = ours.start(state, x)
            theirs.start(np.float64(x))
    after, largest, moved = state.agent_state, 0.0, 0.0
    for name, network in (("actor_params", theirs.actor), ("critic_params", theirs.critic)):
        trios = zip(
            jax.tree.leaves(layers(getattr(before, name))),
            jax.tree.leaves(layers(getattr(after, name))),
            network.parameters,
            strict=True,
        )
        for old, new, other in trios:
            difference = jnp.max(jnp.abs(new - other.detach().numpy()))
            largest = max(largest, float(difference))
            moved = max(moved, float(jnp.max(jnp.abs(new - old))))
    return largest / moved


def environment(env, steps: int) -> None:
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (steps, 6)).astype(np.float32)
    env.reset(seed=0)
    for action in actions:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()


def lived_in_torch(theirs, env, steps: int) -> None:
    observation, _ = env.reset(seed=0)
    action = theirs.start(observation)
    for _ in range(steps):
        observation, reward, terminated, truncated, _ = env.step(action)
        action = theirs.act_and_learn(reward, observation, terminated, truncated)
        if terminated or truncated:
            observation, _ = env.reset()
            action = theirs.start(observation)


def compared(with_torch: bool) -> None:
    env, ours = gymnasium.make("HalfCheetah-v5"), agent()
    state = ours.init(FEATURES, jr.key(0))

    def library():
        return af.interact_gymnasium(ours, env, STEPS, state=state, seed=0, record_window=STEPS)

    fns = {"environment": lambda: environment(env, STEPS), "interact_gymnasium": library}
    if with_torch:
        difference = apart(CHECKED)
        print(f"largest difference of the weights after {CHECKED} transitions, of the largest")
        print(f"change of a weight: {difference:.1e}\n", flush=True)
        if difference > 1e-4:
            raise SystemExit("the two do not make the same updates")
        fns["PyTorch, one thread"] = lambda: lived_in_torch(in_torch(state), env, STEPS)
    times = {name: [] for name in fns}
    for repeat in range(REPEATS + 1):
        for name, fn in fns.items():
            start = time.perf_counter()
            fn()
            if repeat:  # the first one warms up
                times[name].append((time.perf_counter() - start) / STEPS * 1e6)
    us = {name: statistics.median(found) for name, found in times.items()}
    alone = us.pop("environment")
    of_agent = {name: whole - alone for name, whole in us.items()}
    ours_us = of_agent["interact_gymnasium"]
    table(
        ("StreamAC 128x128", "us a step, less environment", "steps/s with it", "ours of it"),
        [
            (name, f"{t:.0f}", f"{1e6 / us[name]:,.0f}", f"{ours_us / t:.2f}")
            for name, t in of_agent.items()
        ],
    )
    print(f"\nthe environment takes {alone:.0f} us a step")
    if with_torch:
        share = ours_us / of_agent["PyTorch, one thread"]
        print(f"ours takes {share:.2f} of PyTorch's time (target 0.15)")
    else:
        print("no PyTorch to compare with: pip install torch")


def learned(steps: int, seeds: int) -> None:
    figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for seed in range(seeds):
        env, start = gymnasium.make("HalfCheetah-v5"), time.perf_counter()
        life = af.interact_gymnasium(agent(), env, steps, seed=seed, record_window=1_000)
        took, found = time.perf_counter() - start, life.episodes
        tenth = max(1, len(found.returns) // 10)
        parts = [np.mean(part) for part in np.array_split(found.returns, 5)]
        print(
            f"seed {seed}: {steps / took:,.0f} steps/s; mean return by fifth of the steps "
            f"{', '.join(f'{part:.0f}' for part in parts)}; of the last {tenth} episodes "
            f"{np.mean(found.returns[-tenth:]):.0f}; {life.rejected} rejected"
        )
        ax.plot(found.ended_at + 1, found.returns, linewidth=1.2, label=f"seed {seed}")
    ax.set(xlabel="Steps", ylabel="Return of an episode (1,000 steps)")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_title("StreamAC(0.8), 128x128, on HalfCheetah-v5")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    figure.savefig(PICTURE, dpi=150)
    print(f"drawn to {PICTURE}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learn", type=int, metavar="N", help="live N steps and draw the returns")
    parser.add_argument("--seeds", type=int, default=1, help="how many lives, with --learn")
    options = parser.parse_args()
    if not importlib.util.find_spec("mujoco"):
        print("needs MuJoCo: pip install 'alberta_framework[mujoco]'")
        return
    if hasattr(os, "sched_setaffinity"):  # before there are threads
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    # Single events gain from synchronous dispatch; the backend takes it before it starts.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    print(f"{machine()}, one of them used, synchronous dispatch\n", flush=True)
    if options.learn:
        learned(options.learn, options.seeds)
    else:
        compared(importlib.util.find_spec("torch") is not None)


if __name__ == "__main__":
    main()
