# Everything runs in .venv, which the first target that needs it creates.

# The first of these that is new enough and can create virtual environments.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)
BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
INPUT ?=
TESTS ?=
export PYTHONUTF8 := 1

.PHONY: help demo test lint docs clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/demo.stamp  ## encode a photograph and a clip, beside JPEG and x264 (own file: INPUT=path)
	@$(BIN)/python examples/demo.py $(if $(INPUT),--input "$(INPUT)")

test: .venv/full.stamp  ## run the tests (a part of them: TESTS=tests/stream)
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

lint: .venv/full.stamp  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/full.stamp  ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:  ## remove .venv and everything that was built
	rm -rf .venv build dist site demo-output src/*.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "make: needs Python 3.11 or newer with its venv module (Debian:" \
		"apt install python3-venv); name another one with make PYTHON=path" >&2; exit 1; }
	@echo "creating .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv

.venv/demo.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing ivc and what the demo compares it with into .venv (once, about a minute)"
	@$(PIP_INSTALL) -e '.[bench]'
	@touch $@

.venv/full.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing ivc with all development tools into .venv (once, a few minutes)"
	@$(PIP_INSTALL) -e '.[bench,dev,docs,formats,train]'
	@touch .venv/demo.stamp $@
