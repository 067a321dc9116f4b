"""Nexting: what many signals will do next, at many time scales, learned while they come."""

from .configuration import nexting_from_config as nexting_from_config
from .evaluation import NextingErrors as NextingErrors
from .evaluation import nexting_errors as nexting_errors
from .evaluation import ridge_predictions as ridge_predictions
from .evaluation import running_means as running_means
from .files import plot_nexting as plot_nexting
from .files import save_nexting as save_nexting
from .learner import nexting_features as nexting_features
from .learner import nexting_learner as nexting_learner
from .run import LiveSource as LiveSource
from .run import NextingExperiment as NextingExperiment
from .run import NextingResult as NextingResult
from .run import NextingRun as NextingRun
from .run import RecordSource as RecordSource
from .run import SignalSource as SignalSource
from .series_file import load_series as load_series
from .system_stream import SignalRecord as SignalRecord
from .system_stream import SystemStream as SystemStream
from .system_stream import load_record as load_record
from .system_stream import save_record as save_record
from .timescales import discount_from_timescale as discount_from_timescale
from .timescales import nexting_horde as nexting_horde
from .with_features import HordeWithFeatures as HordeWithFeatures
from .with_features import HordeWithFeaturesState as HordeWithFeaturesState
