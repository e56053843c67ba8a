"""The command line: ``minigrad demo``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from minigrad.errors import MinigradError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, 1 after an error of minigrad, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except MinigradError as problem:
        print(f"minigrad: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("minigrad: interrupted", file=sys.stderr)
        return 130
    return 0


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
    return parser


def _demo(options: argparse.Namespace) -> None:
    from minigrad.demo import run

    run(options.output, epochs=options.epochs, seed=options.seed)
