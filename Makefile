# Everything runs in .venv, which the first command builds.
# Another Python: make demo PYTHON=python3.13
PYTHON ?= python3
BIN := .venv/bin
# Frameworks to compare with, in another environment: make bench BENCH_PYTHON=path/to/python
# Options, which --help lists: make bench BENCH="--quick --only training chain"
BENCH_PYTHON ?= $(BIN)/python
BENCH ?=
# How long to soak: make soak MINUTES=1
MINUTES ?= 10
# Options, which --help lists: make mutants MUTANTS="--only minigrad/ops/activation.py"
MUTANTS ?=

.PHONY: help demo test test-oldest soak mutants lint format examples player bench bench-readme clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: .venv/installed ## train on handwritten digits and draw the graph, into runs/demo/
	@$(BIN)/minigrad demo

test: .venv/installed ## every test, with coverage
	@$(BIN)/pytest --cov --cov-report=term

test-oldest: .venv-oldest/installed ## every test with the oldest NumPy that is supported
	@.venv-oldest/bin/pytest

soak: .venv/installed ## ten minutes of training small models: memory stays flat; see MINUTES
	@$(BIN)/python -m tests.soak --minutes $(MINUTES)

mutants: .venv/installed ## change the library's code in thousands of places, and see that tests fail (an hour); see MUTANTS
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	@$(BIN)/python -m tests.mutants $(MUTANTS)

lint: .venv/installed ## ruff (format and rules) and mypy --strict
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy

format: .venv/installed ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

examples: .venv/installed ## run every example
	@for script in examples/*.py examples/laboratory/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

player: ## build the browser player's script from its sources (needs npm)
	@$(PYTHON) docs/build_player.py

bench: .venv/installed ## measure beside NumPy, and PyTorch, JAX and others where they are installed; see BENCH
	@$(BENCH_PYTHON) -m benchmarks $(BENCH)

bench-readme: .venv/installed ## the same, and put the tables into README.md
	@$(BENCH_PYTHON) -m benchmarks --readme $(BENCH)

.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "minigrad needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make demo PYTHON=python3.12")'
	@echo "Building .venv (once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

.venv-oldest/installed: pyproject.toml
	@echo "Building .venv-oldest (once) ..."
	@$(PYTHON) -m venv .venv-oldest
	@.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' 'numpy==2.0.*'
	@touch $@

clean: ## remove .venv, runs and caches
	rm -rf .venv .venv-oldest runs .pytest_cache .mypy_cache .ruff_cache .coverage .hypothesis
