"""Files of hours and days stay while newer saves replace one another."""

import datetime

import jax.numpy as jnp
import numpy as np
import pytest

from alberta_framework.checkpoints import list_checkpoints, load_checkpoint, pinned, save_checkpoint


class Clock(datetime.datetime):
    moment = datetime.datetime(2030, 1, 31, 22, 10, tzinfo=datetime.UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.moment


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(pinned.datetime, "datetime", Clock)
    monkeypatch.setattr(Clock, "moment", Clock.moment)
    return Clock


@pytest.mark.parametrize("links", [True, False])
def test_the_first_of_each_hour_and_day_is_kept(links, clock, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError("no links here")

    if not links:
        monkeypatch.setattr(pinned.os, "link", refuse)
    path = tmp_path / "agent.ckpt"
    for half_hour in range(60):
        save_checkpoint({"x": jnp.float32(half_hour)}, path, keep_hourly=3, keep_daily=2)
        clock.moment += datetime.timedelta(minutes=30)

    def saved(name):
        return float(load_checkpoint({"x": jnp.float32(0)}, tmp_path / name)[0]["x"])

    names = sorted(file.name for file in tmp_path.iterdir())
    hours = [f"agent.ckpt.hour-20300202T{hour:02}" for hour in (1, 2, 3)]
    assert names == ["agent.ckpt", "agent.ckpt.day-20300201", "agent.ckpt.day-20300202", *hours]
    assert [saved(name) for name in hours] == [54.0, 56.0, 58.0]
    assert [saved(name) for name in names[:3]] == [59.0, 4.0, 52.0]
    found = [saved(file) for file in list_checkpoints(path)]
    assert found == [59.0, 58.0, 56.0, 54.0, 52.0, 4.0]
    path.write_bytes(b"")
    with pytest.warns(UserWarning, match="loaded"):
        state, _ = load_checkpoint({"x": jnp.float32(0)}, path, fallback=True)
    np.testing.assert_array_equal(state["x"], 58.0)


@pytest.mark.parametrize("argument", ["keep_hourly", "keep_daily"])
def test_what_is_no_count_is_named(argument, tmp_path):
    for wrong in (-1, 1.5, True):
        with pytest.raises((TypeError, ValueError), match=f"`{argument}`"):
            save_checkpoint({"x": jnp.zeros(1)}, tmp_path / "a", **{argument: wrong})
