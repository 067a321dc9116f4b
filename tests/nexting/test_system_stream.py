"""Records of signals, and the machine that they are measured on; only the latter needs psutil."""

import subprocess
import sys

import numpy as np
import pytest

import alberta_framework as af


def test_a_record_is_kept_and_loaded(tmp_path):
    values = np.float32([[1.0, np.nan], [0.1, 3.0], [2.0, 5.0]])
    record = af.SignalRecord(("a", "b"), np.array([0.0, 0.1, 0.25]), values)
    af.save_record(record, tmp_path / "x.npz")
    again = af.load_record(tmp_path / "x.npz")
    assert again.names == record.names and again.dt == pytest.approx(0.125)
    np.testing.assert_array_equal(again.times, record.times)
    np.testing.assert_array_equal(again.values, values)
    np.savez(tmp_path / "y.npz", other=values)
    with pytest.raises(ValueError, match="holds no record of signals"):
        af.load_record(tmp_path / "y.npz")
    af.save_record(record._replace(names=("a",)), tmp_path / "z.npz")
    with pytest.raises(ValueError, match=r"`values` must have shape \(3, 1\)"):
        af.load_record(tmp_path / "z.npz")


def test_this_machine_is_measured():
    pytest.importorskip("psutil")
    stream = af.SystemStream(0.02)
    record = stream.record(5)
    assert record.names == stream.names and record.values.dtype == np.float32
    assert {"cpu0", "memory", "swap", "context_switches", "processes"} <= set(record.names)
    assert record.times[0] == 0.0 and np.all(np.diff(record.times) > 0)
    assert np.all(np.isfinite(record.values)) and np.all(record.values >= 0)
    percents = [i for i, name in enumerate(record.names) if name.startswith(("cpu", "memory"))]
    assert np.all(record.values[:, percents] <= 100.0 + 1e-3)
    assert record.values[-1, record.names.index("processes")] >= 1


@pytest.mark.parametrize("interval", [0.0, -1, np.nan, "fast"])
def test_an_interval_is_above_zero(interval):
    with pytest.raises(ValueError, match="`interval` must be above 0"):
        af.SystemStream(interval)


class Told:
    """What psutil tells, as a system would that has few counters."""

    def __init__(self):
        self.switches = iter([1000, 1100, 1050, 1250])

    def cpu_percent(self, percpu):
        return [10.0, 20.0]

    def getloadavg(self):
        raise OSError

    def virtual_memory(self):
        return type("Memory", (), {"available": 25, "total": 100})

    def swap_memory(self):
        return type("Swap", (), {"percent": 5.0})

    def disk_io_counters(self):
        return None

    def net_io_counters(self):
        raise RuntimeError

    def cpu_stats(self):
        return type("Stats", (), {"ctx_switches": next(self.switches)})

    def pids(self):
        return [1, 2, 3]


def test_what_a_system_does_not_tell_is_left_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", Told())
    stream = af.SystemStream(0.01)
    assert stream.names == ("cpu0", "cpu1", "memory", "swap", "context_switches", "processes")
    rows = stream.record(3).values
    np.testing.assert_array_equal(rows[:, [0, 1, 2, 3, 5]], [[10, 20, 75, 5, 3]] * 3)
    # A counter that went back has no rate.
    assert rows[1, 4] == 0.0 and rows[0, 4] > np.log(1000.0) and rows[2, 4] > rows[0, 4]


def test_without_psutil_it_says_which_extra_brings_it():
    code = (
        "import sys; sys.modules['psutil'] = None\n"
        "import alberta_framework as af\n"
        "try:\n    af.SystemStream()\n"
        "except ImportError as error:\n    print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "alberta_framework[system]" in ran.stdout
