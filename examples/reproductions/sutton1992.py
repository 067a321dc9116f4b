"""Sutton (1992): IDBD on a drifting target, both experiments and the sensitivity curve."""

import section

import alberta_framework as af


def reproduce() -> tuple:
    first = af.run_comparison(
        af.comparison_from_config(section.built_in("sutton1992-experiment-1"), "experiment 1")
    )
    second = af.run_comparison(
        af.comparison_from_config(section.built_in("sutton1992-experiment-2"), "experiment 2")
    )
    one = {standing.learner: standing for standing in first.standings}
    two = {standing.learner: standing for standing in second.standings}
    sizes = second.learners["IDBD"].step_sizes
    assert sizes is not None
    settled = sizes[0, :, -1]  # seeds, inputs
    best = two["LMS, relevant inputs only"].point["optimizer.step_size"]
    figures = (
        section.of_standing("LMS, best step size", "about 3.5", one["LMS"], (3.25, 3.75)),
        section.of_standing("IDBD, best meta step size", "about 1.5", one["IDBD"], (1.35, 1.65)),
        section.of_values(
            "learned step size, relevant inputs",
            "0.13 ± 0.015",
            settled[:, :5].mean(1),
            (0.115, 0.145),
        ),
        section.of_values(
            "learned step size, irrelevant inputs",
            "less than 0.007",
            settled[:, 5:].mean(1),
            (0.0, 0.007),
        ),
        section.Figure(
            "best fixed step size, relevant inputs", "0.13", best, best, best, (0.12, 0.14)
        ),
    )
    text = """
Twenty inputs, five of which make up the target with signs that flip one at a time every 20
examples. Experiment 1: squared error over 10,000 examples after 20,000, each learner at its best
point, 30 seeds. Experiment 2: the step sizes of IDBD (meta step size 0.001) after 250,000 examples,
30 seeds, and the fixed step size that is best when only the relevant inputs are shown.

Source: R. S. Sutton (1992), Adapting Bias by Gradient Descent: An Incremental Version of
Delta-Bar-Delta, AAAI-92, figures 2 to 4 and the text beside them.
"""
    half = sizes.shape[2] // 2 - 1
    steps, before = second.recorded_at[half], sizes[0, :, half, 5:].mean()
    verdict = f"""
The step sizes of the irrelevant inputs are still sinking: their mean is {before:.4f} after
{steps:,} examples and {settled[:, 5:].mean():.4f} after 250,000. The curve of the error over the
step-size parameter (lower left of the picture) is the paper's figure 3: flat for IDBD, steep for
LMS.
"""
    title = "Sutton 1992: incremental delta-bar-delta"
    found = section.Section(title, text, figures, verdict, "sutton1992.png")
    return found, af.plot_comparison(first)


if __name__ == "__main__":
    section.main(reproduce, __file__)
