"""What a configuration calls a class: its name, and where two have one name, each in full."""

import subprocess
import sys
import types

import pytest

import alberta_framework as af

SOURCE = """
import alberta_framework as af

class {name}(af.AbstractBounder):
    scale: float = {scale}

    def bound(self, steps, error, params):
        return steps, self.scale
"""


def package(name, kind, scale=1.0):
    """A class of that name from a module of that name."""
    module = types.ModuleType(name)
    exec(SOURCE.format(name=kind, scale=scale), vars(module))
    return vars(module)[kind]


def test_two_packages_may_define_one_name(own_components):
    one, two = package("one", "Half", 0.5), package("two.inner", "Half", 0.25)
    for cls, told in ((one, "one.Half"), (two, "two.inner.Half")):
        config = cls().to_config()
        assert config["type"] == told
        assert type(af.from_config(config)) is cls
        learner = af.MLPLearner((2,), bounder=cls())
        assert af.from_config(learner.to_config()) == learner
    with pytest.raises(ValueError, match=r"type 'Half' is one of several: write 'one\.Half' or"):
        af.from_config({"type": "Half"})


def test_a_name_that_is_used_once_is_short_and_may_be_written_in_full(own_components):
    cls = package("one", "Third")
    assert cls().to_config()["type"] == "Third"
    assert type(af.from_config({"type": "one.Third"})) is cls
    full = {"type": "alberta_framework.optimizers.lms.LMS"}
    assert af.from_config(full) == af.LMS()


def test_the_family_tells_classes_of_one_name_apart(own_components):
    cls = package("one", "LMS")
    assert type(af.bounder_from_config({"type": "LMS"})) is cls
    assert type(af.optimizer_from_config({"type": "LMS"})) is af.LMS
    with pytest.raises(
        ValueError, match=r"'alberta_framework\.optimizers\.lms\.LMS' or 'one\.LMS'"
    ):
        af.from_config({"type": "LMS"})
    assert af.from_config(af.LMS().to_config()) == af.LMS()


def test_a_cell_that_is_run_again_replaces_its_class(own_components):
    package("cells", "Again", 1.0)
    newer = package("cells", "Again", 2.0)
    assert type(af.from_config({"type": "Again"})) is newer


def test_an_unknown_name_lists_those_there_are(own_components):
    package("one", "Half"), package("two", "Half")
    with pytest.raises(ValueError, match=r"Unknown bounder type: 'Haf'\. .*one\.Half, two\.Half"):
        af.bounder_from_config({"type": "Haf"})


def test_a_name_does_not_depend_on_what_was_asked_for_before():
    """A class that is called as one of a room that is not loaded yet."""
    code = f"""
import alberta_framework as af
exec({SOURCE.format(name="HordeLearner", scale=1.0)!r}, own := {{"__name__": "mine"}})
print(own["HordeLearner"]().to_config()["type"])
try:
    af.from_config({{"type": "HordeLearner"}})
except ValueError as error:
    print(error)
"""
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert told.splitlines()[0] == "mine.HordeLearner"
    assert "'alberta_framework.horde.learner.HordeLearner' or 'mine.HordeLearner'" in told
