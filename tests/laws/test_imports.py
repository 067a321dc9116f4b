"""Who may import whom, and what `import alberta_framework` loads."""

import ast
import graphlib
import pathlib
import subprocess
import sys

import pytest

import alberta_framework as af

PACKAGE = pathlib.Path(af.__file__).parent
ROOT = "alberta_framework"

# What each room may import, and what those may import. `experience` is one file at the top.
FOUNDATION = {"components", "compilation", "experience"}  # every other room may import these
MAY_IMPORT = {
    "components": set(),
    "compilation": {"components"},
    "experience": {"components"},
    "optimizers": set(),
    "bounders": set(),
    "normalizers": set(),
    "networks": set(),
    "features": {"normalizers"},
    "event_features": set(),
    "streams": set(),
    "interface": set(),
    "schedules": set(),
    "traces": set(),
    "targets": set(),
    "step_rules": {"traces", "optimizers", "bounders", "networks"},
    "plasticity": {"networks"},
    "learners": {"normalizers", "networks", "plasticity", "step_rules", "targets"},
    "horde": {"learners"},
    "linear_td": {"learners", "horde"},
    "nexting": {"linear_td", "features", "reports", "figures"},
    "control": {"linear_td", "interface", "schedules", "features", "step_rules", "targets"},
    "environments": {"interface", "schedules"},
    "loops": {"results", "learners", "horde", "streams"},
    "lives": {"loops", "control", "environments"},
    "environments.gymnasium": {"streams", "control", "lives", "interface", "environments"},
    "diagnostics": {"learners", "horde", "control"},
    "checkpoints": {"learners", "horde", "control"},
    "hyperparameters": set(),
    "results": set(),
    "statistics": {"results", "learners"},
    "reports": {"statistics"},
    "figures": {"statistics", "reports"},
    "comparisons": {
        "checkpoints",
        "hyperparameters",
        "statistics",
        "reports",
        "figures",
        "lives",
        "environments.gymnasium",
    },
    "sweeps": {"hyperparameters", "comparisons", "checkpoints"},
    "daemon": {
        "event_features",
        "lives",
        "streams",
        "learners",
        "control",
        "checkpoints",
        "diagnostics",
    },
    "fitting": {"daemon", "reports", "figures"},
    "migration": {"daemon", "event_features", "checkpoints", "learners"},
}
LATE = {
    "gymnasium",
    "gymnax",
    "optax",
    "orbax",
    "matplotlib",
    "pandas",
    "tqdm",
    "scipy",
    "statsmodels",
    "xarray",
    "psutil",
    "sklearn",
}
OF_THE_COMMAND_LINE = {"typer", "rich"}
CHECKERS = {"beartype", "jaxtyping"}
NOT_LOADED = ["gymnasium", "orbax", "matplotlib", "pandas", "tqdm", "scipy", "typer", "rich"]


def below(room):
    """The rooms that `room` may import, those reached through others included."""
    reached, todo = set() if room in FOUNDATION else set(FOUNDATION), [room]
    while todo:
        for other in MAY_IMPORT[todo.pop()] - reached:
            reached.add(other)
            todo.append(other)
    return reached


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module):
    parts = module.split(".")[1:]
    if not parts:
        return ""
    if ".".join(parts[:2]) in MAY_IMPORT:
        return ".".join(parts[:2])
    return parts[0]


class Imports(ast.NodeVisitor):
    """Pairs of imported module and whether the import waits inside a function."""

    def __init__(self, module):
        self.module, self.depth, self.found = module, 0, []
        self.is_package = FILES[module].name == "__init__.py"

    def visit_FunctionDef(self, node):
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef

    def visit_If(self, node):
        if "TYPE_CHECKING" not in ast.unparse(node.test):
            self.generic_visit(node)

    def visit_Import(self, node):
        self.found += [(alias.name, self.depth > 0) for alias in node.names]

    def visit_ImportFrom(self, node):
        base = self.module.split(".")
        base = base if self.is_package else base[:-1]
        base = base[: len(base) - node.level + 1] if node.level else []
        source = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            whole = f"{source}.{alias.name}"
            self.found.append((whole if whole in FILES else source, self.depth > 0))


def imports(module):
    visitor = Imports(module)
    visitor.visit(ast.parse(FILES[module].read_text()))
    return visitor.found


def own(module):
    return [name for name, _ in imports(module) if name.split(".")[0] == ROOT]


@pytest.mark.parametrize("module", FILES)
def test_a_module_imports_only_what_lies_below_it(module):
    room = room_of(module)
    for imported in own(module):
        target = room_of(imported)
        if room == "":
            continue
        assert target != "", f"{module} imports the package itself"
        assert target != "command_line" or room == "command_line"
        if target == room or room == "command_line":
            continue
        assert target in below(room), f"{room} may not import {target} ({module}: {imported})"


def test_no_module_imports_itself_by_a_detour():
    graph = {module: set(own(module)) & set(FILES) - {module} for module in FILES}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("module", FILES)
def test_an_import_waits_in_a_function_only_for_what_loads_late(module):
    for imported, waits in imports(module):
        top = imported.split(".")[0]
        if waits:
            allowed = LATE | (CHECKERS if module.endswith("compilation.boundary") else set())
            assert top in allowed, f"{module} imports {imported} inside a function"
        else:
            assert top not in LATE, f"{module} imports {imported} at once"
            assert top not in OF_THE_COMMAND_LINE or room_of(module) == "command_line"


@pytest.mark.parametrize("room", sorted({room_of(m) for m in FILES} - {"", "experience"}))
def test_a_room_s_front_door_only_passes_names_on(room):
    front = PACKAGE.joinpath(*room.split("."), "__init__.py")
    body = ast.parse(front.read_text()).body
    for node in body:
        passes = isinstance(node, ast.Import | ast.ImportFrom)
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        names = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        # A name may be passed on when it is first asked for, from a room above.
        late = isinstance(node, ast.FunctionDef) and node.name == "__getattr__"
        told = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        assert passes or text or names or late or told, ast.unparse(node)


def test_nothing_heavy_is_loaded_at_import():
    code = (
        f"import sys, {ROOT}; "
        f"print(*(m for m in {NOT_LOADED} if m in sys.modules or m + '.checkpoint' in sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    # What jax and equinox load themselves is not ours.
    code = f"import sys, jax, equinox; print(*(m for m in {NOT_LOADED} if m in sys.modules))"
    theirs = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert set(loaded.stdout.split()) <= set(theirs.stdout.split())
