import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from alberta_framework.figures import (
    plot_learning_curves,
    publication_style,
    save_figure,
    set_publication_style,
)
from tests.statistics.runs import golden_results


def small_figure():
    figure = Figure(figsize=(2, 1))
    figure.add_subplot().plot([0, 1])
    return figure


def test_the_style_sets_fonts_sizes_and_resolution():
    with mpl.rc_context():
        set_publication_style(font_size=12, figure_width=5.0, style=None)
        assert mpl.rcParams["figure.figsize"] == [5.0, 4.0]
        assert mpl.rcParams["font.size"] == mpl.rcParams["axes.labelsize"] == 12
        assert mpl.rcParams["legend.fontsize"] == mpl.rcParams["xtick.labelsize"] == 10
        assert mpl.rcParams["savefig.dpi"] == mpl.rcParams["figure.dpi"] == 300
        assert mpl.rcParams["text.usetex"] is False
        set_publication_style(use_latex=True, figure_height=2.0, style="dark_background")
        assert mpl.rcParams["figure.figsize"] == [3.5, 2.0]
        assert mpl.rcParams["text.usetex"] is True
        assert mpl.rcParams["axes.facecolor"] == "black"


def test_the_style_holds_inside_its_block_only():
    before = dict(mpl.rcParams)
    with publication_style(figure_width=6.0):
        assert mpl.rcParams["figure.figsize"] == pytest.approx([6.0, 4.8])
        figure, _ = plot_learning_curves(golden_results())
    assert dict(mpl.rcParams) == before
    assert figure.get_size_inches().tolist() == pytest.approx([6.0, 4.8])
    with pytest.raises(ZeroDivisionError), publication_style():
        raise ZeroDivisionError
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", ["font_size", "figure_width", "figure_height"])
def test_sizes_must_be_positive(name):
    before = dict(mpl.rcParams)
    with pytest.raises(ValueError, match=f"`{name}` must be positive, got -1"):
        set_publication_style(**{name: -1})
    assert dict(mpl.rcParams) == before


def test_a_dot_in_the_file_name_is_part_of_the_name(tmp_path):
    paths = save_figure(small_figure(), tmp_path / "new" / "alpha_0.5")
    assert paths == [tmp_path / "new" / "alpha_0.5.pdf", tmp_path / "new" / "alpha_0.5.png"]
    assert paths[0].read_bytes().startswith(b"%PDF")
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    assert sorted((tmp_path / "new").iterdir()) == paths


def test_resolution_and_transparency_reach_the_file(tmp_path):
    (low,) = save_figure(small_figure(), str(tmp_path / "low"), ["png"], dpi=100)
    (high,) = save_figure(
        small_figure(), str(tmp_path / "high"), ["png"], dpi=400, transparent=True
    )
    # Letters are rounded to whole pixels, so the trimmed widths are not quite as 1 to 4.
    assert imread(high).shape[1] == pytest.approx(4 * imread(low).shape[1], rel=0.02)
    assert imread(low)[0, 0, 3] == 1.0 and imread(high)[0, 0, 3] == 0.0


def test_formats_must_be_a_list(tmp_path):
    with pytest.raises(TypeError, match=r"`formats` must be a list .* got 'pdf'"):
        save_figure(small_figure(), tmp_path / "x", "pdf")
