"""Run reproductions and write docs/reproductions.md from what they print.

Run: python examples/reproductions/build_page.py [--long] [--printed FILE] [SCRIPT ...]

Without a name all but the long ones are run; those take an hour or two, and with `--long` are run
too. What a script printed when it was run by itself is put on the page by `--printed`. The sections
of scripts that are not run stay on the page as they are.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
SCRIPTS = (
    "sutton1992.py",
    "mahmood2012.py",
    "kearney2019.py",
    "random_walk.py",
    "mountain_car.py",
    "mountain_car_traces.py",
    "baird.py",
    "scale_shift.py",
    "access_control.py",
    "dohare2024.py",
    "permuted_digits.py",
    "ramesh2026.py",
)
LONG = ("cartpole_streaming.py", "stream_table.py", "stream_table_pendulum.py")
HEAD = """# Reproductions

Published results, run again. This page is written by `nox -s reproduce`, which runs the scripts of
`examples/reproductions`, with `-- --long` those too that take long; no figure on it was typed by
hand. Intervals are Student-t intervals of 95% over seeds; "band" is the agreement that was asked
for before running.
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true", help="run those too that take long")
    parser.add_argument(
        "--printed",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="put what a script printed on the page, and run only those that are named",
    )
    parser.add_argument("scripts", nargs="*", help="run these alone")
    given = parser.parse_args()
    run = given.scripts or [*SCRIPTS, *(LONG if given.long else ())] * (not given.printed)
    unknown = set(run) - {*SCRIPTS, *LONG}
    if unknown:
        parser.error(f"no script is called {min(unknown)!r}")
    page, pictures = DOCS / "reproductions.md", DOCS / "images" / "reproductions"
    kept = sections_of(page.read_text()) if page.exists() else {}
    for file in given.printed:
        kept |= sections_of(f"\n{file.read_text()}")
    sections = [HEAD]
    for script in (*SCRIPTS, *LONG):
        if script not in run:
            sections += [kept[script]] if script in kept else []
            continue
        started = time.perf_counter()
        command = [sys.executable, str(HERE / script), "--pictures", str(pictures)]
        sections.append(
            subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        )
        print(f"{script}: {time.perf_counter() - started:.0f} s", flush=True)
    page.write_text("\n".join(part.rstrip() + "\n" for part in sections))


def sections_of(page: str) -> dict[str, str]:
    """The sections of a page by the script that printed each."""
    found = {}
    for section in page.split("\n## ")[1:]:
        printed_by = section.rsplit("examples/reproductions/", 1)[-1].split("`")[0]
        found[printed_by] = f"## {section}"
    return found


if __name__ == "__main__":
    main()
