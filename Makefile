# One task runner. `make` or `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
WORKERS ?= 2
ARGS ?=

.PHONY: help setup demo serve test test-full check bench format lock docs clean console

help: ## list the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.ready tessera/console/index.html ## make .venv with the command `tessera`, and build the console

.venv/.ready: requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Tessera needs Python 3.11 or newer, with venv"; exit 1; }
	@echo "· Python packages ($(PYTHON))"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==0.13.*
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

console: tessera/console/index.html ## build the console

tessera/console/index.html: $(shell find console -type f -not -path '*/node_modules/*' 2>/dev/null)
	@command -v npm >/dev/null || { echo "Tessera's console needs Node 20 or newer, with npm"; exit 1; }
	@echo "· console"
	@cd console && npm ci --silent && npm run --silent build

demo: setup ## load real data through all five packages, then keep serving (ARGS="--exit" ends after the answers)
	@$(BIN)/tessera demo $(ARGS)

serve: setup ## serve on http://127.0.0.1:8080 from ./tessera-data
	@$(BIN)/tessera serve

test: setup ## the tests that every change has to pass (about 15 minutes)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(ARGS)

test-full: setup ## all tests, the slow ones too
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: setup ## formatting, lint, strict types, architecture
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q . && $(BIN)/mypy tessera
	@cd console && npm run --silent check
	@$(BIN)/python -m pytest tests/architecture $(ARGS)

bench: setup ## ratios against the bare engine, from one run
	@$(BIN)/python -m benchmarks $(ARGS)

format: setup ## format and mend what can be mended
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

docs: setup ## write the generated pages below docs/reference
	@$(BIN)/python -m tessera.reference

lock: ## lock the newest versions of all dependencies
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --no-header --python-version 3.11 pyproject.toml --extra demo -o requirements.lock --upgrade
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --no-header --python-version 3.11 pyproject.toml --extra demo --group dev -o requirements-dev.lock --upgrade

clean: ## remove what the tasks above made (never data)
	@rm -rf .venv tessera/console console/node_modules .mypy_cache .ruff_cache .pytest_cache
