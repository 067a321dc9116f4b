"""Grids of hyperparameters: points, labels, and components at a point."""

from itertools import chain

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework import Axes
from alberta_framework.hyperparameters.paths import exchanged
from tests.sweeps.grids import DRIFT, META


def test_zipped_axes_must_be_of_one_length():
    with pytest.raises(ValueError, match=r"equal length to be zipped, got 2 for .* 3 for"):
        Axes({META: [0.0, 0.1], DRIFT: [0.0, 0.1, 0.2]}, "zip")


def test_points_of_a_product_and_of_a_zip():
    values = {"a": np.array([1.0, 2.0]), "b": ["x", "y"]}
    assert Axes(values).shape == (2, 2)
    assert [Axes(values).point(p) for p in Axes(values).positions] == [
        {"a": 1.0, "b": "x"},
        {"a": 1.0, "b": "y"},
        {"a": 2.0, "b": "x"},
        {"a": 2.0, "b": "y"},
    ]
    zipped = Axes(values, "zip")
    assert [zipped.point(p) for p in zipped.positions] == [
        {"a": 1.0, "b": "x"},
        {"a": 2.0, "b": "y"},
    ]


# Entries of an axis, and what they are called: what all have in common is left out.
LABELS = {
    "numbers": ([0.1, 1], [0.1, 1]),
    "flags": ([True, False], ["True", "False"]),
    "one class": ([af.LMS(0.1), af.LMS(0.5)], ["LMS(step_size=0.1)", "LMS(step_size=0.5)"]),
    "two classes": ([af.LMS(0.1), af.IDBD(0.2)], ["LMS", "IDBD"]),
    "one class and another": (
        [af.LMS(0.1), af.IDBD(), af.LMS(1)],
        ["LMS(step_size=0.1)", "IDBD", "LMS(step_size=1)"],
    ),
    "parts of another class": (
        [af.LinearLearner(), af.MLPLearner(), af.LinearLearner(af.IDBD())],
        ["LinearLearner(optimizer=LMS)", "MLPLearner", "LinearLearner(optimizer=IDBD)"],
    ),
    "numbers of parts": (
        [af.LinearLearner(af.LMS(0.1), use_bias=False), af.LinearLearner(af.LMS(0.2))],
        [
            "LinearLearner(optimizer=LMS(step_size=0.1), use_bias=False)",
            "LinearLearner(optimizer=LMS(step_size=0.2), use_bias=True)",
        ],
    ),
    "sizes": (
        [af.MLPLearner(hidden_sizes=(8,)), af.MLPLearner(hidden_sizes=(8, 8))],
        ["MLPLearner(hidden_sizes=(8,))", "MLPLearner(hidden_sizes=(8, 8))"],
    ),
    "one and none": ([None, af.EMANormalizer()], ["None", "EMANormalizer"]),
    "two that are equal": ([af.LMS(), af.LMS()], ["LMS 0", "LMS 1"]),
    "a number of an array": ([af.LMS(np.float32(0.1)), af.LMS(0.2)], None),
}


@pytest.mark.parametrize("case", LABELS)
def test_labels_are_numbers_or_say_what_differs(case):
    values, expected = LABELS[case]
    found = Axes({"a": values}).labels("a")
    assert found == (["LMS(step_size=0.1)", "LMS(step_size=0.2)"] if expected is None else expected)
    assert len(set(found)) == len(values)


def test_labelled_points_are_the_points_in_words():
    axes = Axes({"a": [1, 2], "b": [af.LMS(0.1), af.LMS(0.2)]})
    assert [tuple(point.values()) for point in axes.labelled_points] == [
        (1, "LMS(step_size=0.1)"),
        (1, "LMS(step_size=0.2)"),
        (2, "LMS(step_size=0.1)"),
        (2, "LMS(step_size=0.2)"),
    ]
    assert [p["b"].step_size for p in axes.points] == [0.1, 0.2, 0.1, 0.2]


def test_a_grid_and_a_sweep_have_the_same_points_and_learners():
    learner = af.LinearLearner(af.Autostep())
    grid = {"meta_step_size": [0.0, 0.1], "tau": [1.0, 2.0]}
    own = {f"optimizer.{name}": values for name, values in grid.items()}
    contender = af.Contender(learner, own)
    axes = Axes({f"learner.{path}": values for path, values in own.items()})
    for one, point, at in zip(contender.learners, axes.points, contender.points, strict=True):
        assert one == exchanged(learner, point, "learner") == exchanged(learner, at) != learner
        assert list(at.values()) == list(point.values())


def test_numbers_of_one_component_change_at_once(own_components):
    """Between the first and the second the component would not be valid."""

    class Between(af.AbstractComponent):
        low: float = 0.0
        high: float = 1.0

        def __check_init__(self):
            if self.low >= self.high:
                raise ValueError(f"`low` must be below `high`, got {self.low} and {self.high}.")

    del own_components
    for point in ({"low": 2.0, "high": 3.0}, {"high": 3.0, "low": 2.0}):
        assert exchanged(Between(), point) == Between(2.0, 3.0)
    with pytest.raises(ValueError, match=r"low, high: `low` must .* got 2\.0 and 2\.0"):
        exchanged(Between(), {"low": 2.0, "high": 2.0})


def test_an_outer_component_is_exchanged_before_its_numbers():
    point = {"optimizer.meta_step_size": 0.3, "optimizer": af.IDBD(0.2)}
    assert exchanged(af.LinearLearner(), point) == af.LinearLearner(af.IDBD(0.2, 0.3))
    with pytest.raises(ValueError, match=r"'optimizer\.step_sizes'.* mean 'optimizer\.step_size'"):
        exchanged(af.LinearLearner(), {"optimizer.step_sizes": 1.0})


@pytest.mark.parametrize("values", [[0.1, 0.1], (1, 1.0), np.array([2.0, 2.0])])
def test_a_value_twice_is_refused_by_grids_and_axes(values):
    with pytest.raises(ValueError, match="`axes` must list each value of 'x' once"):
        Axes({"x": values})
    with pytest.raises(ValueError, match=r"`grid` must list each value of 'opt.* once"):
        af.Contender(af.LinearLearner(), {"optimizer.step_size": values})


def test_arrays_are_lists_of_values():
    grid = {"optimizer.step_size": np.array([0.25, 0.5])}
    contender = af.Contender(af.LinearLearner(), grid)
    assert contender.to_config()["grid"] == {"optimizer.step_size": [0.25, 0.5]}
    assert list(chain(*(p.values() for p in contender.points))) == [0.25, 0.5]


def test_a_component_in_a_tuple_is_called_by_its_place():
    agent = af.SARSAAgent(af.SARSAConfig(2), hidden_sizes=())
    parts = (af.TimeFeature(100), af.ObservationTrace(0.9))
    lives = af.WithFeatures(agent, af.Pipeline(parts))
    found = exchanged(lives, {"features.parts.1.beta": 0.5, "agent.lamda": 0.3})
    assert found.features.parts == (parts[0], af.ObservationTrace(0.5))
    assert found.agent.lamda == 0.3
    whole = exchanged(lives, {"features.parts.1": af.ObservationTrace(0.2)})
    assert whole.features.parts == (parts[0], af.ObservationTrace(0.2))
    with pytest.raises(ValueError, match=r"unknown path 'features\.parts\.2\.beta' in `axes`"):
        exchanged(lives, {"features.parts.2.beta": 0.5})
