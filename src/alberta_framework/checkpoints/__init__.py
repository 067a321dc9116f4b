"""Checkpoints: one file that survives a crash at any moment, or a folder run by Orbax."""

from .agents import load_agent as load_agent
from .agents import save_agent as save_agent
from .errors import CheckpointError as CheckpointError
from .errors import CheckpointInUseError as CheckpointInUseError
from .load import checkpoint_exists as checkpoint_exists
from .load import checkpoint_header as checkpoint_header
from .load import list_checkpoints as list_checkpoints
from .load import load_checkpoint as load_checkpoint
from .load import load_checkpoint_metadata as load_checkpoint_metadata
from .load import verify_checkpoint as verify_checkpoint
from .reference import import_reference_checkpoint as import_reference_checkpoint
from .save import save_checkpoint as save_checkpoint
