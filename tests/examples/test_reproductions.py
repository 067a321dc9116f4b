"""The scripts of published results: small runs of those that are quick, within their bands."""

import importlib
import pathlib
import sys

import numpy as np
import pytest

import alberta_framework as af

FOLDER = pathlib.Path(__file__).parents[2] / "examples" / "reproductions"


@pytest.fixture(scope="module")
def scripts():
    """The modules of the folder by name."""
    sys.path.insert(0, str(FOLDER))
    try:
        names = [path.stem for path in FOLDER.glob("*.py")]
        yield {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(FOLDER))


def test_the_page_holds_every_script(scripts):
    built = {*scripts["build_page"].SCRIPTS, *scripts["build_page"].LONG}
    assert built == {f"{name}.py" for name in scripts} - {"build_page.py", "section.py"}


def test_a_section_tells_ours_beside_the_published(scripts):
    section = scripts["section"]
    found = section.of_values("error", "3.5", [3.0, 3.2, 3.4], band=(3.1, 3.6))
    low, high = found.low, found.high
    assert found.agrees
    assert found.row() == f"| error | 3.5 | 3.2 | [{low:.4g}, {high:.4g}] | 3.1 to 3.6 | yes |"
    off = section.Figure("error", "3.5", 3.0, 2.9, 3.1, (3.1, 3.6))
    assert off.agrees is False
    assert "**no**" in off.row()
    page = section.Section("Title", "text", (found, off), "verdict", "p.png").markdown("s.py")
    assert page.startswith("## Title\n")
    assert "![Title](images/reproductions/p.png)" in page


def test_tidbd_beats_fixed_step_sizes_and_tells_noise_from_states(scripts, monkeypatch):
    kearney = scripts["kearney2019"]
    for name, value in (("SEEDS", 4), ("STEPS", 8_000), ("FLIP", 2_000)):
        monkeypatch.setattr(kearney, name, value)
    found, _ = kearney.reproduce()
    ours = {figure.quantity.split(", best")[0]: figure.ours for figure in found.figures}
    assert ours["TIDBD(0)"] < ours["TD(0), fixed"]
    assert ours["TIDBD(0.8)"] < ours["TD(0.8), fixed"]
    assert ours["TIDBD(0): step size of states over that of noise"] > 5.0


def test_sections_of_scripts_that_are_not_run_stay_on_the_page(scripts):
    section = scripts["section"]
    parts = {
        f"{name}.py": section.Section(name, "text\n\n### less", (), "verdict", "p.png")
        for name in ("one", "other")
    }
    printed = {script: part.markdown(script) for script, part in parts.items()}
    page = "\n".join(["# Reproductions\n", *printed.values()])
    found = scripts["build_page"].sections_of(page)
    assert {script: text.rstrip() for script, text in found.items()} == {
        script: text.rstrip() for script, text in printed.items()
    }
    assert "| quantity |" not in page  # a section without figures has no table of them


def test_a_section_that_was_printed_before_takes_its_place_on_the_page(
    scripts, monkeypatch, tmp_path
):
    build, section = scripts["build_page"], scripts["section"]

    def printed(text, script):
        return section.Section(text, text, (), "verdict", "p.png").markdown(script)

    (tmp_path / "reproductions.md").write_text(
        f"# Old\n\n{printed('first', build.SCRIPTS[0])}\n{printed('old', build.LONG[0])}"
    )
    (tmp_path / "new.md").write_text(printed("new", build.LONG[0]))
    monkeypatch.setattr(build, "DOCS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["build_page.py", "--printed", str(tmp_path / "new.md")])
    build.main()
    page = (tmp_path / "reproductions.md").read_text()
    assert page.startswith(build.HEAD)
    assert [line for line in page.splitlines() if line.startswith("## ")] == ["## first", "## new"]


def test_the_table_goes_on_from_where_it_was_stopped(scripts, monkeypatch, tmp_path):
    table = scripts["stream_table"]
    monkeypatch.setattr(table, "KEPT", tmp_path)
    study = table.study_of(("CartPole",), 2, 300)
    few = {n: a for n, a in study.agents.items() if n == "StreamQ, ObGD"}
    few = af.ControlStudy("few", study.environments, few, 300, study.variants, seeds=2)
    found, figure = table.told(few, "Title", "two seeds", "few.png")
    page = found.markdown("stream_table.py")
    cells = [line for line in page.splitlines() if line.startswith("| CartPole, ")]
    # The reference, two rules, and the difference between them.
    assert len(cells) == 4 and "Bit-identical until the first episode that is cut" in page
    assert len(figure.axes) == 2 and not (tmp_path / "few").exists()


def test_the_rows_of_cartpole_are_those_that_are_published(scripts, monkeypatch):
    cartpole = scripts["cartpole_streaming"]
    rows = cartpole.agents()
    assert list(rows) == list(cartpole.PUBLISHED)
    for name, agent in rows.items():
        assert agent.agent.bootstrap_on_truncation is name.endswith("bootstrapping")
        assert agent.agent.lamda == (0.0 if name == "StreamAC(0)" else 0.8)
        assert [type(part).__name__ for part in agent.features.parts] == [
            "RewardScaler",
            "ObservationNormalizer",
            "TimeFeature",
        ]


def test_the_random_walk_at_lambda_zero(scripts):
    walk = scripts["random_walk"]
    import jax

    keys = jax.random.split(jax.random.key(0), 300)
    errors = walk.errors_after_episodes(af.LinearTD, 0.82, 0.0, keys)
    # 300 seeds: the standard error is 0.001.
    np.testing.assert_allclose(np.mean(errors), 0.346, atol=0.005)


def test_slowly_changing_regression_begins_from_he_s_weights_and_is_learned(scripts):
    dohare = scripts["dohare2024"]
    assert {name for name, _ in dohare.PUBLISHED} == set(dohare.LEARNERS)
    learner = dohare.LEARNERS["backprop, step size 0.01"]
    state, _ = dohare.begun(learner, af.SlowlyChangingRegressionStream(), 5)
    for weights, fan_in in zip(state.params.weights, (20, 5), strict=True):
        bound = (6 / fan_in) ** 0.5
        assert 0.8 * bound < np.max(np.abs(weights)) <= bound
    # The first 10,000 steps, before any slow bit changes.
    found = dohare.errors(learner, "all", 5, 10_000)
    assert found.shape == (5, dohare.BLOCKS)
    assert np.mean(found[:, -1]) < 0.8 * np.mean(found[:, 0])


def test_the_grid_of_forgetting_is_that_of_the_table(scripts, monkeypatch):
    """A few seeds and a fifth of the steps: what is learned of decays shows already."""
    ramesh = scripts["ramesh2026"]
    for name, value in (("SEEDS", 16), ("STEPS", 6_000), ("LAST", 2_000), ("LOG_DECAYS", (-2.3,))):
        monkeypatch.setattr(ramesh, name, value)
    monkeypatch.setattr(ramesh, "META", (0.01,))
    monkeypatch.setattr(ramesh, "SENSITIVITY", ((1.265,),))
    monkeypatch.setattr(ramesh, "GRID", {(-2.3, 0.01): ramesh.GRID[-2.3, 0.01]})
    found, figure = ramesh.reproduce()
    ours = {figure.quantity: figure.ours for figure in found.figures}
    assert ours["FADE, defaults"] < ours["IDBD, meta step size 0.0075"] - 0.1
    stable = {name: error for name, error in ours.items() if name.startswith("stable too")}
    assert min(stable, key=stable.get).startswith("stable too: FADE")
    assert len(figure.axes) == 2


def test_every_built_in_experiment_of_a_script_is_there(scripts):
    for name in ("sutton1992-experiment-1", "sutton1992-experiment-2", "scale-shift"):
        assert isinstance(
            af.comparison_from_config(scripts["section"].built_in(name), name), af.Comparison
        )


def test_differential_agents_let_in_whom_it_pays_to_let_in(scripts, monkeypatch):
    """A twentieth of the steps takes them most of the way."""
    queue = scripts["access_control"]
    for name, value in (("SEEDS", 4), ("STEPS", 100_000), ("WINDOW", 10_000)):
        monkeypatch.setattr(queue, name, value)
    found, figure = queue.reproduce()
    earned = [figure.ours for figure in found.figures if "reward rate" in figure.quantity]
    assert len(earned) == 2 and all(2.55 < rate < queue.BEST_EXPLORING for rate in earned)
    assert len(figure.axes) == 2


def test_permuted_digits_are_learned_and_each_method_has_two_figures(scripts, monkeypatch):
    pytest.importorskip("sklearn")
    digits = scripts["permuted_digits"]
    few = {name: digits.METHODS[name] for name in ("none", "L2Init(0.01, 0.01)")}
    for name, value in {"SEEDS": 2, "STEPS": 3_000, "TASK": 1_000, "METHODS": few}.items():
        monkeypatch.setattr(digits, name, value)
    found, picture = digits.reproduce()
    assert len(found.figures) == 2 * 2 * len(few)
    last = [figure.ours for figure in found.figures if "last" in figure.quantity]
    assert min(last) > 0.6 and max(last) < 0.99
    assert len(picture.axes) == 2
