"""Results: the runs of methods over seeds, with their labels, whatever gave them."""

from .aggregated import AggregatedResults as AggregatedResults
from .aggregated import MetricSummary as MetricSummary
from .aggregated import summarize_metric as summarize_metric
