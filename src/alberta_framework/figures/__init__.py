"""Figures: their style, what they share, and those of results over seeds."""

from .plots import create_comparison_figure as create_comparison_figure
from .plots import plot_final_performance_bars as plot_final_performance_bars
from .plots import plot_hyperparameter_heatmap as plot_hyperparameter_heatmap
from .plots import plot_learning_curves as plot_learning_curves
from .plots import plot_step_size_evolution as plot_step_size_evolution
from .predictions import plot_predictions as plot_predictions
from .style import publication_style as publication_style
from .style import save_figure as save_figure
from .style import set_publication_style as set_publication_style
