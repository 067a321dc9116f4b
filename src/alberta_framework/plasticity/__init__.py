"""Plasticity: what keeps a network able to learn, whatever its optimizer is."""

from .abstract import AbstractPlasticity as AbstractPlasticity
from .abstract import NetworkStep as NetworkStep
from .abstract import Remade as Remade
from .abstract import Watched as Watched
from .chain import PlasticityChain as PlasticityChain
from .chain import PlasticityChainState as PlasticityChainState
from .continual_backprop import ContinualBackprop as ContinualBackprop
from .continual_backprop import ContinualBackpropState as ContinualBackpropState
from .hare_and_tortoise import HareAndTortoise as HareAndTortoise
from .hare_and_tortoise import HareAndTortoiseState as HareAndTortoiseState
from .l2_init import L2Init as L2Init
from .l2_init import L2InitState as L2InitState
from .monitor import PlasticityMonitor as PlasticityMonitor
from .monitor import PlasticityMonitorState as PlasticityMonitorState
from .noise import KeyState as KeyState
from .redo import ReDo as ReDo
from .redo import ReDoState as ReDoState
from .self_normalized_resets import SelfNormalizedResets as SelfNormalizedResets
from .self_normalized_resets import SelfNormalizedResetsState as SelfNormalizedResetsState
from .shrink_and_perturb import ShrinkAndPerturb as ShrinkAndPerturb
from .soft_reset import SoftReset as SoftReset
from .spectral_penalty import SpectralPenalty as SpectralPenalty
from .spectral_penalty import SpectralPenaltyState as SpectralPenaltyState
from .upgd import UPGD as UPGD
from .upgd import UPGDState as UPGDState
from .weight_clipping import WeightClipping as WeightClipping
