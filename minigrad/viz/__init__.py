"""Seeing what happens: computation graphs, training curves, decision boundaries."""

from minigrad.viz.drawing import Drawing as Drawing
from minigrad.viz.drawing import draw as draw
from minigrad.viz.plots import decision_boundary as decision_boundary
from minigrad.viz.plots import history as history
