"""Checkpoints: a training run saved in checked files, and gone on with as if nothing had happened."""

from minigrad.training.checkpoint.saved import Saved as Saved
from minigrad.training.checkpoint.saving import load as load
from minigrad.training.checkpoint.saving import save as save
from minigrad.training.checkpoint.store import Checkpoint as Checkpoint
