"""Statistics over seeds: summaries, effect sizes, significance; the curves of single runs, and what
rewards of continuing lives tell."""

from .effect_sizes import cohens_d as cohens_d
from .effect_sizes import rank_biserial as rank_biserial
from .error_curves import compare_learners as compare_learners
from .error_curves import compute_cumulative_error as compute_cumulative_error
from .error_curves import compute_running_mean as compute_running_mean
from .error_curves import compute_tracking_error as compute_tracking_error
from .error_curves import extract_metric as extract_metric
from .multiple_comparisons import bonferroni_correction as bonferroni_correction
from .multiple_comparisons import holm_correction as holm_correction
from .multiple_comparisons import pairwise_comparisons as pairwise_comparisons
from .performance import get_final_performance as get_final_performance
from .performance import get_metric_timeseries as get_metric_timeseries
from .plasticity_trend import plasticity_trend as plasticity_trend
from .recovery import RecoveryTime as RecoveryTime
from .recovery import dip as dip
from .recovery import level_before as level_before
from .recovery import loss_area as loss_area
from .recovery import recovery_time as recovery_time
from .reward_rates import area_under as area_under
from .reward_rates import lifetime_average as lifetime_average
from .reward_rates import reward_rate as reward_rate
from .reward_rates import window_mean as window_mean
from .significance import SignificanceResult as SignificanceResult
from .significance import mann_whitney_comparison as mann_whitney_comparison
from .significance import ttest_comparison as ttest_comparison
from .significance import wilcoxon_comparison as wilcoxon_comparison
from .summaries import StatisticalSummary as StatisticalSummary
from .summaries import bootstrap_ci as bootstrap_ci
from .summaries import compute_statistics as compute_statistics
from .summaries import compute_timeseries_statistics as compute_timeseries_statistics
