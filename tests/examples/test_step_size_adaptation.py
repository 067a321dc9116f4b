"""The example of step-size adaptation, on a small run."""

import re


def test_it_prints_a_row_for_each_learner_and_draws_them(printed, tmp_path):
    form = r"^(\w+) +([\d.]+) +\[(-?[\d.]+), ([\d.]+)\] +([\d.]+) +([\d.e-]+)$"
    rows = re.findall(form, printed("step_size_adaptation"), re.MULTILINE)
    assert [name for name, *_ in rows] == ["LMS", "IDBD", "Autostep"]
    found = {name: [float(number) for number in numbers] for name, *numbers in rows}
    assert all(low <= mean <= high for mean, low, high, _, _ in found.values())
    assert found["LMS"][3:] == [0.035, 0.035]
    for name in ("IDBD", "Autostep"):
        relevant, irrelevant = found[name][3:]
        assert relevant > irrelevant
    assert (tmp_path / "step_size_adaptation.png").stat().st_size > 10_000
