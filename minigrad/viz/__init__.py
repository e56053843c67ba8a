"""Seeing what happens: graphs, backward passes step by step, training curves, decision boundaries."""

from minigrad.viz.browser.player import Player as Player
from minigrad.viz.browser.player import player as player
from minigrad.viz.drawing import Drawing as Drawing
from minigrad.viz.drawing import draw as draw
from minigrad.viz.plots import decision_boundary as decision_boundary
from minigrad.viz.plots import history as history
from minigrad.viz.recording.recorder import trace as trace
from minigrad.viz.recording.trace import Trace as Trace
from minigrad.viz.terminal.stepper import step as step
