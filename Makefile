# The commands of the project; `make` lists them.
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
BIN := .venv/bin
NODE := components/multus/node
NODE_FIRST := $(NODE)/distributions.sh $(NODE)/options.sh
NODE_PARTS := $(NODE_FIRST) $(filter-out $(NODE_FIRST) $(NODE)/main.sh,$(sort $(wildcard $(NODE)/*.sh)))
PEOPLES_PARTS := $(addprefix operations/multus_ops/,node_json.sh diagnose_checks.sh diagnose.sh)
SOURCES := components/multus operations/multus_ops examples generate lab tests __main__.py

# Some images tell Python to keep no bytecode: then every worker and every program of a test compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help:
	@echo 'make up     a cluster on this machine, with Multus installed by Pulumi and a pod that uses it'
	@echo 'make down   take all of that away'
	@echo 'make docs   the documentation as a site in site/, without dead links'
	@echo 'make generate  every file that is written from code: schemas, the chart'"'"'s values files, pages'
	@echo 'make bench-churn  what becomes of pods under this and other installs of Multus while something happens; hours, as root'
	@echo 'make bench  the same, what many nodes and reading JSON cost beside 9e0814d, and the first pod and a sandbox beside upstream; as root'
	@echo 'make check  format, lint, types, and every test that needs no cluster: the loop while you work'
	@echo 'make test   the same, then every test on clusters of this machine'

.PHONY: up
up: .venv/made
	$(BIN)/python -m lab up

.PHONY: down
down: .venv/made
	$(BIN)/python -m lab down

.PHONY: docs
docs: .venv/made
	$(BIN)/zensical build --clean --strict

.PHONY: generate
generate: .venv/made
	$(BIN)/python -m generate

.PHONY: bench
bench: .venv/made
	$(BIN)/python -m tests.bench.registration
	$(BIN)/python -m tests.bench.json_reader
	$(BIN)/python -m tests.bench.hundred_nodes --tree 9e0814d
	$(BIN)/python -m tests.bench.first_pod
	$(BIN)/python -m tests.bench.sandbox_latency
	@$(MAKE) --no-print-directory bench-churn

.PHONY: bench-churn
bench-churn: .venv/made
	$(BIN)/python -m lab churn --results tests/bench/churn.json --page docs/benchmarks.md

# The type checker has one core's work, so that it runs beside the tests.
.PHONY: check
check: .venv/made
	@$(MAKE) --no-print-directory --jobs 3 static types tests

.PHONY: static
static: .venv/made
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/shellcheck --shell sh lab/node_init.sh charts/multus/files/*.sh components/multus/*.sh \
		operations/multus_ops/network_check/*.sh tests/bench/hundred_nodes/*.sh
	@# The parts as they are joined, and each by itself but for what other parts define and use.
	cat $(NODE_PARTS) $(NODE)/main.sh | $(BIN)/shellcheck --shell sh -
	cat $(NODE_PARTS) $(PEOPLES_PARTS) | $(BIN)/shellcheck --shell sh --exclude SC2329 -
	$(BIN)/shellcheck --shell sh --exclude SC2034,SC2154 $(NODE)/*.sh $(PEOPLES_PARTS)

.PHONY: types
types: .venv/made
	$(BIN)/mypy $(SOURCES)

# The tests of a file share what is slow to make, so that they go to one worker.
.PHONY: tests
tests: .venv/made
	$(BIN)/pytest --ignore tests/lab --numprocesses 2 --dist loadfile

.PHONY: test
test: check
	@# Here its progress can be seen; a machine that cannot host the lab is told why, and its lab tests skip.
	-$(BIN)/python -m lab prepare
	@# A shift of stories shares a cluster (tests/support/lab/stories.py), which waits about a third of its time.
	$(BIN)/pytest tests/lab -m 'not alone' --numprocesses 3
	$(BIN)/pytest tests/lab -m alone

# Made anew when a requirement changes; the stamp comes last, so a broken attempt is repeated.
.venv/made: requirements.txt requirements-dev.txt components/pyproject.toml components/requirements.txt operations/pyproject.toml
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or later is not on PATH: install it, or say `make PYTHON=...`' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo 'installing python3-venv'; \
		apt-get -y install python3-venv || { apt-get update && apt-get -y install python3-venv; }; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
