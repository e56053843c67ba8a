"""Seeing what happens: graphs, backward passes step by step, training curves, decision boundaries."""

from minigrad.viz.analysis_plots import batch_sizes as batch_sizes
from minigrad.viz.analysis_plots import gradient_flow as gradient_flow
from minigrad.viz.analysis_plots import spectrum as spectrum
from minigrad.viz.animation import TrajectoryAnimation as TrajectoryAnimation
from minigrad.viz.browser.player import Player as Player
from minigrad.viz.browser.player import player as player
from minigrad.viz.directional_plot import directional as directional
from minigrad.viz.drawing import Drawing as Drawing
from minigrad.viz.drawing import draw as draw
from minigrad.viz.landscapes import landscape as landscape
from minigrad.viz.landscapes import landscape_line as landscape_line
from minigrad.viz.plots import decision_boundary as decision_boundary
from minigrad.viz.plots import history as history
from minigrad.viz.recording.recorder import trace as trace
from minigrad.viz.recording.trace import Trace as Trace
from minigrad.viz.terminal.stepper import step as step
from minigrad.viz.trajectories import animate_trajectory as animate_trajectory
from minigrad.viz.trajectories import trajectory as trajectory
