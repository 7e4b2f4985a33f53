# Needs python3 (3.11 or newer), pip and make. Everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# A stamp is touched when its part of .venv is installed, and is out of date
# when pyproject.toml changes.
MADE := $(VENV)/.made
PACKAGE := $(VENV)/.package
CHAT := $(VENV)/.chat
TEST := $(VENV)/.test
DEV := $(VENV)/.dev
BENCH := $(VENV)/.bench

.PHONY: help chat test tested measured check lint format docs bench faults clean

help: ## show this list
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z]*\): .*## \(.*\)/  \1	\2/p' Makefile

chat: $(CHAT) ## play the guessing game in the terminal
	@$(BIN)/python -m dialogs.cli chat examples.guessbot.game:game

# Where CI is set, the tests are measured at once: `make test check` runs them once.
test: $(if $(CI),measured,tested) ## run the tests

check: lint docs measured ## all that CI checks: lint, docs, tests with branch coverage

# Two at a time, since they wait for servers, programs and a browser; each file in one process,
# and the slow ones, which come first, not last.
PYTEST := $(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder

tested: $(TEST)
	$(PYTEST)

measured: $(TEST)
	$(PYTEST) --cov

lint: $(DEV) ## check format, style, types and imports
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(DEV) ## format the code and repair what can be repaired
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: $(DEV) ## build the docs into docs/_build
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build

bench: $(BENCH) ## print the table of benchmarks
	@$(BIN)/python -m benchmarks

faults: $(TEST) ## kill workers and servers for some minutes, and print what was lost
	@$(BIN)/python -m tests.faults $(FAULTS)

clean: ## remove .venv and all that the other targets made
	rm -rf $(VENV) docs/_build build dist .coverage .coverage.* htmlcov
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Some systems ship python3 without ensurepip: there, their pip fills .venv.
$(MADE):
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; name one with: make PYTHON=python3.12")'
	@echo "Setting up $(VENV); this is done once."
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		$(PYTHON) -m venv $(VENV); \
	else \
		$(PYTHON) -m venv --without-pip $(VENV) && \
		$(PYTHON) -m pip --python $(BIN)/python install --quiet pip; \
	fi
	@$(PIP) --upgrade 'pip>=25.1'
	@touch $@

$(PACKAGE): pyproject.toml $(MADE)
	@$(PIP) --editable .
	@touch $@

$(CHAT): $(PACKAGE)
	@echo "Installing what the terminal needs."
	@$(PIP) --editable '.[cli]'
	@touch $@

$(TEST): $(PACKAGE)
	@echo "Installing what the tests need."
	@$(PIP) --group test
	@touch $@

$(DEV): $(PACKAGE)
	@echo "Installing the developers' tools."
	@$(PIP) --group dev
	@touch $@

$(BENCH): $(PACKAGE)
	@echo "Installing what the benchmarks compare with."
	@$(PIP) --group bench
	@touch $@
