# The commands of a checkout; `make` alone lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PIP     = $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Half as many workers again as cores, as many tests wait for a program to start; who is done early takes of the others'
# work. A run is named by its seed, which pytest prints.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) * 3 // 2)')
PYTEST_ARGS ?= -n $(WORKERS) --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help demo test check docs site bench clean

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/.installed-test: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(PIP) --only-binary oopt-gnpy-libyang --editable '.[test,oracle]' || $(PIP) --editable '.[test]'
	touch $@ $(VENV)/.installed

demo: $(VENV)/.installed ## play the renewal procedure against a simulated SBC and two TLS peers
	$(BIN)/sbcsim demo

test: $(VENV)/.installed-test ## run the whole suite; interop peers that are missing skip, with a count
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/.installed-test ## run ruff, mypy and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed ## write the pages of docs/ that are made from the sources
	PYTHONPATH=docs $(BIN)/python -m handbook

$(VENV)/.installed-docs: pyproject.toml $(VENV)/.installed
	$(PIP) --editable '.[docs]'
	touch $@

site: $(VENV)/.installed-docs ## build the site of docs/ into build/site; a broken link or anchor fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.installed-test ## measure, each figure beside a bare baseline of the same run
	$(BIN)/python -m benchmarks

clean: ## remove the virtual environment and every cache
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
