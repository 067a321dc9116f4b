"""The example of a network that wears out, on a small run."""

import re
import runpy
import sys
from pathlib import Path

import matplotlib

EXAMPLE = Path(__file__).parents[2] / "examples" / "wearing_out.py"


def test_it_tells_both_networks_apart_and_draws_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), "--quick"])
    before = matplotlib.get_backend()
    matplotlib.use("agg")
    try:
        runpy.run_path(str(EXAMPLE), run_name="__main__")
    finally:
        matplotlib.use(before)
    pair = r" +([\d.]+) to +([\d.]+)"
    form = rf"^(backprop|continual backprop){pair}{pair}{pair} *(\d*)$"
    rows = re.findall(form, capsys.readouterr().out, re.MULTILINE)
    assert [row[0] for row in rows] == ["backprop", "continual backprop"]
    plain, kept = ([float(number) for number in row[1:7]] for row in rows)
    assert rows[0][7] == "" and int(rows[1][7]) > 0  # units made new
    assert kept[3] <= plain[3]  # dormant at the end
    assert (tmp_path / "wearing_out.png").stat().st_size > 10_000
