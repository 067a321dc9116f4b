"""Labelled data: what is taken, what is refused, and tasks drawn from it."""

import json

import jax
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases

DATA = af.LabelledArrays(np.arange(40.0).reshape(8, 5), [0, 1, 2, 2, 1, 0, 2, 1])


@pytest.mark.parametrize(
    "inputs, labels, n_classes, kind, message",
    [
        (np.ones((3, 2)), [0, 1], None, ValueError, r"`labels` must be a real array of shape \(3,"),
        (np.ones(3), [0, 1, 0], None, ValueError, r"`inputs` must be a real array of shape \(N, d"),
        (np.ones((3, 2)), [0, 1, 2], 2, ValueError, "`labels` must be whole numbers from 0 to 1"),
        (np.ones((3, 2)), [0, 1, 0.5], None, ValueError, "whole numbers .*got 0.5"),
        (np.ones((3, 2)), [0, 1, -1], None, ValueError, "whole numbers .*got -1"),
        (np.ones((3, 2)), [0, 1, np.nan], None, ValueError, "whole numbers .*got nan"),
        (np.ones((3, 2)), ["a", "b", "c"], None, TypeError, "`labels` must be a real array"),
        (np.ones((3, 2)), [0, 1, 0], 1, ValueError, "`n_classes` must be an integer >= 2"),
        (np.ones((0, 2)), [], None, ValueError, r"got shape \(0,"),
    ],
)
def test_wrong_arrays_are_named(inputs, labels, n_classes, kind, message):
    with pytest.raises(kind, match=message):
        af.LabelledArrays(inputs, labels, n_classes)


def test_classes_that_no_row_has_may_be_counted():
    assert af.LabelledArrays(np.ones((2, 1)), [0, 0]).n_classes == 2
    assert af.LabelledArrays(np.ones((2, 1)), [0, 3]).n_classes == 4
    assert af.LabelledArrays(np.ones((2, 1)), [0, 3], 7).n_classes == 7
    assert len(DATA) == 8 and DATA.feature_dim == 5


def tasks(permute, interval, steps, **arguments):
    """The rows drawn, what became of each, and the number of its task."""
    stream = cases.with_arrays(
        af.PermutedClassificationStream(DATA, interval, permute, one_hot=False, **arguments)
    )
    seen, _ = stream.rollout(stream.init(jax.random.key(2)), steps)
    x, label = np.asarray(seen.observation), np.asarray(seen.target)[:, 0].astype(int)
    rows = (np.sort(x, axis=1)[:, 0] // 5).astype(int)
    return rows, x, label, np.arange(steps) // interval


def permutations(permute, interval, steps):
    """The permutation of each task, once it is checked that each of its rows obeys it."""
    rows, x, label, task = tasks(permute, interval, steps)
    found = []
    for k in np.unique(task):
        if permute == "inputs":
            (one,) = np.unique((x - 5 * rows[:, None])[task == k], axis=0)
            np.testing.assert_array_equal(label, np.asarray(DATA.labels)[rows])
        else:
            before = np.asarray(DATA.labels)[rows][task == k].astype(int)
            pairs = np.unique(np.stack([before, label[task == k]], 1), axis=0)
            one = pairs[:, 1]
            np.testing.assert_array_equal(pairs[:, 0], np.arange(3))
            np.testing.assert_array_equal(x, np.asarray(DATA.inputs)[rows])
        np.testing.assert_array_equal(np.sort(one), np.arange(len(one)))
        found.append(tuple(one))
    return found


@pytest.mark.parametrize("permute", ["inputs", "labels"])
def test_each_task_has_one_permutation_whatever_its_length(permute):
    found = permutations(permute, 40, 400)
    assert len(set(found)) > 3, "tasks differ"
    assert permutations(permute, 80, 400) == found[:5]


def test_rows_and_permutations_are_drawn_alike():
    rows, _, _, _ = tasks("inputs", 10, 8000)
    counts = np.bincount(rows, minlength=8)
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)  # five standard deviations
    firsts = [p[0] for p in permutations("inputs", 4, 4000)]
    assert np.abs(np.bincount(np.int64(firsts), minlength=5) - 200).max() < 5 * np.sqrt(200)


def test_one_hot_is_the_number_of_the_class():
    numbered, one_hot = (
        af.PermutedClassificationStream(DATA, 7, "labels", one_hot=told) for told in (False, True)
    )
    key = jax.random.key(0)
    ours, _ = one_hot.rollout(one_hot.init(key), 30)
    expected, _ = numbered.rollout(numbered.init(key), 30)
    assert isinstance(ours, af.MultiHeadStep) and isinstance(expected, af.TimeStep)
    np.testing.assert_array_equal(ours.observation, expected.observation)
    np.testing.assert_array_equal(ours.targets, np.eye(3)[np.int64(expected.target[:, 0])])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"data": np.ones(3)}, "`data` must be an AbstractLabelledData"),
        ({"change_interval": 0}, "`change_interval` must lie in"),
        ({"permute": "pixels"}, "`permute` must be one of"),
        ({"one_hot": 1}, "`one_hot` must be one of"),
    ],
)
def test_a_wrong_argument_of_the_stream_is_named(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        af.PermutedClassificationStream(**{"data": DATA} | arguments)


def test_digits_are_those_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    data, (pixels, labels) = af.Digits(), datasets.load_digits(return_X_y=True)
    np.testing.assert_allclose(16 * np.asarray(data.inputs), pixels)
    np.testing.assert_array_equal(data.labels, labels)
    assert data.n_classes == 10 and data.to_config() == {"type": "Digits"} and len(data) == 1797


def test_without_scikit_learn_it_says_how_to_get_it(monkeypatch):
    import sys

    from alberta_framework.streams.labelled_data import digits

    digits._loaded.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"pip install 'alberta_framework\[digits\]'"):
        af.Digits()


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


PIXELS = np.arange(3 * 784, dtype=np.int64).reshape(3, 28, 28) % 256


@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 784), (3, 28, 28, 1)])
def test_mnist_is_read_from_a_file(shape, tmp_path):
    path = saved(
        tmp_path / "mnist.npz", x_train=np.uint8(PIXELS.reshape(shape)), y_train=np.uint8([3, 0, 9])
    )
    data = af.MNIST(path)
    np.testing.assert_allclose(data.inputs, PIXELS.reshape(3, 784) / 255, rtol=1e-6)
    np.testing.assert_array_equal(data.labels, [3, 0, 9])
    config = json.loads(json.dumps(data.to_config()))
    assert config == {"type": "MNIST", "path": str(path)}
    np.testing.assert_array_equal(af.from_config(config).inputs, data.inputs)
    stream = af.PermutedClassificationStream(data)
    again = af.from_config(json.loads(json.dumps(stream.to_config())))
    assert (
        (stream.feature_dim, stream.n_classes) == (again.feature_dim, again.n_classes) == (784, 10)
    )


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"x_train": PIXELS}, "must hold `y_train`, got x_train"),
        ({"a": PIXELS}, "must hold `x_train` and `y_train`, got a"),
        ({"x_train": PIXELS[:, :20], "y_train": [1, 2, 3]}, r"`x_train` \[N, 28, 28\]"),
        ({"x_train": PIXELS[:0], "y_train": []}, r"`x_train` \[N, 28, 28\]"),
        ({"x_train": PIXELS, "y_train": [1, 2]}, r"`y_train` \[3\], got int64\[2\]"),
        ({"x_train": PIXELS, "y_train": [1, 2, 10]}, "digits from 0 to 9"),
        ({"x_train": PIXELS + 1, "y_train": [1, 2, 3]}, "pixels from 0 to 255, got 1 to 256"),
        ({"x_train": PIXELS.astype(object), "y_train": [1, 2, 3]}, "arrays of NumPy, got Object"),
        ({"x_train": PIXELS.astype(str), "y_train": [1, 2, 3]}, r"`x_train` \[N, 28, 28\]"),
    ],
)
def test_a_wrong_file_of_mnist_is_explained(arrays, message, tmp_path):
    path = saved(tmp_path / "mnist.npz", **arrays)
    with pytest.raises(ValueError, match=f"MNIST: .*mnist.npz.* {message}"):
        af.MNIST(path)


def test_a_file_of_mnist_that_is_none_is_explained(tmp_path):
    with pytest.raises(ValueError, match=r"MNIST: `path` must be a file, got .*none\.npz', which"):
        af.MNIST(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ValueError, match=r"MNIST: .*text\.npz.* must hold arrays of NumPy"):
        af.MNIST(tmp_path / "text.npz")
    np.save(tmp_path / "one.npy", PIXELS)
    with pytest.raises(ValueError, match="got a single array"):
        af.MNIST(tmp_path / "one.npy")
