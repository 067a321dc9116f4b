"""A Horde on the random walk: the same state valued at four horizons at once.

Nine states in a row; left and right with equal chance, reward 1 on leaving to the right. One demon
for each discount learns from the same transitions. The table shows learned beside true values; with
30,000 transitions the largest error is below 0.05.

Run: python examples/horde_random_walk.py
"""

import jax
import numpy as np

import alberta_framework as af

N_STATES, STEPS = 9, 30_000
GAMMAS = (0.0, 0.5, 0.9, 1.0)


def true_values(gamma: float) -> np.ndarray:
    stream = af.RandomWalkChainStream(N_STATES, gamma=gamma)
    return np.asarray(stream.true_values())


def main() -> None:
    stream = af.RandomWalkChainStream(N_STATES)
    steps, _ = stream.rollout(stream.init(jax.random.key(0)), STEPS)
    spec = af.create_horde_spec(
        [
            af.GVFSpec(f"gamma {gamma}", af.DemonType.PREDICTION, gamma, 0.5, cumulant_index=0)
            for gamma in GAMMAS
        ]
    )
    horde = af.HordeLearner(spec, (), af.LMS(0.02), sparsity=1.0, use_bias=False)
    state = horde.init(N_STATES, jax.random.key(1))
    result = af.run_horde_learning_loop(
        horde,
        state,
        steps.observation,
        None,
        steps.next_observation,
        signals=steps.reward[:, None],
        terminated=steps.gamma == 0.0,
    )
    learned = np.asarray(result.state.head_params.weights[:, 0, :])
    print("state        " + "  ".join(f"{i:5d}" for i in range(1, N_STATES + 1)))
    for gamma, values in zip(GAMMAS, learned, strict=True):
        truth = true_values(gamma)
        print(f"gamma {gamma:3.1f}    " + "  ".join(f"{v:5.2f}" for v in values))
        print("     true    " + "  ".join(f"{v:5.2f}" for v in truth))
        print(f"     largest error {np.abs(values - truth).max():.3f}")


if __name__ == "__main__":
    main()
