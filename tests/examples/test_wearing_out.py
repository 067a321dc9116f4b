"""The example of a network that wears out, on a small run."""

import re


def test_it_tells_both_networks_apart_and_draws_them(printed, tmp_path):
    pair = r" +([\d.]+) to +([\d.]+)"
    form = rf"^(backprop|continual backprop){pair}{pair}{pair} *(\d*)$"
    rows = re.findall(form, printed("wearing_out"), re.MULTILINE)
    assert [row[0] for row in rows] == ["backprop", "continual backprop"]
    plain, kept = ([float(number) for number in row[1:7]] for row in rows)
    assert rows[0][7] == "" and int(rows[1][7]) > 0  # units made new
    assert kept[3] <= plain[3]  # dormant at the end
    assert (tmp_path / "wearing_out.png").stat().st_size > 10_000
