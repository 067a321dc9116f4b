"""Loops: a learner carried over a stream inside one compiled program."""

from .drive import drive as drive
from .histories import NormalizerHistory as NormalizerHistory
from .histories import NormalizerTrackingConfig as NormalizerTrackingConfig
from .histories import StateHistory as StateHistory
from .histories import StateTracking as StateTracking
from .histories import StepSizeHistory as StepSizeHistory
from .histories import StepSizeTrackingConfig as StepSizeTrackingConfig
from .learning import BatchedLearningResult as BatchedLearningResult
from .learning import metrics_to_dicts as metrics_to_dicts
from .learning import run_learning_loop as run_learning_loop
from .learning import run_learning_loop_batched as run_learning_loop_batched
from .mlp import BatchedMLPResult as BatchedMLPResult
from .mlp import run_mlp_learning_loop as run_mlp_learning_loop
from .mlp import run_mlp_learning_loop_batched as run_mlp_learning_loop_batched
from .multi_head import BatchedMultiHeadResult as BatchedMultiHeadResult
from .multi_head import MultiHeadLearningResult as MultiHeadLearningResult
from .multi_head import multi_head_metrics_to_dicts as multi_head_metrics_to_dicts
from .multi_head import run_multi_head_learning_loop as run_multi_head_learning_loop
from .multi_head import run_multi_head_learning_loop_batched as run_multi_head_learning_loop_batched
from .recorders import AbstractRecorder as AbstractRecorder
from .recorders import EveryNth as EveryNth
from .recorders import WindowMean as WindowMean
from .td import BatchedTDResult as BatchedTDResult
from .td import run_td_learning_loop as run_td_learning_loop
from .td import run_td_learning_loop_batched as run_td_learning_loop_batched
