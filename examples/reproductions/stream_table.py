"""The table of streaming deep RL: agents, environments, and what a time limit is taken for.

Kept under way in results/reproductions/stream-table, from where it goes on when it is started again.
"""

import importlib.util
import shutil
import time
from pathlib import Path

import section

import alberta_framework as af

KEPT = Path("results/reproductions/stream-table")
SEEDS: int | None = None
STEPS: int | None = None


def lived(study: af.ControlStudy) -> tuple[af.ControlStudyResult, float]:
    """The result, and the seconds that it took, those of calls that were stopped included."""
    clock = KEPT / "seconds"
    before = float(clock.read_text()) if clock.exists() else 0.0
    started = told = time.perf_counter()
    kept = KEPT / "checkpoint" if importlib.util.find_spec("orbax") else None
    run = af.ControlStudyRun(study, checkpoint=kept)
    while not run.finished:
        run.advance()
        if kept is not None and time.perf_counter() - told > 30.0:
            told = time.perf_counter()
            clock.write_text(str(before + told - started))
    return run.result(), before + time.perf_counter() - started


def score(mean: float, low: float, high: float) -> list[str]:
    return [f"{mean:.4g}", f"[{low:.4g}, {high:.4g}]"]


def reproduce() -> tuple:
    config = section.built_in("stream-table")
    given = {"seeds": SEEDS, "steps": STEPS}
    config |= {name: value for name, value in given.items() if value is not None}
    study = af.control_study_from_config(config, "stream-table")
    result, seconds = lived(study)
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
    steps = study.steps * study.seeds * sum(len(c.agents) for c in study.comparisons.values())
    text = f"""
What do the rule for time limits and the rule for steps cost, under one setting for everything? Every agent
with the library's defaults, nothing tuned for an environment, no feature of the time; {study.steps:,} steps,
{study.seeds} seeds, the same worlds and initial weights in every cell. `bootstrap`: an episode that is cut
at the limit is held to go on; `terminal`: the limit is an end, as in the scripts of the authors of StreamQ
and StreamAC. Nothing is published to compare with: this is a table of this library's own,
`alberta run stream-table`; intervals here are percentile bootstrap intervals of the mean over seeds (10,000
resamples, the same ones every time). All cells are told, and none is chosen; NaN counts the seeds whose
agent holds a number that became none, `reward per step` is the mean over the whole life.

{cells}
"""
    verdict = f"""
Paired by seed, the mean return under `bootstrap` less that under `terminal`; a difference only if 0 lies
outside of the interval:

{differences}

{same}.

Bootstrapping is better in {len(better)} of {len(result.differences)} pairs ({"; ".join(better) or "none"}),
and worse in {len(worse)} ({"; ".join(worse) or "none"}). Took {af.format_duration(seconds)} for {steps:,}
steps, {seconds / steps * 1e6:.1f} µs each, compilation included.
"""
    title = "The table of streaming deep RL: time limits and step rules"
    found = section.Section(title, text, (), verdict, "stream_table.png")
    figure = af.plot_control_study(result)
    shutil.rmtree(KEPT, ignore_errors=True)
    return found, figure


if __name__ == "__main__":
    section.main(reproduce, __file__)
