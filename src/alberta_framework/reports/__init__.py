"""Tables, files and durations: what is told of results."""

from .export import export_to_csv as export_to_csv
from .export import export_to_json as export_to_json
from .export import results_to_dataframe as results_to_dataframe
from .export import results_to_xarray as results_to_xarray
from .export import save_experiment_report as save_experiment_report
from .tables import generate_latex_table as generate_latex_table
from .tables import generate_markdown_table as generate_markdown_table
from .tables import generate_significance_table as generate_significance_table
from .timing import Timer as Timer
from .timing import format_duration as format_duration
