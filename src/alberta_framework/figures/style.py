"""Fonts and sizes of figures in papers, and writing figures to files."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from ..components.extras import analysis_package

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = "seaborn-v0_8-whitegrid"


def set_publication_style(
    font_size: float = 10,
    use_latex: bool = False,
    figure_width: float = 3.5,
    figure_height: float | None = None,
    style: str | None = _STYLE,
) -> None:
    """Changes matplotlib's `rcParams`, for all figures made from now on, to suit a paper.

    `publication_style` does the same inside a `with` block only.

    **Arguments:** `font_size`: points, > 0 (ticks and legends are 2 points smaller);
    `use_latex`: typeset text with an installed LaTeX; `figure_width`, `figure_height`: inches,
    > 0, the height 0.8 times the width by default; `style`: a matplotlib style sheet to begin
    with, or None. The resolution is 300 dots per inch.
    """
    height = 0.8 * figure_width if figure_height is None else figure_height
    sizes = {"font_size": font_size, "figure_width": figure_width, "figure_height": height}
    for name, size in sizes.items():
        if not size > 0:
            raise ValueError(f"`{name}` must be positive, got {size!r}.")
    if style is not None:
        analysis_package("matplotlib.style").use(style)
    small = max(font_size - 2, 1)
    analysis_package("matplotlib").rcParams.update(
        {
            "font.size": font_size,
            "axes.labelsize": font_size,
            "axes.titlesize": font_size,
            "xtick.labelsize": small,
            "ytick.labelsize": small,
            "legend.fontsize": small,
            "text.usetex": use_latex,
            "figure.figsize": (figure_width, height),
            "figure.dpi": 300,
            "savefig.dpi": 300,
            "lines.linewidth": 1.2,
            "axes.linewidth": 0.8,
            "grid.linewidth": 0.5,
        }
    )


@contextmanager
def publication_style(
    font_size: float = 10,
    use_latex: bool = False,
    figure_width: float = 3.5,
    figure_height: float | None = None,
    style: str | None = _STYLE,
) -> Iterator[None]:
    """`set_publication_style` for the figures made inside a `with` block; then all is as before.

    With `use_latex` save the figure inside the block too: text is typeset when it is drawn.
    """
    with analysis_package("matplotlib").rc_context():
        set_publication_style(font_size, use_latex, figure_width, figure_height, style)
        yield


def save_figure(
    fig: "Figure",
    filename: str | PathLike[str],
    formats: Iterable[str] = ("pdf", "png"),
    dpi: float = 300,
    transparent: bool = False,
) -> list[Path]:
    """Writes a figure in several formats; folders are created.

    **Arguments:** `fig`; `filename` without suffix: `.` and the format are appended, so a dot in
    it stays (`alpha_0.5` gives `alpha_0.5.pdf`); `formats`: as matplotlib knows them; `dpi`: dots
    per inch of pixel formats; `transparent`: leave out the background.

    **Returns:** the paths, in the order of `formats`.
    """
    if isinstance(formats, str):
        raise TypeError(f"`formats` must be a list of names such as ['pdf'], got {formats!r}.")
    paths = [Path(f"{fspath(filename)}.{kind}") for kind in formats]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        fig.savefig(path, dpi=dpi, transparent=transparent, bbox_inches="tight")
    return paths
