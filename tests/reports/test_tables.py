import re

import numpy as np
import pytest

from alberta_framework.reports import (
    generate_latex_table,
    generate_markdown_table,
    generate_significance_table,
)
from alberta_framework.statistics import SignificanceResult, pairwise_comparisons
from tests.statistics.runs import constant_runs, golden_results, results_of

RESULTS = {
    "LMS": constant_runs("LMS", 2.0, 3.0),
    "IDBD": constant_runs("IDBD", 1.0, 1.5, 2.0),
}
AWKWARD = r"a_b & 50% $x$ #1 {y} ~z^2 \w <p|q>"


def verdict(a, b, p_value, significant=True):
    return SignificanceResult("paired t-test", -1.5, p_value, significant, 0.05, -0.8, a, b)


def table_with(p_value, significant, table, turned=False, results=RESULTS, **options):
    pair = ("LMS", "IDBD") if turned else ("IDBD", "LMS")
    return table(results, {pair: verdict(*pair, p_value, significant)}, **options)


def latex_rows(text):
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")].splitlines()[1:]
    return [line.removesuffix(r" \\").split(" & ") for line in body]


def markdown_rows(text):
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_latex_table_shows_mean_and_std_and_the_best_in_bold():
    assert generate_latex_table(RESULTS) == "\n".join(
        [
            r"\begin{table}[htbp]",
            r"\centering",
            r"\caption{Experimental Results}",
            r"\label{tab:results}",
            r"\begin{tabular}{lcc}",
            r"\toprule",
            r"Method & Error & Seeds \\",
            r"\midrule",
            r"LMS & 2.5000 $\pm$ 0.5000 & 2 \\",
            r"IDBD & \textbf{1.5000 $\pm$ 0.4082} & 3 \\",
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def test_markdown_table_shows_the_same():
    assert generate_markdown_table(RESULTS) == (
        "| Method | Error | Seeds |\n"
        "| --- | --- | --- |\n"
        "| LMS | 2.5000 ± 0.5000 | 2 |\n"
        "| IDBD | **1.5000 ± 0.4082** | 3 |\n"
    )


def test_the_largest_is_best_when_higher_is_better():
    latex = generate_latex_table(RESULTS, lower_is_better=False)
    assert [row[1].startswith(r"\textbf") for row in latex_rows(latex)] == [True, False]
    markdown = generate_markdown_table(RESULTS, lower_is_better=False)
    assert [row[1].startswith("**") for row in markdown_rows(markdown)] == [True, False]


def test_caption_label_and_heading_are_taken_as_they_are():
    text = generate_latex_table(
        RESULTS, caption=r"Error of $x_1$", label="tab:x", metric_label="$e^2$"
    )
    for piece in (r"\caption{Error of $x_1$}", r"\label{tab:x}", r"Method & $e^2$ & Seeds \\"):
        assert piece in text
    assert "| Method | MSE |" in generate_markdown_table(RESULTS, metric_label="MSE")


def test_a_column_is_called_by_its_metric():
    returns = {"a": results_of("a", mean_return=np.array([[1.0, 2.0], [3.0, 4.0]]))}
    assert "| Method | Error |" in generate_markdown_table(RESULTS)
    assert "| Method | mean_return |" in generate_markdown_table(returns, metric="mean_return")
    text = generate_latex_table(returns, metric="mean_return")
    assert r"Method & mean\_return & Seeds" in text


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("p_value", "significant", "mark"),
    [
        (0.0009, True, "***"),
        (0.001, True, "**"),
        (0.0099, True, "**"),
        (0.01, True, "*"),
        (0.049, True, "*"),
        (0.0009, False, ""),
        (0.07, True, ""),
    ],
)
def test_stars_tell_the_p_value_against_the_best(p_value, significant, mark, turned):
    latex = table_with(p_value, significant, generate_latex_table, turned)
    lms, idbd = latex_rows(latex)
    assert lms[1] == r"2.5000 $\pm$ 0.5000" + (f"$^{{{mark}}}$" if mark else "")
    assert "*" not in idbd[1]
    markdown = table_with(p_value, significant, generate_markdown_table, turned)
    assert markdown_rows(markdown)[0][1] == f"2.5000 ± 0.5000 {mark}".strip()


def test_stars_compare_with_the_best_only():
    results = RESULTS | {"third": constant_runs("third", 9.0, 9.5)}
    tests = {("LMS", "third"): verdict("LMS", "third", 1e-6)}
    assert all("^" not in row[1] for row in latex_rows(generate_latex_table(results, tests)))


def test_a_footnote_explains_stars_where_they_can_occur():
    latex = table_with(0.3, False, generate_latex_table)
    note = latex.splitlines()[-2]
    assert note.startswith(r"\par\smallskip\footnotesize ")
    assert "$^{*}$ $p < 0.05$, $^{**}$ $p < 0.01$, $^{***}$ $p < 0.001$" in note
    assert latex.index(r"\end{tabular}") < latex.index(note) < latex.index(r"\end{table}")
    markdown = table_with(0.3, False, generate_markdown_table)
    assert "* p < 0.05, ** p < 0.01, *** p < 0.001" in markdown.splitlines()[-1]
    for table in (generate_latex_table, generate_markdown_table):
        assert "p <" not in table(RESULTS) and "p <" not in table(RESULTS, {})


def test_every_latex_special_in_a_name_is_escaped():
    (row,) = latex_rows(generate_latex_table({AWKWARD: constant_runs(AWKWARD, 1.0)}))
    # The escaped ampersand looks like a column to `latex_rows`.
    assert " & ".join(row[:-2]) == (
        r"a\_b \& 50\% \$x\$ \#1 \{y\} \textasciitilde{}z\textasciicircum{}2 "
        r"\textbackslash{}w \textless{}p\textbar{}q\textgreater{}"
    )


def test_a_name_keeps_a_markdown_table_in_shape():
    name = r"a|b *c* `d` <e> \f g_h"
    (row,) = markdown_rows(generate_markdown_table({name: constant_runs(name, 1.0)}))
    assert len(row) == 3
    assert row[0] == r"a\|b \*c\* \`d\` \<e> \\f g_h"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("lower_is_better", [True, False])
def test_a_diverged_method_is_never_the_best(value, lower_is_better):
    results = {"bad": constant_runs("bad", value, 1.0), **RESULTS}
    rows = latex_rows(generate_latex_table(results, lower_is_better=lower_is_better))
    assert rows[0][1] == rf"{value:.4f} $\pm$ nan"
    assert [row[1].startswith(r"\textbf") for row in rows[1:]].count(True) == 1
    alone = generate_markdown_table({"bad": results["bad"]})
    assert markdown_rows(alone) == [["bad", f"{value:.4f} ± nan", "2"]]


def test_tables_name_a_missing_metric():
    for table in (generate_latex_table, generate_markdown_table):
        with pytest.raises(KeyError, match="'reward' in the summary of 'LMS'; present: squared_"):
            table(RESULTS, metric="reward")


def test_significance_table_holds_one_row_per_test():
    tests = pairwise_comparisons(golden_results(), correction="holm")
    tests |= {("a_b", "c|d"): verdict("a_b", "c|d", 0.4, False)}
    markdown = generate_significance_table(tests, "markdown")
    assert markdown.splitlines()[0] == (
        "| Method A | Method B | Statistic | p-value | Effect Size | Sig. |"
    )
    assert markdown_rows(markdown) == [
        ["method_0", "method_1", "-3.275", "0.0074", "-0.983", "Yes"],
        ["method_0", "method_2", "-8.297", "0.0000", "-3.262", "Yes"],
        ["method_1", "method_2", "-6.067", "0.0001", "-2.611", "Yes"],
        ["a_b", r"c\|d", "-1.500", "0.4000", "-0.800", "No"],
    ]
    latex = generate_significance_table(tests)
    assert latex_rows(latex)[0][:3] == [r"method\_0", r"method\_1", "-3.275"]
    assert latex_rows(latex)[3] == [r"a\_b", r"c\textbar{}d", "-1.500", "0.4000", "-0.800", "No"]
    header = r"Method A & Method B & Statistic & p-value & Effect Size & Sig. \\"
    assert latex.splitlines()[:3] == [r"\begin{tabular}{llcccc}", r"\toprule", header]


def test_other_formats_are_refused():
    with pytest.raises(ValueError, match="`format` must be one of latex, markdown, got 'html'"):
        generate_significance_table({}, "html")
