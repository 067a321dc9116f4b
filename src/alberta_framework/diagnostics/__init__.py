"""Diagnostics: what a learner relies on, and whether it can still learn."""

from .plasticity import PlasticityReport as PlasticityReport
from .plasticity import WeightMagnitude as WeightMagnitude
from .plasticity import approximate_rank as approximate_rank
from .plasticity import compute_plasticity as compute_plasticity
from .plasticity import dormant_fraction as dormant_fraction
from .plasticity import effective_rank as effective_rank
from .plasticity import sample_plasticity as sample_plasticity
from .plasticity import stable_rank as stable_rank
from .plasticity import weight_magnitude as weight_magnitude
from .relevance import FeatureRelevance as FeatureRelevance
from .relevance import compute_feature_relevance as compute_feature_relevance
from .relevance import relevance_to_dict as relevance_to_dict
from .sensitivity import compute_feature_sensitivity as compute_feature_sensitivity
