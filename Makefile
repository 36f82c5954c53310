# The README's two commands are `make run` and `make test`; the rest serve those who change the code.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Start-up time is import time: let Python keep its bytecode.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-slow lint test-nightly test-spark test-superset bench bench-asking bench-marts bench-reading faults pages lock clean matching-figures planted-worlds help

help:            ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

run: $(VENV)/.installed            ## build, audit and publish the demo company (or the one ETALON_COMPANY names)
	@$(BIN)/etalon run

test: $(VENV)/.installed           ## the fast tests
	$(BIN)/python -m pytest -n auto --dist loadfile

test-slow: $(VENV)/.installed      ## the tests that build companies of their own; .ci/run runs them too
	$(BIN)/python -m pytest -n auto --dist loadfile -m "slow and not nightly and not spark"

lint: $(VENV)/.installed           ## ruff, sqlfluff, dbt parse, conventions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint dbt_project/models dbt_project/tests --processes 2 --disable-progress-bar
	$(BIN)/python -m pytest tests/conventions

test-nightly: $(VENV)/.installed   ## minutes-long tests: kills, permutations, damaged files at scale
	$(BIN)/python -m pytest -m nightly

test-spark: $(VENV)/.installed $(VENV)/.spark  ## the published marts are equal on Spark and DuckDB
	$(BIN)/python -m pytest -m spark

test-superset: $(VENV)/.installed  ## ETALON_SUPERSET=path/to/python: Superset, polars and the DuckDB CLI read the published file
	$(BIN)/python -m pytest -m superset

bench: $(VENV)/.installed          ## make bench SIZE=bench-300k: the pipeline beside a hand-written script
	$(BIN)/python -m tests.bench.compare --size $(or $(SIZE),bench-100k) $(if $(RECORD),--record)

bench-asking: $(VENV)/.installed   ## opening a published file and asking a metric of it (RECORD=1 keeps the figures)
	$(BIN)/python -m tests.bench.asking $(if $(RECORD),--record)

bench-marts: $(VENV)/.installed    ## make bench-marts: 36 months, 12 million events; the marts rebuilt once the master layer stands (RECORD=1)
	$(BIN)/python -m tests.bench.marts --size $(or $(SIZE),bench-36m) $(if $(KEEP),--keep $(KEEP)) $(if $(RECORD),--record)

bench-reading: $(VENV)/.installed  ## reading beside DuckDB's own CSV reader: rates, strict path, memory (RECORD=1 keeps the figures)
	$(BIN)/python -m tests.bench.reading $(if $(RECORD),--record) $(if $(MEMORY),--memory $(MEMORY))

faults: $(VENV)/.installed         ## land more than 10,000 damaged files and write docs/faults.md
	$(BIN)/python -m tests.faults.damage.figures
matching-figures: $(VENV)/.installed  ## the linkage engine on generated sets; RECORD=1 writes docs/matching.md, ROWS="100000 1000000"
	$(BIN)/python -m tests.linkage.figures $(if $(RECORD),--record) $(if $(ROWS),--rows $(ROWS))

planted-worlds: $(VENV)/.installed  ## judge the planted worlds of the audit and write docs/simulation.md
	$(BIN)/python -m tests.simulation.suite

# An older Python would fail somewhere inside pip, with a message about a package.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "$(PYTHON) is $$($(PYTHON) --version 2>&1): Python 3.11 or newer is needed. Name one: make PYTHON=python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.spark: requirements-spark.lock $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-spark.lock
	@touch $@

pages: $(VENV)/.installed         ## write what is made from contracts, mapping keys, rules, metrics and errors: dbt sources, docs, schema
	$(BIN)/python -m ingest.contract_pages
	$(BIN)/python -m ingest.mapping_schema
	$(BIN)/python -m expectations.rule_pages
	$(BIN)/python -m orchestration.dictionary.page
	$(BIN)/python -m orchestration.error_pages
	$(BIN)/python -m tests.conventions.audit_coverage

lock:            ## compile the lock files (needs uv); no index address is written
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-annotate --no-header --no-strip-extras -o requirements.lock
	uv pip compile pyproject.toml --extra dev --extra spark --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-annotate --no-header --no-strip-extras -c requirements.lock -o requirements-spark.lock

clean:           ## remove what runs leave behind (not the companies under var/)
	rm -rf dbt_project/target dbt_project/logs .pytest_cache .ruff_cache .hypothesis
