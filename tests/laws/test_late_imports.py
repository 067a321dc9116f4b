import subprocess
import sys

import pytest

import alberta_framework as af
from tests.statistics.runs import golden_results

NEEDS = {
    "scipy.stats": lambda: af.compute_statistics([1.0, 2.0]),
    "statsmodels.stats.multitest": lambda: af.holm_correction([0.1]),
    "xarray": lambda: af.results_to_xarray(golden_results()),
    "pandas": lambda: af.results_to_dataframe({}),
    "matplotlib.figure": lambda: af.plot_learning_curves(golden_results()),
    "matplotlib": lambda: af.set_publication_style(style=None),
}


@pytest.mark.parametrize("module", NEEDS)
def test_a_missing_package_names_the_extra(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    package = module.partition(".")[0]
    with pytest.raises(ImportError, match=rf"`{package}` .*'alberta_framework\[analysis\]'"):
        NEEDS[module]()


def test_importing_the_rooms_loads_no_analysis_package():
    program = (
        "import sys;"
        "from alberta_framework import comparisons, figures, reports, statistics, sweeps;"
        "late = {'pandas', 'matplotlib', 'statsmodels', 'xarray'} & set(sys.modules);"
        "sys.exit(str(late) if late else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_figures_need_no_pyplot(tmp_path):
    program = (
        "import alberta_framework as e; import numpy as np, sys\n"
        "a = np.ones((2, 5))\n"
        "s = {'squared_error': e.summarize_metric(a)}\n"
        "r = {'x': e.AggregatedResults('x', [0, 1], {'squared_error': a}, s)}\n"
        "with e.publication_style():\n"
        "    e.save_figure(e.create_comparison_figure(r)[0], sys.argv[1])\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "figure")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.iterdir())) == 2
