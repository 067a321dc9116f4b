"""Reads the golden files and compares with them; `golden/README.md` describes layout and rules."""

import dataclasses
import functools
import json
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).parent / "golden"


@functools.cache
def _file(name):
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def manifest(name):
    """What the file says of itself: a list of cases for `optimizers`, else a dictionary."""
    arrays = _file(name)
    return json.loads(str(arrays.get("__manifest__", arrays.get("manifest"))))


@dataclasses.dataclass(frozen=True)
class GoldenCase:
    """One case: its manifest entry and its arrays by field name."""

    file: str
    about: dict

    @property
    def name(self):
        return self.about["case"]

    def __getitem__(self, field):
        return _file(self.file)[f"{self.name}/{field}"]

    def other(self, path):
        """An array which several cases share."""
        return _file(self.file)[path]

    @functools.cached_property
    def fields(self):
        start = f"{self.name}/"
        return [key.removeprefix(start) for key in _file(self.file) if key.startswith(start)]

    def starting(self, prefix):
        """The fields that start with `prefix`, without it, as a dictionary of arrays."""
        return {f.removeprefix(prefix): self[f] for f in self.fields if f.startswith(prefix)}


def cases(file, kind):
    """Every case of one kind."""
    entries = manifest(file)
    entries = entries["cases"] if isinstance(entries, dict) else entries
    return [GoldenCase(file, about) for about in entries if about["kind"] == kind]


def steps_within_bounds(case):
    """The steps before the reference breaks a bound of its own, by lifting step sizes above it.

    Its Autostep and AutoTIDBD clip step sizes from below after they divide them by the overshoot.
    """
    about = case.about
    if about["cls"] == "Autostep" and about["kind"] == "optimizer.update":
        alphas, squares = case["state.step_sizes"], np.float64(case["observations"]) ** 2
        effective = (alphas * squares).sum(axis=1) + case["state.bias_step_size"]
    elif about["cls"] == "Autostep":
        products = case["state.step_sizes"] * np.float64(case["gradients"]) ** 2
        effective = products.reshape(len(products), -1).sum(axis=1)
    elif about["cls"] == "AutoTDIDBD":
        gammas = np.float64(case["gammas"])[:, None]
        u = np.where(gammas == 0.0, 0.0, gammas * case["next_observations"]) - case["observations"]
        traces = case["state.eligibility_traces"]
        before = np.concatenate([np.zeros_like(traces[:1]), traces[:-1]])
        effective = -(np.exp(case["state.log_step_sizes"]) * u * before).sum(axis=1)
    else:
        return slice(None)
    broken = np.flatnonzero(effective > 1 + 1e-5)
    return slice(None, broken[0] if len(broken) else None)


def assert_every_step_close(ours, golden, *, name, factor=1.0):
    """The rule of `optimizers.npz`: 1e-4 of the value and 2e-5 of the field's size at this step.

    The size is the largest magnitude over the elements of the field at this step and the one
    before. A float64 evaluation of the equations stays below 0.35 of this bound.
    """
    ours, golden = np.asarray(ours, np.float64), np.asarray(golden, np.float64)
    assert ours.shape == golden.shape, f"{name}: {ours.shape} against {golden.shape}"
    steps = len(golden)
    now = np.abs(golden).reshape(steps, -1).max(axis=1)
    size = np.maximum(now, np.concatenate([now[:1], now[:-1]])).reshape(-1, *[1] * (ours.ndim - 1))
    bound = factor * (1e-4 * np.abs(golden) + 2e-5 * size)
    excess = np.abs(ours - golden) - bound
    worst = np.unravel_index(np.argmax(excess), excess.shape)
    assert np.all(excess <= 0), f"{name} at {worst}: {ours[worst]} against {golden[worst]}"


def assert_close(ours, golden, *, name, relative=1e-4, absolute=2e-5):
    """The rule of `learners.npz`; NaN where the golden value is NaN."""
    np.testing.assert_allclose(
        np.asarray(ours, np.float64),
        np.asarray(golden, np.float64),
        rtol=relative,
        atol=absolute,
        equal_nan=True,
        err_msg=name,
    )
