# Substrate's ways in. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

STACK ?= local
# embedded: Kubernetes of our own on this machine (Linux, root). existing: the cluster that KUBECONFIG names.
CLUSTER ?= embedded
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
UV := VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv
LOCK := $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11
READY := $(VENV)/.installed-$(shell cat requirements-uv.txt requirements-dev.txt pyproject.toml | sha256sum | cut -c1-12)
export PYTHONUNBUFFERED := 1
# A program of ours starts in three quarters of the time where Python may keep what it compiled, beside the sources.
export PYTHONDONTWRITEBYTECODE :=
.NOTPARALLEL:

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo "  settings: STACK=local|homelab|fleet (now $(STACK)), CLUSTER=embedded|existing (now $(CLUSTER))"

$(READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; name one with PYTHON=python3.11" >&2; exit 1; }
	@echo "==> Installing the locked Python packages into $(VENV) (usually 15 s; with pip, where uv cannot, 2 min)"
	@$(PYTHON) -m venv $(VENV) || { echo "error: cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PIP) -r requirements-uv.txt && $(UV) pip install --quiet --require-hashes -r requirements-dev.txt \
		|| { echo "    uv could not (see above); now with pip, which reads your pip.conf too"; $(PIP) -r requirements-dev.txt; } \
		|| { echo "error: pip could not install the locked packages (see above): is the network, or your package mirror, reachable?" >&2; exit 1; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.installed-*; touch $@

.PHONY: setup
setup: $(READY) ## Install the locked Python packages
.PHONY: check
check: $(READY) ## Read the stack file and name every mistake in it
	@$(PY) -m substrate.cli check $(STACK)
.PHONY: tools
tools: $(READY) ## Build or fetch what is missing of the toolchain (cached outside the clone)
	@$(PY) -m cluster.tools ensure --for $(CLUSTER)
ifeq ($(CLUSTER),embedded)
	@$(PY) -m cluster.images ensure
endif

.PHONY: foundations
foundations: $(READY) ## Build or fetch what the foundations' tests run: KServe, Triton, BentoML, vLLM, scanners
	@$(PY) -m cluster.tools ensure --for foundations
	@$(PY) -m cluster.images ensure --foundations

.PHONY: up
up: check tools cluster ## Everything: tools, cluster, pulumi up, a real model's answer
	@settings="$$($(PY) -m cluster env --for $(CLUSTER))"; eval "$$settings"; $(PY) -m ops.up $(STACK)

.PHONY: cluster
cluster: $(READY)
ifeq ($(CLUSTER),embedded)
	@needs="$$($(PY) -m substrate.cli needs $(STACK) --on substrate-local)"; $(PY) -m cluster up $${needs:+$$(printf -- "--with %s " $$needs)}
	@$(PY) -m cluster seed
endif

.PHONY: preview
preview: check tools ## Check the stack file and preview under the policy pack; changes nothing
	@settings="$$($(PY) -m cluster env --for $(CLUSTER))"; eval "$$settings"; $(PY) -m ops.up $(STACK) --preview

.PHONY: env
env: $(READY) ## Shell settings for working by hand: eval "$(make -s env)"
	@$(PY) -m cluster env --for $(CLUSTER)

.PHONY: watch
watch: $(READY) ## Each model's queue, replicas, tokens a second and KV cache, live, from the stack's Prometheus
	@settings="$$($(PY) -m cluster env --for $(CLUSTER))"; eval "$$settings"; $(PY) -m ops.live $(STACK)

.PHONY: down
down: ## Remove the embedded cluster and all that it made
	@if [ -x $(PY) ]; then $(PY) -m cluster down; else echo "nothing to take down: $(VENV) does not exist"; fi

.PHONY: lint
lint: $(READY) ## ruff and mypy --strict
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

.PHONY: test
test: tools foundations lint ## All set-up, then every test (about 30 minutes)
	@echo "==> All tests, in lanes beside each other"
	@$(PY) -m tests.lanes
	@$(PY) -m tests.proofs .substrate/results-*.xml --check

.PHONY: unit
unit: $(READY) ## The tests that need neither tools nor a cluster (under a minute)
	@$(PY) -m pytest -m "not engine and not cluster"

.PHONY: bench
bench: tools ## The benchmarks, each as a ratio against a named peer
	@for file in benchmarks/*.py; do echo "==> $$file"; $(PY) -m "benchmarks.$$(basename "$$file" .py)"; done

.PHONY: lock
lock: $(READY) ## Renew the locks from pyproject.toml
	$(LOCK) --extra pulumi pyproject.toml -o requirements.txt
	$(LOCK) --all-extras pyproject.toml -o requirements-dev.txt
	$(LOCK) --group installer -o requirements-uv.txt
	$(LOCK) stager/requirements.in -o stager/requirements.txt
