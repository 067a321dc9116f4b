"""Sweeps: seeds times hyperparameters as one batch, on one core or many hosts."""

from .experiment import SweepExperiment as SweepExperiment
from .experiment import sweep_from_config as sweep_from_config
from .files import save_sweep as save_sweep
from .result import BestPoint as BestPoint
from .result import SweepResult as SweepResult
from .run import SweepRun as SweepRun
from .run import sweep as sweep
