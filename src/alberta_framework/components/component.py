"""Components: Modules whose fields are their hyperparameters, and their configurations."""

import dataclasses
import difflib
import enum
import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
import jax
import numpy as np
from jaxtyping import AbstractArray

from .numbers import is_traced
from .strict_json import in_words, number_from, numbers_from
from .types import Hyperparameter


class AbstractComponent(eqx.Module):
    """Anything whose fields are its hyperparameters, and so are its configuration.

    Field metadata steers the configuration: `{"config": "omit_default"}` leaves a field out while
    it has its default, `"required"` demands it in a file although the constructor has a default,
    `"skip"` keeps it out. A final subclass, a user's own included, can be built from a
    configuration as soon as it is defined. The configuration names its class, as `"LMS"`; of two
    classes of one name each in full, as `"my_package.optimizers.LMS"`.
    """

    # Every final class by its full name: that of its module, and its own.
    _registry: ClassVar[dict[str, type]] = {}
    # What defines the components of rooms that are imported when first asked for.
    _late_rooms: ClassVar[list[Callable[[], Any]]] = []
    _config_view: ClassVar["ConfigView | None"] = None
    # False for a record whose class the place it stands in fixes: its configuration has no "type".
    _config_names_type: ClassVar[bool] = True
    # Of a family whose names are everyday words, so that a class of a user's own may have one too.
    _config_suffix: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.__name__.startswith("Abstract") or "[" in cls.__name__:
            return
        AbstractComponent._registry[_full_name(cls)] = cls

    def __repr__(self) -> str:
        """The class, and the fields that differ from the constructor's defaults."""
        defaults, told = _defaults(type(self)), []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            # A constructor written by hand may say None for what the field has by default.
            usual = field.default, defaults.get(field.name, dataclasses.MISSING)
            if field.repr and not any(_is_default(value, default) for default in usual):
                told.append(f"{field.name}={_told(value)}")
        return f"{type(self).__name__}({', '.join(told)})"

    def to_config(self) -> dict[str, Any]:
        """The configuration as JSON types: `"type"` and the constructor's arguments by name.

        JSON has no number that is not finite; the words `"Infinity"`, `"-Infinity"` and `"NaN"`
        stand for them, here and in what `from_config` reads, where a number is expected.

        **Raises:** `TypeError` naming the path of a value that is traced or batched.
        """
        return _typed(self) | _fields_to_config(self, "")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The component that `config` describes; `from_config(c.to_config())` equals `c`.

        On a final class `"type"` may be missing. The given mapping is not changed.

        **Raises:** `ValueError` naming the path of an unknown type or key, a missing key, or a
        value of the wrong kind or range.
        """
        return component_from_config(config, (cls,))


def _is_default(value: Any, default: Any) -> bool:
    if value is default:
        return True
    if isinstance(value, eqx.Module):
        traced = any(map(is_traced, jax.tree.leaves(value)))
        return not traced and bool(eqx.tree_equal(value, default))
    kinds = bool | int | float | str | tuple | enum.Enum
    return isinstance(value, kinds) and isinstance(default, kinds) and value == default


def _told(value: Any) -> str:
    """A value in one line; arrays by dtype and shape, and a single number by itself."""
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        number = np.ndim(value) == 0 and not is_traced(value) and value.dtype.kind in "biuf"
        return f"{np.asarray(value).item():g}" if number else eqx.tree_pformat(value)
    return repr(value)


class ConfigView(NamedTuple):
    """The configuration of a class that is built from other arguments than it stores.

    `key` names the one argument, a property of the class; `annotation` its type; `build` makes the
    component from it.
    """

    key: str
    annotation: Any
    build: Callable[[Any], Any]


def from_config(config: Mapping[str, Any]) -> Any:
    """The component, of whatever family, that `config["type"]` names.

    **Raises:** `ValueError` naming the path of an unknown type or key, a missing key, or a value
    of the wrong kind or range.
    """
    return component_from_config(config, (AbstractComponent,))


def component_from_config(
    config: Any, families: tuple[type, ...], family: str | None = None, path: str = ""
) -> Any:
    """Build a component of one of `families`; `family` is its name in error messages."""
    where = f"{path}: " if path else ""
    family = family or families[0].__name__.removeprefix("Abstract").lower()
    if not isinstance(config, Mapping):
        raise ValueError(f"{where}the {family} config must be a mapping, got {config!r}.")
    if not isinstance(config.get("type", ""), str):
        raise ValueError(f"{where}Unknown {family} type: {config['type']!r}. It must be a string.")
    kind = config.get("type")
    if kind is not None:
        found = _called(kind, families)
    elif families[0] in AbstractComponent._registry.values():
        found = [families[0]]
    else:
        raise ValueError(f'{where}the {family} config needs the key "type"; got {sorted(config)}.')
    if not found:
        public = [c for c in _known(families) if not _short(c).startswith("_")]
        known = {name for c in public for name in (_short(c), _name_of(c))}
        raise ValueError(
            f"{where}Unknown {family} type: {kind!r}. {_valid(kind, known)} A class of your own is "
            "known once its module is imported (commands: `--import MODULE`)."
        )
    if len(found) > 1:
        told = " or ".join(repr(name) for name in sorted(map(_full_name, found)))
        raise ValueError(f"{where}the {family} type {kind!r} is one of several: write {told}.")
    return _built(found[0], {k: v for k, v in config.items() if k != "type"}, path)


def _full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _known(families: tuple[type, ...]) -> list[Any]:
    return [c for c in AbstractComponent._registry.values() if issubclass(c, families)]


def _called(name: str, families: tuple[type, ...]) -> list[Any]:
    """The classes of these families that a configuration calls `name`, in full or in short.

    What a name means does not depend on which rooms of the library were asked for before: where it
    is not the library's alone, all of them are loaded.
    """

    def found() -> list[Any]:
        return [c for c in _known(families) if name in (_short(c), _full_name(c))]

    library = __name__.split(".")[0]
    if not any(c.__module__.split(".")[0] == library for c in found()):
        for load in AbstractComponent._late_rooms:
            load()
    return found()


def _name_of(cls: Any) -> str:
    """What a configuration calls the class: its name, in full where another has it too."""
    alone = _called(_short(cls), (AbstractComponent,)) == [cls]
    return _short(cls) if alone else _full_name(cls)


def _short(cls: Any) -> str:
    return cls.__name__ + cls._config_suffix


class _ConfigField(NamedTuple):
    annotation: Any
    mode: str | None = None  # "required", "omit_default"
    splice: str | None = None  # stands for this one key of the value's own configuration


def _config_fields(cls: type) -> dict[str, _ConfigField]:
    if cls._config_view is not None:
        return {cls._config_view.key: _ConfigField(cls._config_view.annotation)}
    return {
        f.name: _ConfigField(f.type, f.metadata.get("config"), f.metadata.get("config_splice"))
        for f in dataclasses.fields(cls)
        if f.metadata.get("config") != "skip"
    }


def _typed(component: AbstractComponent) -> dict[str, Any]:
    return {"type": _name_of(type(component))} if component._config_names_type else {}


def _defaults(cls: type) -> dict[str, Any]:
    """The constructor's defaults, whether it is generated or written by hand."""
    parameters = inspect.signature(cls.__init__).parameters
    return {n: p.default for n, p in parameters.items() if p.default is not p.empty}


def _fields_to_config(component: Any, path: str) -> dict[str, Any]:
    config, defaults = {}, _defaults(type(component))
    for name, field in _config_fields(type(component)).items():
        value = getattr(component, name)
        if _is_array(field.annotation):
            value = _nested_list(field.annotation, value, f"{path}{name}")
        value = _plain(value, f"{path}{name}")
        if field.mode == "omit_default" and value == defaults.get(name):
            continue
        value = value[field.splice] if field.splice and value is not None else value
        config[name] = in_words(value)
    return config


def _plain(value: Any, path: str) -> Any:
    if isinstance(value, AbstractComponent):
        return _typed(value) | _fields_to_config(value, f"{path}.")
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_plain(v, f"{path}[{i}]") for i, v in enumerate(value)]
    if is_traced(value):
        raise TypeError(f"A config needs plain scalars; `{path}` is traced: {value}.")
    if isinstance(value, np.ndarray | jax.Array):
        if value.ndim == 0:
            return value.item()
        raise TypeError(
            f"A config needs plain scalars; `{path}` has shape {value.shape}. Take one lane first."
        )
    raise TypeError(f"A config needs plain values; `{path}` is {value!r}.")


def _is_array(annotation: Any) -> bool:
    """Whether a field is an array by nature, not a number that a vmap has batched."""
    if _without_none(annotation) == Hyperparameter:
        return False
    choices = typing.get_args(annotation) or (annotation,)
    return any(isinstance(c, type) and issubclass(c, AbstractArray) for c in choices)


def _without_none(annotation: Any) -> Any:
    """The rest of a union with None; a union itself where it is one of several kinds."""
    choices = typing.get_args(annotation)
    if type(None) not in choices:
        return annotation
    return typing.Union[tuple(c for c in choices if c is not type(None))]  # noqa: UP007


def _nested_list(annotation: Any, value: Any, path: str) -> Any:
    if value is None:
        return None
    choices = typing.get_args(annotation) or (annotation,)
    axes = next(c.dim_str.split() for c in choices if issubclass(c, AbstractArray))
    if "..." not in axes and np.ndim(value) != len(axes):
        raise TypeError(
            f"A config needs one lane; `{path}` has shape {np.shape(value)}. Take one lane first."
        )
    if is_traced(value):
        raise TypeError(f"A config needs concrete arrays; `{path}` is traced: {value}.")
    return np.asarray(value).tolist()


def _valid(offender: Any, valid: typing.Iterable[str]) -> str:
    names = sorted(valid)
    near = difflib.get_close_matches(str(offender), names, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known: {', '.join(names)}."


def _built(cls: type, config: dict[str, Any], path: str) -> Any:
    where = path or cls.__name__
    fields = _config_fields(cls)
    for key in config:
        if key not in fields:
            raise ValueError(f"{where}: unknown key {key!r}. {_valid(key, fields)}")
    defaults = _defaults(cls)
    for name, field in fields.items():
        required = name not in defaults or field.mode == "required"
        if name not in config and required:
            raise ValueError(f"{where}: missing key {name!r}. Known: {', '.join(sorted(fields))}.")
    inner = f"{path}." if path else ""
    arguments = {}
    for key, value in config.items():
        splice = fields[key].splice
        given = {splice: value} if splice and value is not None else value
        arguments[key] = _read(fields[key].annotation, given, f"{inner}{key}")
    try:
        return cls(**arguments) if cls._config_view is None else cls._config_view.build(**arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}" if path else str(error)) from error


def _read(annotation: Any, value: Any, path: str) -> Any:
    """The constructor argument that the JSON `value` of a field stands for."""
    kind = type(value).__name__
    if annotation == Hyperparameter or annotation is float:
        value = number_from(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{path}: must be a number, got {kind} {value!r}.")
        if isinstance(value, float) and math.isnan(value):
            raise ValueError(f"{path}: must be a number, got nan.")
        return value
    origin = typing.get_origin(annotation) or annotation
    choices = typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union):
        if type(None) not in choices:
            return _read_one_of(choices, value, path)
        return None if value is None else _read(_without_none(annotation), value, path)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{path}: must be a list, got {kind} {value!r}.")
        return tuple(_read(choices[0], v, f"{path}[{i}]") for i, v in enumerate(value))
    if _is_array(annotation):
        try:
            return None if value is None else np.asarray(numbers_from(value), np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"{path}: must be a nested list of numbers, got {value!r}.") from None
    if isinstance(origin, type) and issubclass(origin, AbstractComponent):
        return component_from_config(value, (origin,), path=path)
    if isinstance(origin, type) and issubclass(origin, enum.Enum):
        try:
            return origin(value)
        except ValueError:
            allowed = [choice.value for choice in origin]
            raise ValueError(f"{path}: must be one of {allowed}, got {value!r}.") from None
    if origin in (int, bool, str) and type(value) is not origin:
        raise ValueError(f"{path}: must be {origin.__name__}, got {kind} {value!r}.")
    if origin is typing.Any and isinstance(value, Mapping):
        return component_from_config(value, (AbstractComponent,), path=path)
    return number_from(value) if origin is typing.Any else value


def _read_one_of(kinds: tuple[Any, ...], value: Any, path: str) -> Any:
    """`_read` of a field that holds one of several kinds: a list stands for the one that is a
    tuple, a mapping for a component of any family among them."""
    for kind in kinds:
        if isinstance(value, list | tuple) and typing.get_origin(kind) is tuple:
            return _read(kind, value, path)
    families = [k for k in kinds if isinstance(k, type) and issubclass(k, AbstractComponent)]
    if families:
        names = (re.sub("(?<=[a-z])(?=[A-Z])", " ", k.__name__) for k in families)
        told = " or ".join(name.removeprefix("Abstract ").lower() for name in names)
        return component_from_config(value, tuple(families), told, path)
    return _read(kinds[0], value, path)
