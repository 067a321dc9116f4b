"""Continual learning from a stream: learners that update at every step and never stop."""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .bounders import AbstractBounder as AbstractBounder
from .bounders import AGCBounding as AGCBounding
from .bounders import ObGDBounding as ObGDBounding
from .bounders import bounder_from_config as bounder_from_config
from .compilation.caches import clear_caches as clear_caches
from .compilation.execution_plan import ExecutionPlan as ExecutionPlan
from .compilation.execution_plan import compilation_mode as compilation_mode
from .compilation.execution_plan import execution_plan as execution_plan
from .components.component import AbstractComponent as AbstractComponent
from .components.component import from_config as from_config
from .components.state import AbstractState as AbstractState
from .experience import ControlStep as ControlStep
from .experience import DemonStep as DemonStep
from .experience import MultiHeadStep as MultiHeadStep
from .experience import TDTimeStep as TDTimeStep
from .experience import TimeStep as TimeStep
from .learners import AbstractAgentState as AbstractAgentState
from .learners import AbstractHeadsState as AbstractHeadsState
from .learners import AbstractLearner as AbstractLearner
from .learners import AbstractLearnerState as AbstractLearnerState
from .learners import Candidate as Candidate
from .learners import GradientTraceTD as GradientTraceTD
from .learners import GradientTraceTDState as GradientTraceTDState
from .learners import GradientTraceTDUpdateResult as GradientTraceTDUpdateResult
from .learners import HeadOptimizerStates as HeadOptimizerStates
from .learners import HeadTraces as HeadTraces
from .learners import HeadUpdate as HeadUpdate
from .learners import LearnerState as LearnerState
from .learners import Lifecycle as Lifecycle
from .learners import LinearLearner as LinearLearner
from .learners import MetricParts as MetricParts
from .learners import Metrics as Metrics
from .learners import MLPLearner as MLPLearner
from .learners import MLPLearnerState as MLPLearnerState
from .learners import MLPUpdateResult as MLPUpdateResult
from .learners import MultiHeadMLPLearner as MultiHeadMLPLearner
from .learners import MultiHeadMLPState as MultiHeadMLPState
from .learners import MultiHeadMLPUpdateResult as MultiHeadMLPUpdateResult
from .learners import Network as Network
from .learners import SoftmaxLinearLearner as SoftmaxLinearLearner
from .learners import SoftmaxLinearState as SoftmaxLinearState
from .learners import SoftmaxLinearUpdateResult as SoftmaxLinearUpdateResult
from .learners import StreamTD as StreamTD
from .learners import StreamTDState as StreamTDState
from .learners import StreamTDUpdateResult as StreamTDUpdateResult
from .learners import TDLearnerState as TDLearnerState
from .learners import TDLinearLearner as TDLinearLearner
from .learners import TDUpdateResult as TDUpdateResult
from .learners import Trunk as Trunk
from .learners import UpdateResult as UpdateResult
from .learners import agent_age_s as agent_age_s
from .learners import agent_uptime_s as agent_uptime_s
from .learners import guarded as guarded
from .networks import AbstractNetwork as AbstractNetwork
from .networks import AbstractNetworkParams as AbstractNetworkParams
from .networks import LinearNetwork as LinearNetwork
from .networks import LinearParams as LinearParams
from .networks import MinAtarNetwork as MinAtarNetwork
from .networks import MLPParams as MLPParams
from .networks import Renewal as Renewal
from .networks import StreamMLP as StreamMLP
from .networks import UnitFeatureMLP as UnitFeatureMLP
from .networks import Units as Units
from .networks import sparse_init as sparse_init
from .normalizers import AbstractNormalizer as AbstractNormalizer
from .normalizers import AbstractNormalizerState as AbstractNormalizerState
from .normalizers import AnyNormalizerState as AnyNormalizerState
from .normalizers import EMANormalizer as EMANormalizer
from .normalizers import EMANormalizerState as EMANormalizerState
from .normalizers import WelfordNormalizer as WelfordNormalizer
from .normalizers import WelfordNormalizerState as WelfordNormalizerState
from .normalizers import normalizer_from_config as normalizer_from_config
from .optimizers import FADE as FADE
from .optimizers import IDBD as IDBD
from .optimizers import LMS as LMS
from .optimizers import TDIDBD as TDIDBD
from .optimizers import AbstractOptimizer as AbstractOptimizer
from .optimizers import AbstractTDOptimizer as AbstractTDOptimizer
from .optimizers import Autostep as Autostep
from .optimizers import AutostepParamState as AutostepParamState
from .optimizers import AutostepState as AutostepState
from .optimizers import AutoTDIDBD as AutoTDIDBD
from .optimizers import AutoTDIDBDState as AutoTDIDBDState
from .optimizers import FADEParamState as FADEParamState
from .optimizers import FADEState as FADEState
from .optimizers import Hybrid as Hybrid
from .optimizers import IDBDParamState as IDBDParamState
from .optimizers import IDBDState as IDBDState
from .optimizers import LMSState as LMSState
from .optimizers import ObGD as ObGD
from .optimizers import ObGDState as ObGDState
from .optimizers import OptimizerUpdate as OptimizerUpdate
from .optimizers import TDIDBDState as TDIDBDState
from .optimizers import TDOptimizerUpdate as TDOptimizerUpdate
from .optimizers import create_autostep_state as create_autostep_state
from .optimizers import create_autotdidbd_state as create_autotdidbd_state
from .optimizers import create_idbd_state as create_idbd_state
from .optimizers import create_lms_state as create_lms_state
from .optimizers import create_obgd_state as create_obgd_state
from .optimizers import create_tdidbd_state as create_tdidbd_state
from .optimizers import optimizer_from_config as optimizer_from_config
from .plasticity import UPGD as UPGD
from .plasticity import AbstractPlasticity as AbstractPlasticity
from .plasticity import ContinualBackprop as ContinualBackprop
from .plasticity import ContinualBackpropState as ContinualBackpropState
from .plasticity import HareAndTortoise as HareAndTortoise
from .plasticity import HareAndTortoiseState as HareAndTortoiseState
from .plasticity import KeyState as KeyState
from .plasticity import L2Init as L2Init
from .plasticity import L2InitState as L2InitState
from .plasticity import NetworkStep as NetworkStep
from .plasticity import PlasticityChain as PlasticityChain
from .plasticity import PlasticityChainState as PlasticityChainState
from .plasticity import PlasticityMonitor as PlasticityMonitor
from .plasticity import PlasticityMonitorState as PlasticityMonitorState
from .plasticity import ReDo as ReDo
from .plasticity import ReDoState as ReDoState
from .plasticity import Remade as Remade
from .plasticity import SelfNormalizedResets as SelfNormalizedResets
from .plasticity import SelfNormalizedResetsState as SelfNormalizedResetsState
from .plasticity import ShrinkAndPerturb as ShrinkAndPerturb
from .plasticity import SoftReset as SoftReset
from .plasticity import SpectralPenalty as SpectralPenalty
from .plasticity import SpectralPenaltyState as SpectralPenaltyState
from .plasticity import UPGDState as UPGDState
from .plasticity import Watched as Watched
from .plasticity import WeightClipping as WeightClipping
from .step_rules import AbstractStepRule as AbstractStepRule
from .step_rules import Adaptive as Adaptive
from .step_rules import AdaptiveObGD as AdaptiveObGD
from .step_rules import AlphaBound as AlphaBound
from .step_rules import Bootstrap as Bootstrap
from .step_rules import FromOptax as FromOptax
from .step_rules import Implicit as Implicit
from .step_rules import ImplicitTD as ImplicitTD
from .step_rules import Intentional as Intentional
from .step_rules import PerTensor as PerTensor
from .step_rules import PerTensorState as PerTensorState
from .step_rules import StepInfo as StepInfo
from .step_rules import StreamObGD as StreamObGD
from .targets import CenteringState as CenteringState
from .targets import RewardCentering as RewardCentering
from .traces import AbstractTrace as AbstractTrace
from .traces import Accumulating as Accumulating
from .traces import Dutch as Dutch
from .traces import Replacing as Replacing

if TYPE_CHECKING:
    from .checkpoints import CheckpointError as CheckpointError
    from .checkpoints import CheckpointInUseError as CheckpointInUseError
    from .checkpoints import checkpoint_exists as checkpoint_exists
    from .checkpoints import checkpoint_header as checkpoint_header
    from .checkpoints import import_reference_checkpoint as import_reference_checkpoint
    from .checkpoints import list_checkpoints as list_checkpoints
    from .checkpoints import load_agent as load_agent
    from .checkpoints import load_checkpoint as load_checkpoint
    from .checkpoints import load_checkpoint_metadata as load_checkpoint_metadata
    from .checkpoints import save_agent as save_agent
    from .checkpoints import save_checkpoint as save_checkpoint
    from .checkpoints import verify_checkpoint as verify_checkpoint
    from .comparisons import AgentResult as AgentResult
    from .comparisons import AgentStanding as AgentStanding
    from .comparisons import Comparison as Comparison
    from .comparisons import ComparisonResult as ComparisonResult
    from .comparisons import ComparisonRun as ComparisonRun
    from .comparisons import Contender as Contender
    from .comparisons import ControlComparison as ControlComparison
    from .comparisons import ControlResult as ControlResult
    from .comparisons import ControlRun as ControlRun
    from .comparisons import ControlStudy as ControlStudy
    from .comparisons import ControlStudyResult as ControlStudyResult
    from .comparisons import ControlStudyRun as ControlStudyRun
    from .comparisons import ExperimentConfig as ExperimentConfig
    from .comparisons import LearnerGrid as LearnerGrid
    from .comparisons import LearnerResult as LearnerResult
    from .comparisons import SameUntilCut as SameUntilCut
    from .comparisons import SideBySide as SideBySide
    from .comparisons import SingleRunResult as SingleRunResult
    from .comparisons import Standing as Standing
    from .comparisons import StudyCell as StudyCell
    from .comparisons import StudyDifference as StudyDifference
    from .comparisons import aggregate_metrics as aggregate_metrics
    from .comparisons import comparison_from_config as comparison_from_config
    from .comparisons import control_comparison_from_config as control_comparison_from_config
    from .comparisons import control_study_from_config as control_study_from_config
    from .comparisons import extract_hyperparameter_results as extract_hyperparameter_results
    from .comparisons import plot_comparison as plot_comparison
    from .comparisons import plot_control_comparison as plot_control_comparison
    from .comparisons import plot_control_study as plot_control_study
    from .comparisons import run_comparison as run_comparison
    from .comparisons import run_control_comparison as run_control_comparison
    from .comparisons import run_control_study as run_control_study
    from .comparisons import run_multi_seed_experiment as run_multi_seed_experiment
    from .comparisons import run_single_experiment as run_single_experiment
    from .comparisons import save_comparison as save_comparison
    from .comparisons import save_control_comparison as save_control_comparison
    from .comparisons import save_control_study as save_control_study
    from .comparisons import spoken_point as spoken_point
    from .control import AVG as AVG
    from .control import QRC as QRC
    from .control import AbstractActionValueAgent as AbstractActionValueAgent
    from .control import AbstractActionValueState as AbstractActionValueState
    from .control import AbstractAgent as AbstractAgent
    from .control import AbstractAgentStep as AbstractAgentStep
    from .control import AbstractLinearSarsa as AbstractLinearSarsa
    from .control import AbstractNetworkValueAgent as AbstractNetworkValueAgent
    from .control import AbstractNetworkValueState as AbstractNetworkValueState
    from .control import AbstractPolicy as AbstractPolicy
    from .control import ActionValueState as ActionValueState
    from .control import ActorCriticState as ActorCriticState
    from .control import AgentStep as AgentStep
    from .control import AVGState as AVGState
    from .control import DifferentialQ as DifferentialQ
    from .control import DifferentialSARSA as DifferentialSARSA
    from .control import FeaturesState as FeaturesState
    from .control import GaussianPolicy as GaussianPolicy
    from .control import LinearSarsa as LinearSarsa
    from .control import LinearSarsaState as LinearSarsaState
    from .control import QRCState as QRCState
    from .control import ReturnScale as ReturnScale
    from .control import ReturnScaleState as ReturnScaleState
    from .control import SARSAAgent as SARSAAgent
    from .control import SARSAConfig as SARSAConfig
    from .control import SARSAState as SARSAState
    from .control import SARSAUpdateResult as SARSAUpdateResult
    from .control import SoftmaxPolicy as SoftmaxPolicy
    from .control import StreamAC as StreamAC
    from .control import StreamQ as StreamQ
    from .control import StreamSARSA as StreamSARSA
    from .control import SwiftSarsa as SwiftSarsa
    from .control import TanhGaussianPolicy as TanhGaussianPolicy
    from .control import TrueOnlineSarsa as TrueOnlineSarsa
    from .control import WithFeatures as WithFeatures
    from .control import epsilon_greedy as epsilon_greedy
    from .daemon import ActionEventSchema as ActionEventSchema
    from .daemon import ActionResult as ActionResult
    from .daemon import Daemon as Daemon
    from .daemon import EventProcessor as EventProcessor
    from .daemon import EventSchema as EventSchema
    from .daemon import StepResult as StepResult
    from .daemon import replay_daemon as replay_daemon
    from .daemon import shadow_of as shadow_of
    from .diagnostics import FeatureRelevance as FeatureRelevance
    from .diagnostics import PlasticityReport as PlasticityReport
    from .diagnostics import WeightMagnitude as WeightMagnitude
    from .diagnostics import approximate_rank as approximate_rank
    from .diagnostics import compute_feature_relevance as compute_feature_relevance
    from .diagnostics import compute_feature_sensitivity as compute_feature_sensitivity
    from .diagnostics import compute_plasticity as compute_plasticity
    from .diagnostics import dormant_fraction as dormant_fraction
    from .diagnostics import effective_rank as effective_rank
    from .diagnostics import relevance_to_dict as relevance_to_dict
    from .diagnostics import sample_plasticity as sample_plasticity
    from .diagnostics import stable_rank as stable_rank
    from .diagnostics import weight_magnitude as weight_magnitude
    from .environments import AbstractAdapter as AbstractAdapter
    from .environments import AbstractEnvironment as AbstractEnvironment
    from .environments import AccessControl as AccessControl
    from .environments import AccessControlState as AccessControlState
    from .environments import Acrobot as Acrobot
    from .environments import AcrobotState as AcrobotState
    from .environments import AdapterState as AdapterState
    from .environments import Baird as Baird
    from .environments import BairdState as BairdState
    from .environments import BraxEnvironment as BraxEnvironment
    from .environments import CartPole as CartPole
    from .environments import CartPoleState as CartPoleState
    from .environments import Catch as Catch
    from .environments import CatchState as CatchState
    from .environments import Changing as Changing
    from .environments import ChangingState as ChangingState
    from .environments import CraftaxEnvironment as CraftaxEnvironment
    from .environments import EnvironmentFailure as EnvironmentFailure
    from .environments import EnvStep as EnvStep
    from .environments import ForagaxEnvironment as ForagaxEnvironment
    from .environments import GymnaxEnvironment as GymnaxEnvironment
    from .environments import MountainCar as MountainCar
    from .environments import MountainCarContinuous as MountainCarContinuous
    from .environments import MountainCarContinuousState as MountainCarContinuousState
    from .environments import MountainCarState as MountainCarState
    from .environments import NavixEnvironment as NavixEnvironment
    from .environments import OctaxEnvironment as OctaxEnvironment
    from .environments import Pendulum as Pendulum
    from .environments import PendulumState as PendulumState
    from .environments import PlaygroundEnvironment as PlaygroundEnvironment
    from .environments import RandomWalk19 as RandomWalk19
    from .environments import RandomWalk19State as RandomWalk19State
    from .environments import RiverSwim as RiverSwim
    from .environments import RiverSwimState as RiverSwimState
    from .environments import StickyActions as StickyActions
    from .environments import StickyActionsState as StickyActionsState
    from .environments import SwitchingBandit as SwitchingBandit
    from .environments import SwitchingBanditState as SwitchingBanditState
    from .environments import TimeLimit as TimeLimit
    from .environments import TimeLimitState as TimeLimitState
    from .environments import TraceConditioning as TraceConditioning
    from .environments import TraceConditioningState as TraceConditioningState
    from .environments import TwoRooms as TwoRooms
    from .environments import TwoRoomsState as TwoRoomsState
    from .environments import flatten_space as flatten_space
    from .environments import flatten_value as flatten_value
    from .environments import space_action as space_action
    from .environments.gymnasium import AbstractEnvironmentStream as AbstractEnvironmentStream
    from .environments.gymnasium import CollectedTransitions as CollectedTransitions
    from .environments.gymnasium import GymnasiumStream as GymnasiumStream
    from .environments.gymnasium import HostWorldState as HostWorldState
    from .environments.gymnasium import PredictionMode as PredictionMode
    from .environments.gymnasium import SARSAContinuingResult as SARSAContinuingResult
    from .environments.gymnasium import SARSAEpisodeResult as SARSAEpisodeResult
    from .environments.gymnasium import TDStream as TDStream
    from .environments.gymnasium import VectorTrajectory as VectorTrajectory
    from .environments.gymnasium import as_gymnasium as as_gymnasium
    from .environments.gymnasium import collect_trajectory as collect_trajectory
    from .environments.gymnasium import collect_trajectory_vec as collect_trajectory_vec
    from .environments.gymnasium import collect_transitions as collect_transitions
    from .environments.gymnasium import interact_gymnasium as interact_gymnasium
    from .environments.gymnasium import learn_from_trajectory as learn_from_trajectory
    from .environments.gymnasium import (
        learn_from_trajectory_normalized as learn_from_trajectory_normalized,
    )
    from .environments.gymnasium import make_epsilon_greedy_policy as make_epsilon_greedy_policy
    from .environments.gymnasium import make_gymnasium_stream as make_gymnasium_stream
    from .environments.gymnasium import make_random_policy as make_random_policy
    from .environments.gymnasium import run_sarsa_continuing as run_sarsa_continuing
    from .environments.gymnasium import run_sarsa_episode as run_sarsa_episode
    from .event_features import AbstractEventField as AbstractEventField
    from .event_features import BooleanField as BooleanField
    from .event_features import BooleanState as BooleanState
    from .event_features import CategoryField as CategoryField
    from .event_features import CategoryState as CategoryState
    from .event_features import EventFeatures as EventFeatures
    from .event_features import EventFeaturesState as EventFeaturesState
    from .event_features import FieldError as FieldError
    from .event_features import NumberField as NumberField
    from .event_features import NumberState as NumberState
    from .event_features import TimestampField as TimestampField
    from .event_features import TimestampState as TimestampState
    from .features import AbstractFeatures as AbstractFeatures
    from .features import Clipped as Clipped
    from .features import Concatenated as Concatenated
    from .features import ObservationNormalizer as ObservationNormalizer
    from .features import ObservationTrace as ObservationTrace
    from .features import ObservationTraceState as ObservationTraceState
    from .features import Percept as Percept
    from .features import Pipeline as Pipeline
    from .features import RewardScaler as RewardScaler
    from .features import RewardScalerState as RewardScalerState
    from .features import TileCoder as TileCoder
    from .features import TilesOfEach as TilesOfEach
    from .features import TimeFeature as TimeFeature
    from .figures import create_comparison_figure as create_comparison_figure
    from .figures import plot_final_performance_bars as plot_final_performance_bars
    from .figures import plot_hyperparameter_heatmap as plot_hyperparameter_heatmap
    from .figures import plot_learning_curves as plot_learning_curves
    from .figures import plot_predictions as plot_predictions
    from .figures import plot_step_size_evolution as plot_step_size_evolution
    from .figures import publication_style as publication_style
    from .figures import save_figure as save_figure
    from .figures import set_publication_style as set_publication_style
    from .fitting import FileFit as FileFit
    from .fitting import FilePlan as FilePlan
    from .fitting import Score as Score
    from .fitting import plan_fit as plan_fit
    from .fitting import plot_fit as plot_fit
    from .fitting import recommended_learner as recommended_learner
    from .fitting import save_fit as save_fit
    from .horde import AbstractTargetPolicy as AbstractTargetPolicy
    from .horde import DemonType as DemonType
    from .horde import FixedTargetPolicy as FixedTargetPolicy
    from .horde import GVFSpec as GVFSpec
    from .horde import HordeLearner as HordeLearner
    from .horde import HordeSpec as HordeSpec
    from .horde import HordeState as HordeState
    from .horde import HordeUpdateResult as HordeUpdateResult
    from .horde import create_horde_spec as create_horde_spec
    from .horde import discounted_returns as discounted_returns
    from .horde import return_error as return_error
    from .hyperparameters import Axes as Axes
    from .interface import ActionSpace as ActionSpace
    from .interface import BoxActions as BoxActions
    from .interface import DiscreteActions as DiscreteActions
    from .linear_td import GQ as GQ
    from .linear_td import AbstractLinearTD as AbstractLinearTD
    from .linear_td import AbstractLinearTDState as AbstractLinearTDState
    from .linear_td import AbstractLinearValue as AbstractLinearValue
    from .linear_td import AbstractOffPolicyTD as AbstractOffPolicyTD
    from .linear_td import DifferentialTD as DifferentialTD
    from .linear_td import EmphaticTD as EmphaticTD
    from .linear_td import GradientTD as GradientTD
    from .linear_td import LinearHorde as LinearHorde
    from .linear_td import LinearHordeState as LinearHordeState
    from .linear_td import LinearHordeUpdate as LinearHordeUpdate
    from .linear_td import LinearTD as LinearTD
    from .linear_td import LinearTDState as LinearTDState
    from .linear_td import OffPolicyHorde as OffPolicyHorde
    from .linear_td import OffPolicyHordeState as OffPolicyHordeState
    from .linear_td import OffPolicyHordeUpdate as OffPolicyHordeUpdate
    from .linear_td import OffPolicyTD as OffPolicyTD
    from .linear_td import OffPolicyTDState as OffPolicyTDState
    from .linear_td import Retrace as Retrace
    from .linear_td import SwiftTD as SwiftTD
    from .linear_td import SwiftTDState as SwiftTDState
    from .linear_td import TDUpdate as TDUpdate
    from .linear_td import TrueOnlineTD as TrueOnlineTD
    from .linear_td import TrueOnlineTDState as TrueOnlineTDState
    from .linear_td import VTrace as VTrace
    from .linear_td import importance_ratio as importance_ratio
    from .linear_td import state_action_features as state_action_features
    from .lives import EpisodeRing as EpisodeRing
    from .lives import Episodes as Episodes
    from .lives import EvaluationResult as EvaluationResult
    from .lives import InteractResult as InteractResult
    from .lives import LearnResult as LearnResult
    from .lives import Life as Life
    from .lives import LifeState as LifeState
    from .lives import SARSAArrayResult as SARSAArrayResult
    from .lives import evaluate as evaluate
    from .lives import interact as interact
    from .lives import interact_batched as interact_batched
    from .lives import learn as learn
    from .lives import run_sarsa_from_arrays as run_sarsa_from_arrays
    from .loops import AbstractRecorder as AbstractRecorder
    from .loops import BatchedHordeResult as BatchedHordeResult
    from .loops import BatchedLearningResult as BatchedLearningResult
    from .loops import BatchedMLPResult as BatchedMLPResult
    from .loops import BatchedMultiHeadResult as BatchedMultiHeadResult
    from .loops import BatchedTDResult as BatchedTDResult
    from .loops import EveryNth as EveryNth
    from .loops import HordeLearningResult as HordeLearningResult
    from .loops import Lanes as Lanes
    from .loops import LifetimeAverage as LifetimeAverage
    from .loops import MultiHeadLearningResult as MultiHeadLearningResult
    from .loops import NormalizerHistory as NormalizerHistory
    from .loops import NormalizerTrackingConfig as NormalizerTrackingConfig
    from .loops import PredictionHistory as PredictionHistory
    from .loops import PredictionTracking as PredictionTracking
    from .loops import RunningMean as RunningMean
    from .loops import StateHistory as StateHistory
    from .loops import StateTracking as StateTracking
    from .loops import StepSizeHistory as StepSizeHistory
    from .loops import StepSizeTrackingConfig as StepSizeTrackingConfig
    from .loops import WindowMean as WindowMean
    from .loops import drive as drive
    from .loops import metrics_to_dicts as metrics_to_dicts
    from .loops import multi_head_metrics_to_dicts as multi_head_metrics_to_dicts
    from .loops import run_horde_learning_loop as run_horde_learning_loop
    from .loops import run_horde_learning_loop_batched as run_horde_learning_loop_batched
    from .loops import run_learning_loop as run_learning_loop
    from .loops import run_learning_loop_batched as run_learning_loop_batched
    from .loops import run_mlp_learning_loop as run_mlp_learning_loop
    from .loops import run_mlp_learning_loop_batched as run_mlp_learning_loop_batched
    from .loops import run_multi_head_learning_loop as run_multi_head_learning_loop
    from .loops import run_multi_head_learning_loop_batched as run_multi_head_learning_loop_batched
    from .loops import run_td_learning_loop as run_td_learning_loop
    from .loops import run_td_learning_loop_batched as run_td_learning_loop_batched
    from .migration import Migration as Migration
    from .migration import migrate as migrate
    from .nexting import HordeWithFeatures as HordeWithFeatures
    from .nexting import HordeWithFeaturesState as HordeWithFeaturesState
    from .nexting import LiveSource as LiveSource
    from .nexting import NextingErrors as NextingErrors
    from .nexting import NextingExperiment as NextingExperiment
    from .nexting import NextingResult as NextingResult
    from .nexting import NextingRun as NextingRun
    from .nexting import RecordSource as RecordSource
    from .nexting import SignalRecord as SignalRecord
    from .nexting import SignalSource as SignalSource
    from .nexting import SystemStream as SystemStream
    from .nexting import discount_from_timescale as discount_from_timescale
    from .nexting import load_record as load_record
    from .nexting import load_series as load_series
    from .nexting import nexting_errors as nexting_errors
    from .nexting import nexting_features as nexting_features
    from .nexting import nexting_from_config as nexting_from_config
    from .nexting import nexting_horde as nexting_horde
    from .nexting import nexting_learner as nexting_learner
    from .nexting import plot_nexting as plot_nexting
    from .nexting import ridge_predictions as ridge_predictions
    from .nexting import running_means as running_means
    from .nexting import save_nexting as save_nexting
    from .nexting import save_record as save_record
    from .reports import Timer as Timer
    from .reports import export_to_csv as export_to_csv
    from .reports import export_to_json as export_to_json
    from .reports import format_duration as format_duration
    from .reports import generate_latex_table as generate_latex_table
    from .reports import generate_markdown_table as generate_markdown_table
    from .reports import generate_significance_table as generate_significance_table
    from .reports import results_to_dataframe as results_to_dataframe
    from .reports import results_to_xarray as results_to_xarray
    from .reports import save_experiment_report as save_experiment_report
    from .results import AggregatedResults as AggregatedResults
    from .results import MetricSummary as MetricSummary
    from .results import summarize_metric as summarize_metric
    from .schedules import AbstractSchedule as AbstractSchedule
    from .schedules import Constant as Constant
    from .schedules import Linear as Linear
    from .schedules import Periodic as Periodic
    from .statistics import RecoveryTime as RecoveryTime
    from .statistics import SignificanceResult as SignificanceResult
    from .statistics import StatisticalSummary as StatisticalSummary
    from .statistics import area_under as area_under
    from .statistics import bonferroni_correction as bonferroni_correction
    from .statistics import bootstrap_ci as bootstrap_ci
    from .statistics import cohens_d as cohens_d
    from .statistics import compare_learners as compare_learners
    from .statistics import compute_cumulative_error as compute_cumulative_error
    from .statistics import compute_running_mean as compute_running_mean
    from .statistics import compute_statistics as compute_statistics
    from .statistics import compute_timeseries_statistics as compute_timeseries_statistics
    from .statistics import compute_tracking_error as compute_tracking_error
    from .statistics import dip as dip
    from .statistics import extract_metric as extract_metric
    from .statistics import get_final_performance as get_final_performance
    from .statistics import get_metric_timeseries as get_metric_timeseries
    from .statistics import holm_correction as holm_correction
    from .statistics import level_before as level_before
    from .statistics import lifetime_average as lifetime_average
    from .statistics import loss_area as loss_area
    from .statistics import mann_whitney_comparison as mann_whitney_comparison
    from .statistics import pairwise_comparisons as pairwise_comparisons
    from .statistics import plasticity_trend as plasticity_trend
    from .statistics import rank_biserial as rank_biserial
    from .statistics import recovery_time as recovery_time
    from .statistics import reward_rate as reward_rate
    from .statistics import ttest_comparison as ttest_comparison
    from .statistics import wilcoxon_comparison as wilcoxon_comparison
    from .statistics import window_mean as window_mean
    from .streams import MNIST as MNIST
    from .streams import AbruptChangeState as AbruptChangeState
    from .streams import AbruptChangeStream as AbruptChangeStream
    from .streams import AbruptChangeTarget as AbruptChangeTarget
    from .streams import AbstractArrayStream as AbstractArrayStream
    from .streams import AbstractLabelledData as AbstractLabelledData
    from .streams import AbstractStream as AbstractStream
    from .streams import ArrayStream as ArrayStream
    from .streams import ArrayStreamState as ArrayStreamState
    from .streams import CyclicState as CyclicState
    from .streams import CyclicStream as CyclicStream
    from .streams import CyclicTarget as CyclicTarget
    from .streams import Digits as Digits
    from .streams import DynamicScaleShiftState as DynamicScaleShiftState
    from .streams import DynamicScaleShiftStream as DynamicScaleShiftStream
    from .streams import LabelledArrays as LabelledArrays
    from .streams import PeriodicChangeState as PeriodicChangeState
    from .streams import PeriodicChangeStream as PeriodicChangeStream
    from .streams import PeriodicChangeTarget as PeriodicChangeTarget
    from .streams import PermutedClassificationState as PermutedClassificationState
    from .streams import PermutedClassificationStream as PermutedClassificationStream
    from .streams import RandomWalkChainState as RandomWalkChainState
    from .streams import RandomWalkChainStream as RandomWalkChainStream
    from .streams import RandomWalkState as RandomWalkState
    from .streams import RandomWalkStream as RandomWalkStream
    from .streams import RandomWalkTarget as RandomWalkTarget
    from .streams import RecordedStream as RecordedStream
    from .streams import ScaleDriftState as ScaleDriftState
    from .streams import ScaleDriftStream as ScaleDriftStream
    from .streams import ScaledStreamState as ScaledStreamState
    from .streams import ScaledStreamWrapper as ScaledStreamWrapper
    from .streams import ScanStream as ScanStream
    from .streams import SlowlyChangingRegressionState as SlowlyChangingRegressionState
    from .streams import SlowlyChangingRegressionStream as SlowlyChangingRegressionStream
    from .streams import SuttonExperiment1State as SuttonExperiment1State
    from .streams import SuttonExperiment1Stream as SuttonExperiment1Stream
    from .streams import TDArrayStream as TDArrayStream
    from .streams import TDScanStream as TDScanStream
    from .streams import make_scale_range as make_scale_range
    from .sweeps import BestPoint as BestPoint
    from .sweeps import SweepExperiment as SweepExperiment
    from .sweeps import SweepResult as SweepResult
    from .sweeps import SweepRun as SweepRun
    from .sweeps import save_sweep as save_sweep
    from .sweeps import sweep as sweep
    from .sweeps import sweep_from_config as sweep_from_config

# The documented names of the bases.
Bounder = AbstractBounder
Normalizer = AbstractNormalizer
Optimizer = AbstractOptimizer
TDOptimizer = AbstractTDOptimizer

__version__ = "0.1.0"

# Rooms that a learner in a stream does not need, each loaded when one of its names is first used.
_LATE = {
    "event_features": (
        "AbstractEventField",
        "BooleanField",
        "BooleanState",
        "CategoryField",
        "CategoryState",
        "EventFeatures",
        "EventFeaturesState",
        "FieldError",
        "NumberField",
        "NumberState",
        "TimestampField",
        "TimestampState",
    ),
    "features": (
        "AbstractFeatures",
        "Clipped",
        "Concatenated",
        "ObservationNormalizer",
        "ObservationTrace",
        "ObservationTraceState",
        "Percept",
        "Pipeline",
        "RewardScaler",
        "RewardScalerState",
        "TileCoder",
        "TilesOfEach",
        "TimeFeature",
    ),
    "schedules": (
        "AbstractSchedule",
        "Constant",
        "Linear",
        "Periodic",
    ),
    "interface": (
        "ActionSpace",
        "BoxActions",
        "DiscreteActions",
    ),
    "streams": (
        "AbruptChangeState",
        "AbruptChangeStream",
        "AbruptChangeTarget",
        "AbstractArrayStream",
        "AbstractLabelledData",
        "AbstractStream",
        "ArrayStream",
        "ArrayStreamState",
        "CyclicState",
        "CyclicStream",
        "CyclicTarget",
        "Digits",
        "DynamicScaleShiftState",
        "DynamicScaleShiftStream",
        "LabelledArrays",
        "MNIST",
        "PeriodicChangeState",
        "PeriodicChangeStream",
        "PeriodicChangeTarget",
        "PermutedClassificationState",
        "PermutedClassificationStream",
        "RandomWalkChainState",
        "RandomWalkChainStream",
        "RandomWalkState",
        "RandomWalkStream",
        "RandomWalkTarget",
        "RecordedStream",
        "ScaleDriftState",
        "ScaleDriftStream",
        "ScaledStreamState",
        "ScaledStreamWrapper",
        "ScanStream",
        "SlowlyChangingRegressionState",
        "SlowlyChangingRegressionStream",
        "SuttonExperiment1State",
        "SuttonExperiment1Stream",
        "TDArrayStream",
        "TDScanStream",
        "make_scale_range",
    ),
    "horde": (
        "AbstractTargetPolicy",
        "DemonType",
        "FixedTargetPolicy",
        "GVFSpec",
        "HordeLearner",
        "HordeSpec",
        "HordeState",
        "HordeUpdateResult",
        "create_horde_spec",
        "discounted_returns",
        "return_error",
    ),
    "control": (
        "AVG",
        "AVGState",
        "ReturnScale",
        "ReturnScaleState",
        "TanhGaussianPolicy",
        "TrueOnlineSarsa",
        "AbstractAgent",
        "AbstractAgentStep",
        "AbstractLinearSarsa",
        "AbstractNetworkValueAgent",
        "AbstractNetworkValueState",
        "AgentStep",
        "DifferentialQ",
        "DifferentialSARSA",
        "FeaturesState",
        "QRC",
        "QRCState",
        "SARSAAgent",
        "SARSAConfig",
        "SARSAState",
        "SARSAUpdateResult",
        "AbstractActionValueAgent",
        "AbstractActionValueState",
        "AbstractPolicy",
        "ActionValueState",
        "ActorCriticState",
        "GaussianPolicy",
        "LinearSarsa",
        "LinearSarsaState",
        "SoftmaxPolicy",
        "StreamAC",
        "StreamQ",
        "StreamSARSA",
        "SwiftSarsa",
        "WithFeatures",
        "epsilon_greedy",
    ),
    "environments": (
        "AbstractAdapter",
        "AbstractEnvironment",
        "AccessControl",
        "AccessControlState",
        "Acrobot",
        "AcrobotState",
        "AdapterState",
        "Baird",
        "BairdState",
        "BraxEnvironment",
        "CartPole",
        "CartPoleState",
        "Catch",
        "CatchState",
        "Changing",
        "ChangingState",
        "CraftaxEnvironment",
        "EnvStep",
        "EnvironmentFailure",
        "ForagaxEnvironment",
        "GymnaxEnvironment",
        "MountainCar",
        "MountainCarContinuous",
        "MountainCarContinuousState",
        "MountainCarState",
        "NavixEnvironment",
        "OctaxEnvironment",
        "Pendulum",
        "PendulumState",
        "PlaygroundEnvironment",
        "RandomWalk19",
        "RandomWalk19State",
        "RiverSwim",
        "RiverSwimState",
        "StickyActions",
        "StickyActionsState",
        "SwitchingBandit",
        "SwitchingBanditState",
        "TimeLimit",
        "TimeLimitState",
        "TraceConditioning",
        "TraceConditioningState",
        "TwoRooms",
        "TwoRoomsState",
        "flatten_space",
        "flatten_value",
        "space_action",
    ),
    "linear_td": (
        "AbstractLinearTD",
        "AbstractLinearTDState",
        "AbstractLinearValue",
        "AbstractOffPolicyTD",
        "GQ",
        "DifferentialTD",
        "EmphaticTD",
        "GradientTD",
        "LinearHorde",
        "LinearHordeState",
        "LinearHordeUpdate",
        "LinearTD",
        "LinearTDState",
        "OffPolicyHorde",
        "OffPolicyHordeState",
        "OffPolicyHordeUpdate",
        "OffPolicyTD",
        "OffPolicyTDState",
        "Retrace",
        "SwiftTD",
        "SwiftTDState",
        "TDUpdate",
        "TrueOnlineTD",
        "TrueOnlineTDState",
        "VTrace",
        "importance_ratio",
        "state_action_features",
    ),
    "nexting": (
        "HordeWithFeatures",
        "HordeWithFeaturesState",
        "LiveSource",
        "NextingErrors",
        "NextingExperiment",
        "NextingResult",
        "NextingRun",
        "RecordSource",
        "SignalRecord",
        "SignalSource",
        "SystemStream",
        "discount_from_timescale",
        "load_record",
        "load_series",
        "nexting_errors",
        "nexting_features",
        "nexting_from_config",
        "nexting_horde",
        "nexting_learner",
        "plot_nexting",
        "ridge_predictions",
        "running_means",
        "save_nexting",
        "save_record",
    ),
    "lives": (
        "EpisodeRing",
        "Episodes",
        "EvaluationResult",
        "InteractResult",
        "LearnResult",
        "Life",
        "LifeState",
        "SARSAArrayResult",
        "evaluate",
        "interact",
        "interact_batched",
        "learn",
        "run_sarsa_from_arrays",
    ),
    "loops": (
        "AbstractRecorder",
        "BatchedHordeResult",
        "BatchedLearningResult",
        "BatchedMLPResult",
        "BatchedMultiHeadResult",
        "BatchedTDResult",
        "EveryNth",
        "HordeLearningResult",
        "Lanes",
        "LifetimeAverage",
        "MultiHeadLearningResult",
        "NormalizerHistory",
        "NormalizerTrackingConfig",
        "RunningMean",
        "PredictionHistory",
        "PredictionTracking",
        "StateHistory",
        "StateTracking",
        "StepSizeHistory",
        "StepSizeTrackingConfig",
        "WindowMean",
        "drive",
        "metrics_to_dicts",
        "multi_head_metrics_to_dicts",
        "run_horde_learning_loop",
        "run_horde_learning_loop_batched",
        "run_learning_loop",
        "run_learning_loop_batched",
        "run_mlp_learning_loop",
        "run_mlp_learning_loop_batched",
        "run_multi_head_learning_loop",
        "run_multi_head_learning_loop_batched",
        "run_td_learning_loop",
        "run_td_learning_loop_batched",
    ),
    "environments.gymnasium": (
        "AbstractEnvironmentStream",
        "CollectedTransitions",
        "GymnasiumStream",
        "HostWorldState",
        "PredictionMode",
        "SARSAContinuingResult",
        "SARSAEpisodeResult",
        "TDStream",
        "VectorTrajectory",
        "as_gymnasium",
        "collect_trajectory",
        "collect_trajectory_vec",
        "collect_transitions",
        "interact_gymnasium",
        "learn_from_trajectory",
        "learn_from_trajectory_normalized",
        "make_epsilon_greedy_policy",
        "make_gymnasium_stream",
        "make_random_policy",
        "run_sarsa_continuing",
        "run_sarsa_episode",
    ),
    "diagnostics": (
        "FeatureRelevance",
        "PlasticityReport",
        "WeightMagnitude",
        "approximate_rank",
        "compute_feature_relevance",
        "compute_feature_sensitivity",
        "compute_plasticity",
        "dormant_fraction",
        "effective_rank",
        "relevance_to_dict",
        "sample_plasticity",
        "stable_rank",
        "weight_magnitude",
    ),
    "checkpoints": (
        "CheckpointError",
        "CheckpointInUseError",
        "checkpoint_exists",
        "checkpoint_header",
        "import_reference_checkpoint",
        "list_checkpoints",
        "load_agent",
        "load_checkpoint",
        "load_checkpoint_metadata",
        "save_agent",
        "save_checkpoint",
        "verify_checkpoint",
    ),
    "daemon": (
        "ActionEventSchema",
        "ActionResult",
        "Daemon",
        "EventProcessor",
        "replay_daemon",
        "shadow_of",
        "EventSchema",
        "StepResult",
    ),
    "migration": ("Migration", "migrate"),
    "hyperparameters": ("Axes",),
    "results": ("AggregatedResults", "MetricSummary", "summarize_metric"),
    "statistics": (
        "RecoveryTime",
        "SignificanceResult",
        "StatisticalSummary",
        "area_under",
        "bonferroni_correction",
        "bootstrap_ci",
        "cohens_d",
        "compare_learners",
        "compute_cumulative_error",
        "compute_running_mean",
        "compute_statistics",
        "compute_timeseries_statistics",
        "compute_tracking_error",
        "dip",
        "extract_metric",
        "get_final_performance",
        "get_metric_timeseries",
        "holm_correction",
        "level_before",
        "lifetime_average",
        "loss_area",
        "mann_whitney_comparison",
        "pairwise_comparisons",
        "plasticity_trend",
        "rank_biserial",
        "recovery_time",
        "reward_rate",
        "ttest_comparison",
        "wilcoxon_comparison",
        "window_mean",
    ),
    "reports": (
        "Timer",
        "export_to_csv",
        "export_to_json",
        "format_duration",
        "generate_latex_table",
        "generate_markdown_table",
        "generate_significance_table",
        "results_to_dataframe",
        "results_to_xarray",
        "save_experiment_report",
    ),
    "figures": (
        "create_comparison_figure",
        "plot_final_performance_bars",
        "plot_hyperparameter_heatmap",
        "plot_learning_curves",
        "plot_predictions",
        "plot_step_size_evolution",
        "publication_style",
        "save_figure",
        "set_publication_style",
    ),
    "fitting": (
        "FileFit",
        "FilePlan",
        "Score",
        "plan_fit",
        "plot_fit",
        "recommended_learner",
        "save_fit",
    ),
    "comparisons": (
        "AgentResult",
        "AgentStanding",
        "Comparison",
        "ComparisonResult",
        "ComparisonRun",
        "Contender",
        "ControlComparison",
        "ControlResult",
        "ControlRun",
        "ControlStudy",
        "ControlStudyResult",
        "ControlStudyRun",
        "ExperimentConfig",
        "LearnerGrid",
        "LearnerResult",
        "SameUntilCut",
        "SideBySide",
        "SingleRunResult",
        "Standing",
        "StudyCell",
        "StudyDifference",
        "aggregate_metrics",
        "comparison_from_config",
        "control_comparison_from_config",
        "control_study_from_config",
        "extract_hyperparameter_results",
        "plot_comparison",
        "plot_control_comparison",
        "plot_control_study",
        "run_comparison",
        "run_control_comparison",
        "run_control_study",
        "run_multi_seed_experiment",
        "run_single_experiment",
        "save_comparison",
        "save_control_comparison",
        "save_control_study",
        "spoken_point",
    ),
    "sweeps": (
        "BestPoint",
        "SweepExperiment",
        "SweepResult",
        "SweepRun",
        "save_sweep",
        "sweep",
        "sweep_from_config",
    ),
}
_ROOM_OF = {name: room for room, names in _LATE.items() for name in names}
_EARLY = tuple(name for name in vars() if not name.startswith("_"))
_NO_NAMES = {"Any", "ModuleType", "TYPE_CHECKING", "importlib"}


def _load_rooms() -> list[Any]:
    return [importlib.import_module(f".{room}", __name__) for room in _LATE]


# A configuration may name a component of a room that nothing has asked for yet.
AbstractComponent._late_rooms.append(_load_rooms)


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return __dir__()
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f".{_ROOM_OF[name]}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The public names, all of them, and nothing else."""
    modules = {name for name in _EARLY if isinstance(globals()[name], ModuleType)}
    return sorted({*_EARLY, *_ROOM_OF} - modules - _NO_NAMES)
