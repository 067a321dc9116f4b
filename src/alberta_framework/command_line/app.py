"""The command line: `alberta run`, `sweep`, `bench`, `daemon`, `inspect`, `list` and others."""

import importlib.metadata
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from .bench import bench
from .catalogue import built_in
from .daemon import daemon
from .environment import report_environment
from .fit import fit
from .inspect import inspect
from .migrate import migrate_checkpoint
from .problems import Problem
from .replay import replay
from .run import run
from .sweep import sweep
from .tables import experiments_table
from .worlds import print_environments

app = typer.Typer(
    name="alberta",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Continual learning from a stream: compare learners over many seeds.",
)

# typer exports one member of the family of errors that it raises for wrong arguments.
_WrongArguments: Any = typer.BadParameter.__mro__[1]
_INTERRUPTED = 130

_Imports = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        metavar="MODULE",
        help="A module to import first, with classes of your own; may be given several times.",
        show_default=False,
    ),
]


def main(arguments: list[str] | None = None) -> int:
    """Run the command with `arguments`, by default those of the process; its exit code."""
    arguments = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        code = app(arguments, standalone_mode=False)
        return code if isinstance(code, int) else 0
    except Problem as problem:
        return _said(str(problem), problem.exit_code)
    except _WrongArguments as error:
        return _said(error.format_message(), 2)
    except (KeyboardInterrupt, typer.Abort):
        return _said("stopped.", _INTERRUPTED)


def _said(message: str, exit_code: int) -> int:
    print(f"alberta: {' '.join(message.split())}", file=sys.stderr)
    return exit_code


def _print_version(wanted: bool) -> None:
    if wanted:
        print(importlib.metadata.version("alberta_framework"))
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    del version


@app.command("run")
def _run(
    experiment: Annotated[
        str, typer.Argument(help="A built-in experiment (`alberta list`), or a .toml file.")
    ] = "sutton1992-experiment-1",
    data: Annotated[
        Path | None,
        typer.Argument(help="The file that it reads, as `nexting-file` does.", show_default=False),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="How many seeds, in place of the experiment's.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="How many steps, in place of the experiment's.")
    ] = None,
    episodes: Annotated[
        int | None, typer.Option(min=1, help="How many episodes, of an agent in an environment.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Where to write; a new or empty folder.", show_default="results/NAME"),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="The folder of a run that was stopped, to go on with; agents in environments in "
            "JAX."
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but the output folder.")
    ] = False,
    imports: _Imports = None,
) -> int:
    """Run an experiment: print a table, write results.csv, curves.csv, config.json, curves.png."""
    return run(experiment, seeds, steps, output, quiet, episodes, imports or (), resume, data)


@app.command("sweep")
def _sweep(
    file: Annotated[Path, typer.Argument(help="What to sweep, in a .toml or .json file.")],
    seeds: Annotated[
        int | None, typer.Option(min=1, help="How many seeds, in place of the file's.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="How many steps, in place of the file's.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Where to write; a new or empty folder.", show_default="results/NAME"),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="The folder of a sweep that was stopped, to go on with.")
    ] = None,
    devices: Annotated[
        int | None,
        typer.Option(min=1, help="CPU devices to share the work.", show_default="one per core"),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but the output folder.")
    ] = False,
    imports: _Imports = None,
) -> int:
    """Sweep hyperparameters: print the best points, write tables, config.json and figures."""
    return sweep(file, seeds, steps, output, resume, devices, quiet, imports or ())


@app.command("bench")
def _bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which benchmarks.", show_default="all")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List their names.")] = False,
) -> int:
    """Run the benchmarks of a checkout and print their tables."""
    return bench(names or [], listed)


@app.command("fit")
def _fit(
    file: Annotated[
        Path, typer.Argument(help="A table with a header (.csv), or lines of JSON (.jsonl).")
    ],
    target: Annotated[str, typer.Option(help="The field to predict.")],
    task: Annotated[
        str | None,
        typer.Option(help="regression or classification.", show_default="by the target's values"),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD", help="A field to leave out; may be given several times."),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD", help="A field of numbers that are names of categories."),
    ] = None,
    timestamp: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD", help="A field of numbers that are seconds since 1970."),
    ] = None,
    bounds: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=LOW:HIGH",
            help="Between what the numbers of a field lie; others are missing. One may be left "
            "out, as in pressure=0:",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Where to write; a new or empty folder.", show_default="results/NAME"),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but the output folder.")
    ] = False,
) -> int:
    """Learn a file event by event, show how good it predicts, and leave a learner to go on with."""
    return fit(
        file,
        target,
        task,
        ignore or (),
        category or (),
        timestamp or (),
        bounds or (),
        output,
        quiet,
    )


@app.command("daemon")
def _daemon(
    config: Annotated[Path, typer.Option(help="What learns, in a .json or .toml file.")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="Where the state is saved, and resumed from.")
    ] = None,
    socket: Annotated[
        Path | None, typer.Option(help="A Unix socket to serve, in place of standard input.")
    ] = None,
    report_every: Annotated[
        int | None,
        typer.Option(min=1, help="Print a report to standard error every so many events."),
    ] = None,
    metrics_file: Annotated[
        Path | None,
        typer.Option(help="A file to keep metrics in, as Prometheus reads them (name it .prom)."),
    ] = None,
    frozen: Annotated[
        bool, typer.Option("--frozen", help="Predict by the checkpoint, and learn nothing.")
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(help="A .jsonl file to append each learned event to, for `alberta replay`."),
    ] = None,
    shadow: Annotated[
        Path | None,
        typer.Option(help="A checkpoint of a second learner, to learn beside and be compared."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="The folder of compiled programs, which make the next start quicker.",
            show_default=".jax-cache beside the checkpoint",
        ),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Keep no compiled programs.")
    ] = False,
    ready_fd: Annotated[
        int | None,
        typer.Option(
            min=3, help="A descriptor to write a line to, and close, once events are served."
        ),
    ] = None,
    imports: _Imports = None,
) -> int:
    """Learn from events, one line of JSON each; answer each with predictions, or an action."""
    return daemon(
        config,
        checkpoint,
        socket,
        report_every,
        imports or (),
        metrics_file,
        frozen,
        record,
        shadow,
        cache,
        no_cache,
        ready_fd,
    )


@app.command("replay")
def _replay(
    recording: Annotated[Path, typer.Argument(help="What `alberta daemon --record` wrote.")],
    start: Annotated[
        Path | None,
        typer.Option(help="The checkpoint to begin with, where the recording goes on from one."),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Where to save the state at the end; a new file.")
    ] = None,
    imports: _Imports = None,
) -> int:
    """Live the recorded life of a daemon again, bit for bit, and print its report as JSON."""
    return replay(recording, start, checkpoint, imports or ())


def _names(option: str, help: str, metavar: str = "NAME") -> Any:
    return typer.Option(option, metavar=metavar, help=f"{help}; may be given several times.")


@app.command("migrate")
def _migrate(
    old: Annotated[Path, typer.Argument(help="A checkpoint; it stays as it is.")],
    new: Annotated[Path, typer.Argument(help="Where to write; a new file.")],
    add_inputs: Annotated[list[str] | None, _names("--add-input", "An input to add")] = None,
    drop_inputs: Annotated[list[str] | None, _names("--drop-input", "An input to drop")] = None,
    add_heads: Annotated[
        list[str] | None,
        _names("--add-head", "A head to add, with the settings of LIKE", "NAME[=LIKE]"),
    ] = None,
    drop_heads: Annotated[list[str] | None, _names("--drop-head", "A head to drop")] = None,
    rename: Annotated[
        list[str] | None, _names("--rename", "The new name of an input or a head", "OLD=NEW")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="The daemon's new configuration, where more of its learner or features differs."
        ),
    ] = None,
    drop_parts: Annotated[
        list[str] | None,
        _names("--drop-part", "A part of the state that the new learner has not", "PATH"),
    ] = None,
    imports: _Imports = None,
) -> int:
    """Give a learner that lives other inputs, heads or parts, and keep what it has learned."""
    return migrate_checkpoint(
        old,
        new,
        add_inputs or [],
        drop_inputs or [],
        add_heads or [],
        drop_heads or [],
        rename or [],
        config,
        drop_parts or [],
        imports or (),
    )


@app.command("inspect")
def _inspect(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    imports: _Imports = None,
) -> int:
    """Print what a checkpoint holds: metadata, configuration, counts, relevance."""
    return inspect(checkpoint, as_json, imports or ())


@app.command("report-environment")
def _report_environment() -> None:
    """Print versions, and which forms compiled programs take on this machine, and why."""
    report_environment()


@app.command("list")
def _list(
    environments: Annotated[
        bool, typer.Option("--environments", help="List the environments instead.")
    ] = False,
) -> None:
    """List the built-in experiments, or the environments and what they need."""
    if environments:
        print_environments()
    else:
        Console(markup=False).print(experiments_table(built_in()))
