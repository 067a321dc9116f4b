"""Sarsa(lambda) with tile coding on the mountain car, beside published figures.

A car too weak for the hill has to swing up; each step costs 1. Mean steps per episode over the
first 50 episodes and 20 runs, for step sizes alpha / 8 with 8 tilings: for lambda 0 the published
means are met within 2 steps; the accumulating traces of lambda 0.9 learn faster, but diverge at
larger step sizes. Compare Sutton and Barto (2018), figures 10.4 and 12.10. The curves are written
to sarsa_mountain_car.png.

Run: python examples/sarsa_mountain_car.py [--quick]
"""

import sys

import alberta_framework as af

PUBLISHED = {
    "Sarsa(0)": {0.5: 284, 0.8: 247, 1.0: 237, 1.2: 231, 1.5: 231},
    "Sarsa(0.9)": {0.3: 215},
}
TILINGS = 8


def comparison(seeds: int, episodes: int) -> af.ControlComparison:
    agents = {}
    for name, lamda in (("Sarsa(0)", 0.0), ("Sarsa(0.9)", 0.9)):
        agent = af.SARSAAgent(
            # Without a random action: zero is optimistic, so the greedy policy explores.
            af.SARSAConfig(n_actions=3, gamma=1.0, epsilon_start=0.0, epsilon_end=0.0),
            hidden_sizes=(),
            optimizer=af.LMS(),
            sparsity=1.0,
            lamda=lamda,
            use_bias=False,
        )
        step_sizes = [alpha / TILINGS for alpha in PUBLISHED[name]]
        agents[name] = af.Contender(agent, {"optimizer.step_size": step_sizes})
    return af.ControlComparison(
        name="sarsa_mountain_car",
        # Gymnasium's own limit of 200 steps would cut the first episodes off.
        environment={"id": "MountainCar-v0", "max_episode_steps": 10_000},
        features=af.TileCoder([-1.2, -0.07], [0.5, 0.07], TILINGS, tiles=8),
        agents=agents,
        episodes=episodes,
        seeds=seeds,
        score="steps",
    )


def main(seeds: int = 20, episodes: int = 50) -> None:
    result = af.run_control_comparison(comparison(seeds, episodes))
    print(f"Steps per episode, mean of {episodes} episodes and {seeds} runs")
    print("agent       alpha    ours    SE   published")
    for standing in result.standings:
        alpha = standing.point["optimizer.step_size"] * TILINGS
        published = PUBLISHED[standing.agent][round(alpha, 6)]
        score = standing.score
        print(
            f"{standing.agent:10s}  {alpha:5.1f}  {score.mean:6.1f}  {score.sem:4.1f}   {published}"
        )
    af.plot_control_comparison(result).savefig("sarsa_mountain_car.png", dpi=150)


if __name__ == "__main__":
    main(*([2, 1] if "--quick" in sys.argv else []))
