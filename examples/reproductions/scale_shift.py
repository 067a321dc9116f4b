"""What normalization is worth when the scales of the inputs jump."""

import section

import alberta_framework as af


def reproduce() -> tuple:
    config = section.built_in("scale-shift")
    result = af.run_comparison(af.comparison_from_config(config, "scale shift"))
    standings = {standing.learner: standing for standing in result.standings}
    figures = tuple(section.of_standing(name, "", found) for name, found in standings.items())
    text = """
Every 4,000 steps each of ten inputs gets a scale of its own between 0.01 and 100; the target
depends on the inputs before they are scaled. Squared error over 16,000 steps after 8,000, each
learner at its best point, 30 seeds. No published figure belongs to this stream: what is claimed is
the order.
"""
    ratio = standings["LMS"].score.mean / standings["LMS, EMA"].score.mean
    verdict = f"""
With a normalizer that forgets, the best LMS has {ratio:.1f} times less error than the best LMS
without. Statistics that never forget (Welford) do not help: old scales stay in them.
"""
    title = "Normalization under scale shift"
    found = section.Section(title, text, figures, verdict, "scale_shift.png")
    return found, af.plot_comparison(result)


if __name__ == "__main__":
    section.main(reproduce, __file__)
