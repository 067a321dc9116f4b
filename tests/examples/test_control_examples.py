"""The examples of Hordes and of control, on small runs."""

import re

import numpy as np
import pytest


def test_sarsa_on_cartpole(printed, tmp_path):
    out = printed("sarsa_cartpole")
    (mean, steps) = re.search(
        r"last 5 episodes: mean return ([\d.]+), ([\d,]+) steps", out
    ).groups()
    # Each step is worth 1.
    assert float(mean) == pytest.approx(int(steps.replace(",", "")) / 5, abs=0.05)
    assert (tmp_path / "sarsa_cartpole.png").stat().st_size > 10_000


def test_sarsa_on_the_mountain_car(printed, tmp_path):
    out = printed("sarsa_mountain_car")
    rows = re.findall(r"^Sarsa\((\S+)\) +(\S+) +(\S+) +(\S+) +(\d+)$", out, re.MULTILINE)
    assert [(row[0], row[1], row[4]) for row in rows] == [
        ("0", "0.5", "284"),
        ("0", "0.8", "247"),
        ("0", "1.0", "237"),
        ("0", "1.2", "231"),
        ("0", "1.5", "231"),
        ("0.9", "0.3", "215"),
    ]
    # A first episode is long, but the car gets there.
    assert all(100 < float(row[2]) < 10_000 for row in rows)
    assert (tmp_path / "sarsa_mountain_car.png").stat().st_size > 10_000


def test_a_horde_on_the_random_walk(printed):
    errors = re.findall(r"largest error ([\d.]+)", printed("horde_random_walk"))
    assert len(errors) == 4 and np.max([float(error) for error in errors]) < 0.05


def test_the_surface_of_stream_q(printed, tmp_path):
    out = printed("stream_q_surface")
    assert out.startswith("128 lives of 1,000 steps in")
    rows = re.findall(r"^kappa (\d), gamma (\S+) +(.+)$", out, re.MULTILINE)
    gammas = ["0.9", "0.97", "0.99", "0.997"]
    assert [row[:2] for row in rows] == [(k, gamma) for k in "1234" for gamma in gammas]
    means = np.float64([re.findall(r"(\S+) ±", row[2]) for row in rows])
    # An episode may last longer than the steps that are scored.
    assert means.shape == (16, 4) and np.mean(np.isnan(means)) < 0.2
    assert np.nanmin(means) >= 8 and np.nanmax(means) <= 500
    assert (tmp_path / "stream_q_surface.png").stat().st_size > 10_000
