"""Every public class is abstract or final, and every component is a tree of numbers."""

import dataclasses
import importlib
import importlib.util
import inspect
import json
import pkgutil

import equinox as eqx
import jax
import numpy as np
import pytest

import alberta_framework as af


def modules():
    """Every module of the package but the programs of the command line."""
    for found in pkgutil.walk_packages(af.__path__, "alberta_framework."):
        if ".command_line" not in found.name:
            yield importlib.import_module(found.name)


def classes():
    """Every class of the package that is a Module, public or not, by its definition."""
    found = {
        cls
        for module in modules()
        for cls in vars(module).values()
        if inspect.isclass(cls) and issubclass(cls, eqx.Module)
        if cls.__module__.startswith("alberta_framework")
    }
    return sorted(found, key=lambda cls: cls.__qualname__)


def is_abstract(cls):
    return cls.__name__.lstrip("_").startswith("Abstract")


CLASSES = classes()
ABSTRACT = [cls for cls in CLASSES if is_abstract(cls)]
FINAL = [cls for cls in CLASSES if not is_abstract(cls)]


def name(cls):
    return cls.__name__


def test_the_classes_are_found():
    assert {af.AbstractOptimizer, af.AbstractBounder, af.AbstractNormalizer} <= set(ABSTRACT)
    assert {af.IDBD, af.IDBDState, af.LinearLearner, af.UpdateResult} <= set(FINAL)


@pytest.mark.parametrize("cls", ABSTRACT, ids=name)
def test_an_abstract_class_has_no_fields(cls):
    assert dataclasses.fields(cls) == ()


# In the base of all components and that of all states nothing is left to define.
BASES = (af.AbstractComponent, af.AbstractState)


@pytest.mark.parametrize("cls", [cls for cls in ABSTRACT if cls not in BASES], ids=name)
def test_an_abstract_class_has_no_instances(cls):
    with pytest.raises(TypeError, match="abstract"):
        cls()


@pytest.mark.parametrize("cls", FINAL, ids=name)
def test_a_final_class_has_no_subclasses(cls):
    ours = [sub for sub in cls.__subclasses__() if sub.__module__.startswith("alberta_framework")]
    assert ours == []


@pytest.mark.parametrize("cls", FINAL, ids=name)
def test_what_an_abstract_class_implements_is_overridden_nowhere(cls):
    for base in cls.__mro__[1:]:
        if base not in ABSTRACT:
            continue
        for attribute, value in vars(base).items():
            concrete = callable(value) or isinstance(value, property | classmethod | staticmethod)
            concrete = concrete and not getattr(value, "__isabstractmethod__", False)
            if concrete and not attribute.startswith("_"):
                assert attribute not in vars(cls), f"{attribute} of {base.__name__}"


@pytest.mark.parametrize("cls", [c for c in FINAL if name(c).endswith("State")], ids=name)
def test_a_state_is_a_state(cls):
    assert issubclass(cls, af.AbstractState)


def default_constructible(cls):
    if cls is af.Digits and importlib.util.find_spec("sklearn") is None:
        return False
    parameters = list(inspect.signature(cls).parameters.values())
    return all(
        p.default is not p.empty or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters
    )


COMPONENTS = [cls for cls in FINAL if issubclass(cls, af.AbstractComponent)]
WITH_DEFAULTS = [cls for cls in COMPONENTS if default_constructible(cls)]


def test_components_with_defaults_are_found():
    assert {af.LMS, af.Autostep, af.AGCBounding, af.EMANormalizer, af.LinearLearner} <= set(
        WITH_DEFAULTS
    )


@pytest.mark.parametrize("cls", WITH_DEFAULTS, ids=name)
def test_every_leaf_of_a_component_is_a_number(cls):
    for leaf in jax.tree.leaves(cls()):
        assert not isinstance(leaf, bool | str)
        assert isinstance(leaf, int | float | np.number | np.ndarray | jax.Array)


@pytest.mark.parametrize("cls", WITH_DEFAULTS, ids=name)
def test_every_component_is_an_argument_of_jit(cls):
    component = cls()
    returned = jax.jit(lambda c: c)(component)
    assert jax.tree.structure(returned) == jax.tree.structure(component)
    assert hash(jax.tree.structure(component)) == hash(jax.tree.structure(cls()))


@pytest.mark.parametrize("cls", WITH_DEFAULTS, ids=name)
def test_every_component_survives_the_trip_through_json(cls):
    component = cls()
    config = component.to_config()
    again = af.from_config(json.loads(json.dumps(config)))
    assert type(again) is cls
    assert bool(eqx.tree_equal(again, component))  # of arrays it is one too
    assert again.to_config() == config


@pytest.mark.parametrize("cls", WITH_DEFAULTS, ids=name)
def test_components_are_immutable(cls):
    component = cls()
    for field in dataclasses.fields(cls):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(component, field.name, None)


@pytest.mark.parametrize("public", sorted(n for n in dir(af) if not n.startswith("_")))
def test_public_classes_tell_what_they_are(public):
    value = getattr(af, public)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert inspect.getdoc(value)
