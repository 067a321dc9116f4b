"""Tables for papers (LaTeX, booktabs) and for pages (Markdown)."""

from collections.abc import Iterable, Mapping

from ..results.aggregated import MetricSummary, metric_summary
from ..results.methods import Results, methods_of
from ..statistics.ranking import STARS, Significance, best_method, stars
from ..statistics.samples import require_choice

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # In the default font encoding these three print as other characters.
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}
_MARKDOWN = {mark: f"\\{mark}" for mark in "\\|*`<"}


def generate_latex_table(
    results: Results,
    significance_results: Significance | None = None,
    metric: str = "squared_error",
    caption: str = "Experimental Results",
    label: str = "tab:results",
    metric_label: str | None = None,
    lower_is_better: bool | None = None,
) -> str:
    r"""A booktabs table of `mean $\pm$ std` per method, the best mean in bold.

    **Arguments:** `results`: of a sweep, a comparison or lives side by side, or any by name; names
    are escaped. `significance_results`: as
    `pairwise_comparisons` returns them: a method that differs significantly (after correction)
    from the best is marked with the stars of its uncorrected p-value, and a footnote explains
    them. `metric`: a key of the summaries, as "return" of agents. `caption`, `label`,
    `metric_label`: LaTeX, taken as they are; by default the column is called by its metric, and
    "Error" of the squared one. `lower_is_better`: which mean is the best; by
    default the least, but of rewards and returns the greatest.
    """
    methods = methods_of(results)
    best = best_method(methods, metric, lower_is_better)
    rows = []
    for name, runs in methods.items():
        summary = metric_summary(runs, metric)
        value = _mean_and_std(summary, r"$\pm$")
        mark = stars(significance_results, best, name)
        value = rf"\textbf{{{value}}}" if name == best else value
        value += f"$^{{{mark}}}$" if mark else ""
        rows.append((latex_text(name), value, str(summary.n_seeds)))
    note = _star_note("$^{{{}}}$", "$p < {}$")
    footnote = [rf"\par\smallskip\footnotesize {note}"] if significance_results else []
    heading = latex_text(_heading(metric)) if metric_label is None else metric_label
    tabular = _latex_tabular("lcc", ("Method", heading, "Seeds"), rows)
    opening = [r"\begin{table}[htbp]", r"\centering", rf"\caption{{{caption}}}"]
    return "\n".join([*opening, rf"\label{{{label}}}", tabular, *footnote, r"\end{table}", ""])


def generate_markdown_table(
    results: Results,
    significance_results: Significance | None = None,
    metric: str = "squared_error",
    metric_label: str | None = None,
    lower_is_better: bool | None = None,
) -> str:
    """The table of `generate_latex_table` with pipes."""
    methods = methods_of(results)
    best = best_method(methods, metric, lower_is_better)
    rows = []
    for name, runs in methods.items():
        summary = metric_summary(runs, metric)
        value = _mean_and_std(summary, "±")
        mark = stars(significance_results, best, name)
        value = f"**{value}**" if name == best else value
        value += f" {mark}" if mark else ""
        rows.append((_escape(name, _MARKDOWN), value, str(summary.n_seeds)))
    heading = _escape(_heading(metric), _MARKDOWN) if metric_label is None else metric_label
    table = _markdown_table(("Method", heading, "Seeds"), rows)
    return f"{table}\n{_star_note('{}', 'p < {}')}\n" if significance_results else table


def _heading(metric: str) -> str:
    return "Error" if metric == "squared_error" else metric


def generate_significance_table(significance_results: Significance, format: str = "latex") -> str:
    """One row per test: methods, statistic, uncorrected p-value, effect size, decision.

    **Arguments:** `significance_results`: as `pairwise_comparisons` returns them; `format`:
    `"latex"` (a tabular, to stand in a table environment with a caption of your own) or
    `"markdown"`.
    """
    require_choice("format", format, ("latex", "markdown"))
    header = ("Method A", "Method B", "Statistic", "p-value", "Effect Size", "Sig.")
    escapes = _LATEX if format == "latex" else _MARKDOWN
    rows = [
        (
            _escape(test.method_a, escapes),
            _escape(test.method_b, escapes),
            f"{test.statistic:.3f}",
            f"{test.p_value:.4f}",
            f"{test.effect_size:.3f}",
            "Yes" if test.significant else "No",
        )
        for test in significance_results.values()
    ]
    if format == "latex":
        return _latex_tabular("llcccc", header, rows) + "\n"
    return _markdown_table(header, rows)


def latex_text(text: str) -> str:
    """`text` with every character escaped that means something to LaTeX."""
    return _escape(text, _LATEX)


def _escape(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)


def _mean_and_std(summary: MetricSummary, plus_minus: str) -> str:
    return f"{summary.mean:.4f} {plus_minus} {summary.std:.4f}"


def _star_note(mark: str, bound: str) -> str:
    steps = ", ".join(f"{mark.format(m)} {bound.format(p)}" for m, p in reversed(STARS))
    return f"Against the best, where significant after correction: {steps}."


def _latex_tabular(columns: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", " & ".join(header) + r" \\"]
    lines += [r"\midrule", *(" & ".join(row) + r" \\" for row in rows)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _markdown_table(header: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
