# Two commands matter: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
UV_VERSION := 0.13.9
# The system trusts what its owner told it to trust: a company proxy among others.
UV := .venv/bin/uv --system-certs
.DEFAULT_GOAL := help
# Hundreds of processes are started here: each would compile all that it imports where none may keep what it compiled.
export PYTHONDONTWRITEBYTECODE :=

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.venv/uv.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Trackwalker needs Python 3.11 or newer; this is $$($(PYTHON) --version). Set PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/run.stamp: .venv/uv.stamp requirements.lock pyproject.toml
	$(UV) pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python .venv/bin/python --no-deps -e .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.lock
	$(UV) pip install --quiet --python .venv/bin/python --require-hashes -r requirements-dev.lock
	@touch $@

setup: .venv/dev.stamp ## the Python environment for developers

lock: .venv/uv.stamp ## renew the hash-locked requirements
	$(UV) pip compile --quiet --universal --generate-hashes --no-header pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --no-header --group pyproject.toml:dev pyproject.toml -c requirements.lock -o requirements-dev.lock
	echo hatchling==1.33.0 | $(UV) pip compile --quiet --universal --generate-hashes --no-header -p 3.11 -c requirements.lock - -o deploy/build.lock
	echo duckdb | $(UV) pip compile --quiet --universal --generate-hashes --no-header -p 3.11 -c requirements-dev.lock - -o deploy/measuring.lock

lint: ## ruff, mypy, pyright, import-linter
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target pyright mypy rules

pyright: .venv/dev.stamp
	.venv/bin/pyright --pythonpath .venv/bin/python

mypy: .venv/dev.stamp
	.venv/bin/mypy

rules: .venv/dev.stamp
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports

# Each worker of the suite imports every test: one of them compiles what the others then find compiled.
collected: .venv/dev.stamp
	@.venv/bin/pytest -m "not long" --collect-only -qqq > .venv/collected.txt || { cat .venv/collected.txt; exit 1; }

.PHONY: help setup lock lint pyright mypy rules collected

machine: ## the system packages that the suite needs (Debian, as root)
	@tests/parts/machine.sh

test: ## everything: set-up, static checks, the whole suite on real parts
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target machine .venv/dev.stamp
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target pyright mypy rules collected
	.venv/bin/pytest -m "not long" -n 4 --dist worksteal

long: machine .venv/dev.stamp ## the long proofs and benchmarks
	.venv/bin/pytest -m long --timeout=1800

demo: .venv/run.stamp ## the whole story on this machine, in under three minutes
	@.venv/bin/trackwalker demo

.PHONY: machine test long demo
