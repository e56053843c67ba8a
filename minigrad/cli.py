"""The command line: ``minigrad demo``, ``minigrad draw`` and ``minigrad step``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from minigrad import capture
from minigrad.errors import MinigradError

# the options that run a script has, with a value and without; after SCRIPT no other word is minigrad's
VALUED = ("-o", "--output", "--backward")
FLAGS = {"draw": ("--stop",), "step": ("--stop", "--terminal")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, 1 after an error of minigrad, 130 after Ctrl-C.

    ``draw`` and ``step`` return the script's exit code, and 2 where no script could be run.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    parts = split(words[1:], VALUED, FLAGS[words[0]]) if words and words[0] in FLAGS else None
    options = _parser().parse_args(words if parts is None else [words[0], *parts.ours])
    try:
        code: int = options.run(options, parts)
    except MinigradError as problem:
        print(f"minigrad: {problem}", file=sys.stderr)
        return 1 if parts is None else 2
    except capture.ScriptInterrupted:
        sys.excepthook = _nothing  # the traceback has been shown: what is left is to die by the signal
        raise KeyboardInterrupt from None
    except KeyboardInterrupt:
        print("minigrad: interrupted", file=sys.stderr)
        return 130
    return code


class Parts(NamedTuple):
    """A command line that runs a script.

    Attributes:
        ours: the words that are minigrad's.
        script: the script, if there is one.
        theirs: the words that are the script's.
    """

    ours: list[str]
    script: str | None
    theirs: list[str]


def split(words: Iterable[str], valued: Collection[str], flags: Collection[str]) -> Parts:
    """Say which words of a command line are whose: minigrad's options may stand before the script and after it.

    Before the script every option is minigrad's, known or not; after it those of ``valued`` and ``flags``
    alone, written in full. ``--`` ends them: the words behind it are the script's, whatever they are.

    Args:
        words: what follows the command.
        valued: minigrad's options that have a value, as ``--name value`` or ``--name=value``.
        flags: those that have none.

    >>> split("-o a.svg train.py --epochs 3 --stop -- --stop".split(), ["-o"], ["--stop"])
    Parts(ours=['-o', 'a.svg', '--stop'], script='train.py', theirs=['--epochs', '3', '--stop'])
    """
    ours: list[str] = []
    theirs: list[str] = []
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, _ = word.partition("=")
        if word == "--":
            theirs += rest
            if not found:
                found, theirs = theirs[:1], theirs[1:]
        elif word in valued:
            ours += [word, *islice(rest, 1)]
        elif word in flags or (equals and name.startswith("--") and name in valued):
            ours.append(word)
        elif found:
            theirs.append(word)
        else:
            (ours if word.startswith("-") else found).append(word)
    return Parts(ours, found[0] if found else None, theirs)


def _parser() -> argparse.ArgumentParser:
    from minigrad import __version__

    parser = argparse.ArgumentParser(
        prog="minigrad", description="Automatic differentiation in NumPy that you can read, see and use."
    )
    parser.add_argument("--version", action="version", version=f"minigrad {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="train on handwritten digits, draw the graph and the curves",
        description="Train a multilayer perceptron on the embedded handwritten digits, then draw its computation "
        "graph and its learning curves.",
    )
    demo.add_argument("-o", "--output", type=Path, default=Path("runs/demo"), help="folder for the files (%(default)s)")
    demo.add_argument("--epochs", type=int, default=30, help="times through the training data (%(default)s)")
    demo.add_argument("--seed", type=int, default=0, help="of the split, the weights and the order (%(default)s)")
    demo.set_defaults(run=_demo)
    _add_draw(commands)
    _add_step(commands)
    return parser


def _add_draw(commands: Any) -> None:
    draw = commands.add_parser(
        "draw",
        help="run a script, and draw the graph of its backward pass",
        usage="minigrad draw [options] SCRIPT [the script's arguments]",
        description="Run a script as `python SCRIPT ...` does, and draw the computation graph of its first\n"
        "backward(): every value, every gradient, and the line of the script that made it.",
        epilog=_EPILOG.format(command="draw", file="graph.svg"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    draw.set_defaults(run=_run_script, parser=draw, suffix=".svg", terminal=False)
    _add_options(draw, "an .svg file")


def _add_step(commands: Any) -> None:
    step = commands.add_parser(
        "step",
        help="run a script, and step through its backward pass",
        usage="minigrad step [options] SCRIPT [the script's arguments]",
        description="Run a script as `python SCRIPT ...` does, and step through its first backward(): each value\n"
        "of the forward pass, each contribution of the backward pass, and the optimizer's update.",
        epilog=_EPILOG.format(command="step", file="backprop.html"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    step.set_defaults(run=_run_script, parser=step, suffix=".html")
    _add_options(step, "an .html page")
    step.add_argument("--terminal", action="store_true", help="step in the terminal, once the script has ended")


def _add_options(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="where to write; the suffix says what: .svg, .png, .pdf or .dot for a picture, .html for a page that "
        f"steps through the pass. Without it {default} opens in the browser",
    )
    parser.add_argument(
        "--backward",
        type=_number,
        default=1,
        metavar="N",
        help="show the N-th backward() of the script (%(default)s)",
    )
    parser.add_argument(
        "--stop",
        action="store_true",
        help="end the script right after that backward(); there is then no optimizer's update to show",
    )


_EPILOG = """The script runs unchanged: what it prints, reads and returns is what it is under python.
These options may also stand after SCRIPT; every other word there is the script's.
After -- all words are the script's, these options' names too.

  minigrad {command} train.py
  minigrad {command} train.py --epochs 3 -o {file} --stop
  minigrad {command} --backward 100 train.py -- -o weights.npz
"""


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return int(text)


def _demo(options: argparse.Namespace, parts: Parts | None) -> int:
    from minigrad.demo import run

    run(options.output, epochs=options.epochs, seed=options.seed)
    return 0


def _run_script(options: argparse.Namespace, parts: Parts | None) -> int:
    parser: argparse.ArgumentParser = options.parser
    if parts is None or parts.script is None:
        parser.error("which script? Give its path, as to python")
    return capture.run(
        parts.script,
        parts.theirs,
        output=options.output,
        suffix=options.suffix,
        number=options.backward,
        stop=options.stop,
        terminal=options.terminal,
    )


def _nothing(*problem: object) -> None:
    """Show nothing."""
