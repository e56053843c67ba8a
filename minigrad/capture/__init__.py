"""What ``minigrad draw`` and ``minigrad step`` do: run any script as it is, and show one of its backward passes."""

from minigrad.capture.command import run as run
from minigrad.capture.observer import Capture as Capture
from minigrad.capture.output import write as write
from minigrad.capture.script import ScriptInterrupted as ScriptInterrupted
from minigrad.capture.script import run_script as run_script
