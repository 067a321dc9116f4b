"""The table of streaming deep RL: agents, environments, and what a time limit is taken for.

Kept under way in results/reproductions, from where it goes on when it is started again.
"""

import importlib.util
import shutil
import time
from pathlib import Path

import section

import alberta_framework as af

KEPT = Path("results/reproductions")
CONTINUOUS = ("StreamAC, Gaussian", "AVG(0)")
DISCRETE = ("CartPole", "Acrobot", "MountainCar")
SEEDS, STEPS = 30, 200_000
TEXT = """
What do the rule for time limits and the rule for steps cost, under one setting for everything?
Every agent with the library's defaults, nothing tuned for an environment, no feature of the time;
the same worlds and initial weights in every cell. `bootstrap`: an episode that is cut at the limit
is held to go on; `terminal`: the limit is an end, as in the scripts of the authors of StreamQ and
StreamAC. Nothing is published to compare with: this is a table of this library's own,
`alberta run stream-table`. Intervals here are percentile bootstrap intervals of the mean over seeds
(10,000 resamples, the same ones every time). The mean return is that of the episodes that ended in
the last 20% of the steps. All cells are told, and none is chosen; NaN counts the seeds whose agent
holds a number that became none; the reward per step is the mean over the whole life.
"""


def study_of(environments: tuple[str, ...], seeds: int, steps: int) -> af.ControlStudy:
    """The built-in study in some of its environments, with the agents that act in them."""
    config = section.built_in("stream-table")
    numbers = environments == ("Pendulum",)
    agents = {n: a for n, a in config["agents"].items() if (n in CONTINUOUS) == numbers}
    chosen = {name: config["environments"][name] for name in environments}
    changes = {"environments": chosen, "agents": agents, "seeds": seeds, "steps": steps}
    title = "Streaming agents, and what a time limit is taken for"
    return af.control_study_from_config(config | changes | {"title": title}, "stream-table")


def lived(study: af.ControlStudy, folder: Path) -> tuple[af.ControlStudyResult, float]:
    """The result, and the seconds that it took, those of calls that were stopped included."""
    clock = folder / "seconds"
    before = float(clock.read_text()) if clock.exists() else 0.0
    started = last = time.perf_counter()
    kept = folder / "checkpoint" if importlib.util.find_spec("orbax") else None
    run = af.ControlStudyRun(study, checkpoint=kept)
    while not run.finished:
        run.advance()
        if kept is not None and time.perf_counter() - last > 30.0:
            last = time.perf_counter()
            clock.write_text(str(before + last - started))
    return run.result(), before + time.perf_counter() - started


def score(mean: float, low: float, high: float) -> list[str]:
    return [f"{mean:.4g}", f"[{low:.4g}, {high:.4g}]"]


def told(study: af.ControlStudy, title: str, seeds: str, picture: str) -> tuple:
    """The section of a study; `seeds`: why there are so many, in words."""
    folder = KEPT / Path(picture).stem
    result, seconds = lived(study, folder)
    same = result.same_until_cut
    assert same is not None
    same.require()
    cells = section.markdown_table(
        [
            "environment, agent, rule",
            "mean return",
            "95% interval",
            "worst seed",
            "reward per step",
            "NaN",
            "rejected",
        ],
        [
            [
                ", ".join(filter(None, (cell.environment, cell.agent, cell.variant))),
                *(
                    [f"no episode at {cell.unmeasured} seeds", ""]
                    if cell.unmeasured
                    else score(cell.mean, cell.low, cell.high)
                ),
                f"{cell.worst:.4g}",
                f"{cell.average_reward:.4g}",
                str(cell.diverged),
                str(cell.rejected),
            ]
            for cell in result.cells
        ],
    )
    differences = section.markdown_table(
        ["environment, agent", "bootstrap - terminal", "95% interval", "a difference"],
        [
            [
                f"{each.environment}, {each.agent}",
                *score(each.mean, each.low, each.high),
                "yes" if each.differs else "no",
            ]
            for each in result.differences
        ],
    )
    differing = [each for each in result.differences if each.differs]
    better = [f"{one.agent} in {one.environment}" for one in differing if one.mean > 0.0]
    worse = [f"{one.agent} in {one.environment}" for one in differing if one.mean < 0.0]
    lives = study.seeds * sum(len(c.agents) for c in study.comparisons.values())
    steps = study.steps * lives
    text = f"{TEXT.strip()}\n\n{study.steps:,} steps; {seeds}.\n\n{cells}"
    verdict = f"""
Paired by seed, the mean return under `bootstrap` less that under `terminal`; a difference only if 0
lies outside of the interval:

{differences}

{same}.

Bootstrapping is better in {len(better)} of {len(result.differences)} pairs
({"; ".join(better) or "none"}), and worse in {len(worse)} ({"; ".join(worse) or "none"}). Took
{af.format_duration(seconds)} on two cores for {steps:,} steps, {seconds / steps * 1e6:.1f} µs each,
compilation included.
"""
    found = section.Section(title, text, (), verdict, picture)
    figure = af.plot_control_study(result)
    shutil.rmtree(folder, ignore_errors=True)
    return found, figure


def reproduce() -> tuple:
    title = "The table of streaming deep RL: step rules and time limits"
    study = study_of(DISCRETE, SEEDS, STEPS)
    return told(study, title, f"{SEEDS} seeds", "stream_table.png")


if __name__ == "__main__":
    section.main(reproduce, __file__)
