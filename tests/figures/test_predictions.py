"""Predictions over returns: what is drawn where."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import alberta_framework as af
from alberta_framework.figures import plot_predictions


def test_each_demon_has_a_panel_with_both_curves():
    rng = np.random.default_rng(0)
    v, g = rng.normal(size=(2, 30, 3))
    g[20:] = np.nan
    times = np.arange(30) * 0.1
    figure, axes = plot_predictions(v, g, ["a", "_b", "$c$ and $"], times=times, unit="seconds")
    assert isinstance(figure, Figure) and len(axes) == 3
    for i, ax in enumerate(axes):
        drawn = {line.get_label(): line for line in ax.get_lines()}
        np.testing.assert_array_equal(drawn["prediction"].get_xdata(), times)
        np.testing.assert_array_equal(drawn["prediction"].get_ydata(), v[:, i])
        np.testing.assert_array_equal(drawn["return"].get_ydata(), g[:, i])
    assert [ax.get_title(loc="left") for ax in axes] == ["a", "_b", r"\$c\$ and \$"]
    assert axes[-1].get_xlabel() == "seconds"
    told = {text.get_text() for text in axes[0].get_legend().get_texts()}
    assert told == {"prediction", "return"}
    figure.canvas.draw()  # names with dollars are no mathematics


def test_one_demon_is_one_panel():
    _, axes = af.plot_predictions(np.zeros(5), np.ones(5))
    assert len(axes) == 1 and axes[0].get_lines()[0].get_xdata().tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.zeros(5), np.zeros(4)), {}, "must have one shape"),
        ((np.zeros((5, 0)), np.zeros((5, 0))), {}, "must have one shape"),
        ((np.zeros(5), np.zeros(5), ["a", "b"]), {}, "`names` must hold 1 names, got 2"),
        ((np.zeros(5), np.zeros(5)), {"times": np.zeros(4)}, r"`times` must have shape \(5,\)"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        plot_predictions(*arguments, **options)
