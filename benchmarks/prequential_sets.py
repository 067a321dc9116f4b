"""The data sets that River, scikit-learn and statsmodels bring along, as events of named fields.

Nothing is downloaded. The rules, the same for every set:

- The order is that of the package, but of `iris`, `wine` and `linnerud`, whose files are sorted by
  class or person; they are shuffled once.
- A field is what the package gives: a number, or a text, which is a category. A date is its year, a
  number with its fraction, and its month, or its weekday and hour, as categories.
- The target is one column, the other columns of its row are the event; numbers of persons are left
  out, and so are rows with something missing.
"""

import random
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Event = dict[str, float | int | str]
Rows = Iterable[tuple[Event, Any]]


class DataSet(NamedTuple):
    """Events and their targets in order: numbers for regression, numbers of classes otherwise."""

    name: str
    source: str
    target: str
    events: list[Event]
    targets: list[float] | list[int]
    n_classes: int | None

    @property
    def size(self) -> int:
        return len(self.events)


class Loader(NamedTuple):
    source: str
    target: str
    rows: Callable[[], Rows]


def _river(name: str, change: Callable[[Event, Any], tuple[Event, Any]] | None = None):
    def rows() -> Rows:
        from river import datasets

        found = getattr(datasets, name)()
        return found if change is None else (change(dict(x), y) for x, y in found)

    return rows


def _year(date) -> float:
    return date.year + (date.timetuple().tm_yday - 1) / 366


def _of_month(x: Event, y: Any) -> tuple[Event, Any]:
    date = x.pop("month")
    return {"year": _year(date), "month": f"{date:%b}"}, y


def _of_hour(x: Event, y: Any) -> tuple[Event, Any]:
    date = x.pop("Time")
    return {"weekday": f"{date:%a}", "hour": f"{date:%H}"}, y


def _frame(name: str):
    import importlib

    return importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data


def _columns(name: str, target: str, without: tuple[str, ...] = ()):
    """The other columns of a table of statsmodels."""

    def rows() -> Rows:
        table = _frame(name).drop(columns=list(without)).dropna()
        for row in table.to_dict("records"):
            y = row.pop(target)
            yield row, y

    return rows


def _star98() -> Rows:
    for row in _frame("star98").to_dict("records"):
        above, below = row.pop("NABOVE"), row.pop("NBELOW")
        yield row, above / (above + below)


def _co2() -> Rows:
    for date, value in _frame("co2")["co2"].dropna().items():
        yield {"year": _year(date), "month": f"{date:%b}"}, value


def _elnino() -> Rows:
    for row in _frame("elnino").to_dict("records"):
        year = row.pop("YEAR")
        yield from (({"year": year, "month": month}, value) for month, value in row.items())


def _fertility() -> Rows:
    years = _frame("fertility").loc[:, "1960":"2011"].dropna()
    for row in years.to_dict("records"):
        y = row.pop("2011")
        yield row, y


def _scikit_learn(name: str, column: int | None = None, shuffled: bool = False):
    def rows() -> Rows:
        from sklearn import datasets

        raw = {"scaled": False} if name == "diabetes" else {}
        found = getattr(datasets, f"load_{name}")(**raw)
        targets = found.target if column is None else found.target[:, column]
        names = [str(one) for one in found.feature_names]
        pairs = [
            (dict(zip(names, x, strict=True)), y)
            for x, y in zip(found.data.tolist(), targets.tolist(), strict=True)
        ]
        if shuffled:
            random.Random(0).shuffle(pairs)
        return pairs

    return rows


def _of_statsmodels(tables: dict[str, tuple[str, str]]) -> dict[str, Loader]:
    return {
        name: Loader("statsmodels", target, _columns(table, target))
        for name, (table, target) in tables.items()
    }


REGRESSION: dict[str, Loader] = {
    "AirlinePassengers": Loader("river", "passengers", _river("AirlinePassengers", _of_month)),
    "ChickWeights": Loader("river", "weight", _river("ChickWeights")),
    "SP500Stocks": Loader("river", "SP500", _river("SP500Stocks")),
    "SolarFlare": Loader(
        "river", "c-class-flares", _river("SolarFlare", lambda x, y: (x, y["c-class-flares"]))
    ),
    "TrumpApproval": Loader("river", "five_thirty_eight", _river("TrumpApproval")),
    "WaterFlow": Loader("river", "Flow", _river("WaterFlow", _of_hour)),
    "diabetes": Loader("scikit-learn", "progression", _scikit_learn("diabetes")),
    "linnerud": Loader("scikit-learn", "weight", _scikit_learn("linnerud", 0, shuffled=True)),
    "co2": Loader("statsmodels", "co2", _co2),
    "elnino": Loader("statsmodels", "temperature", _elnino),
    "fertility": Loader("statsmodels", "2011", _fertility),
    "star98": Loader("statsmodels", "share above the median", _star98),
    **_of_statsmodels(
        {
            "cancer": ("cancer", "cancer"),
            "ccard": ("ccard", "AVGEXP"),
            "committee": ("committee", "BILLS104"),
            "copper": ("copper", "WORLDCONSUMPTION"),
            "cpunish": ("cpunish", "EXECUTIONS"),
            "danish": ("danish_data", "lrm"),
            "engel": ("engel", "foodexp"),
            "fair": ("fair", "affairs"),
            "grunfeld": ("grunfeld", "invest"),
            "heart": ("heart", "survival"),
            "infl": ("macrodata", "infl"),
            "interest": ("interest_inflation", "R"),
            "longley": ("longley", "TOTEMP"),
            "nile": ("nile", "volume"),
            "randhie": ("randhie", "mdvis"),
            "realgdp": ("macrodata", "realgdp"),
            "scotland": ("scotland", "YES"),
            "stackloss": ("stackloss", "STACKLOSS"),
            "statecrime": ("statecrime", "murder"),
            "strikes": ("strikes", "duration"),
            "sunspots": ("sunspots", "SUNACTIVITY"),
            "unemp": ("macrodata", "unemp"),
        }
    ),
}
CLASSIFICATION: dict[str, Loader] = {
    "Bananas": Loader("river", "class", _river("Bananas")),
    "ImageSegments": Loader("river", "category", _river("ImageSegments")),
    "Phishing": Loader("river", "is_phishing", _river("Phishing")),
    "Shuttle": Loader("river", "anomaly", _river("Shuttle")),
    "Yeast": Loader("river", "Class2", _river("Yeast", lambda x, y: (x, y["Class2"]))),
    "breast_cancer": Loader("scikit-learn", "benign", _scikit_learn("breast_cancer")),
    "digits": Loader("scikit-learn", "digit", _scikit_learn("digits")),
    "iris": Loader("scikit-learn", "species", _scikit_learn("iris", shuffled=True)),
    "wine": Loader("scikit-learn", "cultivar", _scikit_learn("wine", shuffled=True)),
    "modechoice": Loader(
        "statsmodels", "choice", _columns("modechoice", "choice", without=("individual",))
    ),
    **_of_statsmodels(
        {
            "party": ("anes96", "PID"),
            "spector": ("spector", "GRADE"),
            "vote": ("anes96", "vote"),
        }
    ),
}
LOADERS = {"regression": REGRESSION, "classification": CLASSIFICATION}


def loaded(task: str, name: str) -> DataSet:
    """The events of a set in order; the classes are numbered in the order of their names."""
    loader = LOADERS[task][name]
    pairs = [(dict(x), y) for x, y in loader.rows()]
    events, targets = [x for x, _ in pairs], [y for _, y in pairs]
    if task == "regression":
        numbers = [float(y) for y in targets]
        return DataSet(name, loader.source, loader.target, events, numbers, None)
    classes = {label: k for k, label in enumerate(sorted(set(targets)))}
    labels = [classes[y] for y in targets]
    return DataSet(name, loader.source, loader.target, events, labels, len(classes))
