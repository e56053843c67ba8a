# Everything runs in a virtual environment, which the first command builds: .venv for python3.
# Another Python has its own, such as .venv-3.13: make demo PYTHON=python3.13
PYTHON ?= python3
VENV := .venv
ifneq ($(PYTHON),python3)
VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
endif
OLDEST := $(VENV)-oldest
BIN := $(VENV)/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
# Processes that tests run in at the same time: make test WORKERS=8
WORKERS ?= 2
PYTEST := pytest -n $(WORKERS) --dist worksteal
# Frameworks to compare with, in another environment: make bench BENCH_PYTHON=path/to/python
# Options, which --help lists: make bench BENCH="--quick --only training chain"
BENCH_PYTHON ?= $(BIN)/python
BENCH ?=
# How long to soak: make soak MINUTES=1
MINUTES ?= 10
# Options, which --help lists: make mutants MUTANTS="--only minigrad/ops/activation.py"
MUTANTS ?=

.PHONY: help demo test test-all test-oldest soak mutants lint format examples player bench bench-readme clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/demo ## train on handwritten digits and draw the graph, into runs/demo/
	@$(BIN)/minigrad demo

# the workers share the processors: more threads of BLAS would wait for one another
test test-all test-oldest: export OPENBLAS_NUM_THREADS := 1

test: $(VENV)/installed ## the tests that are not marked as slow: three minutes
	@$(BIN)/$(PYTEST) -m "not slow"

test-all: $(VENV)/installed ## every test, with coverage: a quarter of an hour
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT INT TERM && \
		COVERAGE_FILE="$$folder/coverage" $(BIN)/$(PYTEST) --cov --cov-report=term

test-oldest: $(OLDEST)/installed ## every test with the oldest NumPy that is supported
	@$(OLDEST)/bin/$(PYTEST)

soak: $(VENV)/installed ## ten minutes of training small models: memory stays flat; see MINUTES
	@$(BIN)/python -m tests.soak --minutes $(MINUTES)

mutants: $(VENV)/installed ## change the library's code in thousands of places, and see that tests fail (an hour); see MUTANTS
	@$(BIN)/python $(PIP_INSTALL) --editable '.[mutants]'
	@$(BIN)/python -m tests.mutants $(MUTANTS)

lint: $(VENV)/installed ## ruff (format and rules) and mypy --strict
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy

format: $(VENV)/installed ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

examples: $(VENV)/installed ## run every example
	@for script in examples/*.py examples/laboratory/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

player: ## build the browser player's script from its sources (needs npm)
	@$(PYTHON) docs/build_player.py

bench: $(VENV)/installed ## measure beside NumPy, and PyTorch, JAX and others where they are installed; see BENCH
	@$(BENCH_PYTHON) -m benchmarks $(BENCH)

bench-readme: $(VENV)/installed ## the same, and put the tables into README.md
	@$(BENCH_PYTHON) -m benchmarks --readme $(BENCH)

# what the demo needs: the package, and what it draws with
$(VENV)/demo: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "minigrad needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make demo PYTHON=python3.12")'
	@echo "Building $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP_INSTALL) --editable '.[render,plot]'
	@touch $@

# beside that, what tests and linters need
$(VENV)/installed: $(VENV)/demo
	@echo "Installing what tests need into $(VENV) (once) ..."
	@$(BIN)/python $(PIP_INSTALL) --editable '.[dev]'
	@touch $@

$(OLDEST)/installed: pyproject.toml
	@echo "Building $(OLDEST) (once) ..."
	@$(PYTHON) -m venv $(OLDEST)
	@$(OLDEST)/bin/python $(PIP_INSTALL) --editable '.[dev]' 'numpy==2.0.*'
	@touch $@

clean: ## remove the environments, runs and caches
	rm -rf .venv .venv-* runs .pytest_cache .mypy_cache .ruff_cache .coverage .hypothesis
