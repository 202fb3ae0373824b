# Mejora. `make` lists what can be made. Needs Python 3.11+ and a package index; all else it sets up.

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .tools/bin/uv
BIN := .venv/bin

export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help install up demo test check format schemas bench accuracy audit clean

help: ## List the targets.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1	/' | expand -t 18

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Mejora needs Python 3.11 or newer; name one with PYTHON=/path/to/python3."; exit 1; }
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/installed: $(UV) uv.lock pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml cli/pyproject.toml)
	$(UV) sync --frozen --quiet --compile-bytecode
	@touch $@

install: .venv/installed ## Install everything into .venv (the other targets do so themselves).

up: install ## Bring Mejora up: PORT=8080 DATA=./var BROKER=postgres|kafka KAFKA_PORT=19092.
	@exec $(BIN)/mejora up

demo: install ## Show what Mejora does on a sample organisation; DEMO_EXIT=1 ends it afterwards.
	@exec $(BIN)/mejora demo

test: install ## Run all tests against a real PostgreSQL and a real Apache Kafka.
	@$(BIN)/pytest $(TESTS)

check: install ## Format, lint, types, import contracts, schema compatibility.
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy libs services cli bench
	@MYPYPATH=tests $(BIN)/mypy --explicit-package-bases tests
	@$(BIN)/lint-imports
	@$(BIN)/python -m mejora_events.documents check

format: install ## Bring the code into its form.
	@$(BIN)/ruff check --fix --quiet --exit-zero
	@$(BIN)/ruff format --quiet

schemas: install ## Write the JSON Schemas and the AsyncAPI document from the contracts.
	@$(BIN)/python -m mejora_events.documents write

bench: install ## Measure the hot paths: FIGURES="intake.single events.relay" for some of them.
	@$(BIN)/python -m bench $(FIGURES)

accuracy: install ## Measure on real data how often diagnosis is right: REAL_DATA=../shared/data PARTS="grouping".
	@$(BIN)/python -m bench.accuracy $(or $(REAL_DATA),$(MEJORA_REAL_DATA),../shared/data) $(PARTS)

audit: install ## Reconcile what was accepted with what every store holds (DATA=./var).
	@exec $(BIN)/mejora audit

clean: ## Remove what was installed and built; the data in ./var stays.
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
