"""The training loop and what it measures."""

from minigrad.training.checkpoint import Checkpoint as Checkpoint
from minigrad.training.checkpoint import Saved as Saved
from minigrad.training.checkpoint import load as load
from minigrad.training.checkpoint import save as save
from minigrad.training.fit import TrainingWarning as TrainingWarning
from minigrad.training.fit import evaluate as evaluate
from minigrad.training.fit import fit as fit
from minigrad.training.history import History as History
from minigrad.training.metrics import accuracy as accuracy
