"""Kearney et al. (2019): TIDBD against fixed step sizes, with features that are noise."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import section

import alberta_framework as af

STATES, NOISE, SEEDS, STEPS, FLIP = 9, 20, 20, 20_000, 4_000


def experience(key):
    """Transitions of a walk whose rewards change sign now and then, with noise beside its state."""
    walk_key, noise_key = jax.random.split(key)
    stream = af.RandomWalkChainStream(STATES, gamma=0.9, left_reward=-1.0, right_reward=1.0)
    walk, _ = stream.rollout(stream.init(walk_key), STEPS)
    sign = jnp.where(jnp.arange(STEPS) // FLIP % 2 == 0, 1.0, -1.0)
    noise = jax.random.rademacher(noise_key, (STEPS + 1, NOISE), jnp.float32)
    steps = af.TDTimeStep(
        jnp.concatenate([walk.observation, noise[:-1]], 1),
        sign * walk.reward,
        jnp.concatenate([walk.next_observation, noise[1:]], 1),
        walk.gamma,
    )
    return steps, jnp.outer(sign, stream.true_values())


def run(optimizer, keys):
    """RMS value error [seeds], and the step sizes at the end [seeds, features]."""
    learner = af.TDLinearLearner(optimizer, use_bias=False)

    def lane(key):
        steps, truth = experience(key)

        def step(state, now):
            transition, values = now
            state, _ = learner.learn(state, transition)
            return state, jnp.mean((state.weights[:STATES] - values) ** 2)

        state, errors = jax.lax.scan(step, learner.init(STATES + NOISE), (steps, truth))
        return jnp.sqrt(jnp.mean(errors)), jnp.exp(state.optimizer_state.log_step_sizes)

    return jax.vmap(lane)(keys)


def reproduce() -> tuple:
    import matplotlib.pyplot as plt

    keys = jax.random.split(jax.random.key(0), SEEDS)
    picture, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    figures, best = [], {}
    for name, lamda, fixed in (
        ("TD(0), fixed", 0.0, True),
        ("TD(0.8), fixed", 0.8, True),
        ("TIDBD(0)", 0.0, False),
        ("TIDBD(0.8)", 0.8, False),
    ):
        values = np.float32(np.geomspace(0.003, 0.6, 16) if fixed else np.geomspace(0.001, 3.0, 16))

        def swept(value, lamda=lamda, fixed=fixed):
            initial, meta = (value, 0.0) if fixed else (0.02, value)
            return run(af.TDIDBD(initial, meta, lamda), keys)

        found, sizes = eqx.filter_jit(eqx.filter_vmap(swept))(values)
        # What diverged counts as a large error.
        found = np.minimum(np.nan_to_num(np.asarray(found), nan=np.inf), 1e6)
        means = found.mean(1)
        (left if fixed else right).semilogx(
            values, np.where(means < 1.0, means, np.nan), label=name
        )
        at = int(means.argmin())
        best[name] = found[at]
        figures.append(section.of_values(f"{name}, best value {values[at]:.3g}", "", best[name]))
        if not fixed:
            sizes = np.asarray(sizes[at])
            ratio = sizes[:, :STATES].mean(1) / sizes[:, STATES:].mean(1)
            quantity = f"{name}: step size of states over that of noise"
            figures.append(section.of_values(quantity, "", ratio))
    left.set(title="fixed step size", xlabel="step size", ylabel="RMS value error", ylim=(0.0, 0.8))
    right.set(title="TIDBD", xlabel="meta step size", ylim=(0.0, 0.8))
    left.legend(fontsize=8)
    right.legend(fontsize=8)
    text = f"""
A walk along {STATES} states, discount 0.9, whose rewards change sign every {FLIP:,} steps, with
{NOISE} inputs of random signs beside the state. Root mean square error of the values of the states
over {STEPS:,} steps, {SEEDS} seeds, each method at the best value of its parameter.

Source: A. Kearney, V. Veeriah, J. Travnik, P. M. Pilarski and R. S. Sutton (2019), Learning feature
relevance through step size adaptation in temporal-difference learning, arXiv:1903.03252. The paper
learns from a robot; what is reproduced on this task is the order, and that noise gets small steps.
"""
    order = " < ".join(sorted(best, key=lambda name: float(best[name].mean())))
    verdict = f"By error: {order}. The paper's order is TIDBD before every fixed step size."
    title = "Kearney et al. 2019: TIDBD and irrelevant features"
    return section.Section(title, text, tuple(figures), verdict, "kearney2019.png"), picture


if __name__ == "__main__":
    section.main(reproduce, __file__)
