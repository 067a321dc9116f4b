"""One reproduction as a section of a page: ours beside the published figures, and a picture."""

import argparse
import dataclasses
import importlib.resources
import tomllib
from pathlib import Path
from typing import Any

import alberta_framework as af


@dataclasses.dataclass(frozen=True)
class Figure:
    """One published quantity and ours; `band` is what counts as agreement, None for orderings."""

    quantity: str
    published: str
    ours: float
    low: float
    high: float
    band: tuple[float, float] | None = None

    @property
    def agrees(self) -> bool | None:
        return None if self.band is None else self.band[0] <= self.ours <= self.band[1]

    def row(self) -> str:
        verdict = {None: "", True: "yes", False: "**no**"}[self.agrees]
        band = "" if self.band is None else f"{self.band[0]:.4g} to {self.band[1]:.4g}"
        interval = f"[{self.low:.4g}, {self.high:.4g}]"
        ours = f"{self.ours:.4g}"
        return f"| {self.quantity} | {self.published} | {ours} | {interval} | {band} | {verdict} |"


@dataclasses.dataclass(frozen=True)
class Section:
    """A title, what was done, the figures, what they mean, and the picture's file name."""

    title: str
    text: str
    figures: tuple[Figure, ...]
    verdict: str
    picture: str

    def markdown(self, script: str) -> str:
        table = "\n".join(
            [
                "| quantity | published | ours | 95% interval | band | within |",
                "|---|---|---|---|---|---|",
                *(figure.row() for figure in self.figures),
            ]
        )
        picture = f"![{self.title}](images/reproductions/{self.picture})"
        command = f"`python examples/reproductions/{script}`"
        parts = [f"## {self.title}", self.text.strip(), *([table] if self.figures else [])]
        return "\n\n".join([*parts, self.verdict.strip(), picture, f"Printed by {command}."]) + "\n"


def of_standing(quantity: str, published: str, standing: Any, band: Any = None) -> Figure:
    """The score of a learner or agent at its best point."""
    score = standing.score
    return Figure(quantity, published, score.mean, score.ci_lower, score.ci_upper, band)


def of_values(quantity: str, published: str, values: Any, band: Any = None) -> Figure:
    """The mean of one value a seed, with its t interval."""
    found = af.compute_statistics(values)
    return Figure(quantity, published, found.mean, found.ci_lower, found.ci_upper, band)


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """A table of texts; what follows the first column is aligned to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def built_in(name: str) -> dict[str, Any]:
    """The configuration of an experiment of `alberta run`."""
    folder = importlib.resources.files("alberta_framework.command_line") / "built_in"
    return tomllib.loads((folder / f"{name}.toml").read_text())


def main(reproduce: Any, file: str) -> None:
    """Print the section, and save its picture into the folder that `--pictures` names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=Path, default=Path("results/reproductions"))
    pictures = parser.parse_args().pictures
    pictures.mkdir(parents=True, exist_ok=True)
    section, figure = reproduce()
    figure.savefig(pictures / section.picture, dpi=110)
    print(section.markdown(Path(file).name))
