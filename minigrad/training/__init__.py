"""The training loop and what it measures."""

from minigrad.training.fit import TrainingWarning as TrainingWarning
from minigrad.training.fit import evaluate as evaluate
from minigrad.training.fit import fit as fit
from minigrad.training.history import History as History
from minigrad.training.metrics import accuracy as accuracy
