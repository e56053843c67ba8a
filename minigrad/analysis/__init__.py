"""Why gradient descent works, when it does not, and what to do: curvature, convexity, gradient flow."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minigrad.analysis import surfaces as surfaces
from minigrad.analysis.batch_size import BatchSizeStudy as BatchSizeStudy
from minigrad.analysis.batch_size import batch_size_study as batch_size_study
from minigrad.analysis.batch_size_trial import BatchSizeRow as BatchSizeRow
from minigrad.analysis.convex_sets import ConvexSetCheck as ConvexSetCheck
from minigrad.analysis.convex_sets import SegmentWitness as SegmentWitness
from minigrad.analysis.convex_sets import check_convex_set as check_convex_set
from minigrad.analysis.convexity import ConvexityCheck as ConvexityCheck
from minigrad.analysis.convexity import JensenWitness as JensenWitness
from minigrad.analysis.convexity import check_convex as check_convex
from minigrad.analysis.critical_points import classify_critical_point as classify_critical_point
from minigrad.analysis.critical_points import escape as escape
from minigrad.analysis.critical_points import escape_direction as escape_direction
from minigrad.analysis.critical_points import minimum_ratio as minimum_ratio
from minigrad.analysis.curvature import Curvature as Curvature
from minigrad.analysis.curvature import Estimate as Estimate
from minigrad.analysis.deep_networks import deep_network as deep_network
from minigrad.analysis.descent import Path as Path
from minigrad.analysis.descent import descend as descend
from minigrad.analysis.directional import directional_derivative as directional_derivative
from minigrad.analysis.directional import directional_derivatives as directional_derivatives
from minigrad.analysis.directional import steepest_direction as steepest_direction
from minigrad.analysis.eigen import EigenDecomposition as EigenDecomposition
from minigrad.analysis.eigen import eigendecompose as eigendecompose
from minigrad.analysis.extremes import Extremes as Extremes
from minigrad.analysis.flow import GradientFlow as GradientFlow
from minigrad.analysis.flow import gradient_flow as gradient_flow
from minigrad.analysis.second_derivatives import CriticalPoint as CriticalPoint
from minigrad.analysis.spectrum import Spectrum as Spectrum
from minigrad.analysis.surfaces import Surface as Surface
from minigrad.errors import unknown_name as _unknown_name

if not _TYPE_CHECKING:  # a type checker shall see only what there is
    __getattr__ = _unknown_name(__name__, globals(), "surfaces")
