# Every command of the project. `make help` is made from the comments behind the targets.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PROTOS := $(wildcard proto/calguard/v1/*.proto)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint types imports proto gen gen-check serve sandbox simulate torture torture-watches torture-kills torture-notices torture-appointments explore fuzz grpcurl wheel bench soak lock format baseline

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-21s %s\n", $$1, $$2}'

setup: .venv/.installed ## make .venv and install the pinned dependencies (quick when nothing changed)

.venv/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## watch a calendar link break and come back, from end to end (under two minutes)
	$(BIN)/python -m demo

test: setup ## run every test
	$(BIN)/python -m pytest -n $$(( ($$(nproc) * 3 + 1) / 2 )) --dist loadfile --no-loadscope-reorder

simulate: setup ## play random histories against a model of the rules (SEED=n plays one again; HISTORIES=, STEPS=)
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(HISTORIES),--histories $(HISTORIES)) $(if $(STEPS),--steps $(STEPS))

explore: setup ## draw 2,000 other examples for each test of a property (SEED=n draws the same again)
	$(BIN)/python -m pytest -m hypothesis --hypothesis-profile=explore $(if $(SEED),--hypothesis-seed=$(SEED)) -n $$(nproc)

check: setup lint types imports proto gen-check ## what CI runs besides the tests

lint: setup ## check the code style (ruff)
	ruff check .
	ruff format --check .

types: setup ## check the types (mypy, strict)
	mypy

imports: setup ## check which package imports which (import-linter)
	lint-imports

proto: setup ## check the contract: lint, format, breaking changes (buf)
	buf lint
	buf format --diff --exit-code
	buf breaking --against proto/baseline.binpb

gen: setup ## regenerate the stubs, the settings page and the state diagrams
	$(BIN)/python -m tools.generate

gen-check: setup ## check that generated files are up to date
	$(BIN)/python -m tools.generate --check

serve: setup ## start the server with the settings of the environment
	calguard-server

sandbox: setup ## start a local Google, Slack and SMTP with faults on demand
	calguard-sandbox

torture: torture-watches torture-kills torture-notices torture-appointments ## all four of these, one after the other (SEED=)

torture-watches: setup ## 100,000 changes under watchers that stall, leave and come back, and kills (SEED=, CHANGES=)
	$(BIN)/python -m tests.torture.watches $(if $(SEED),--seed $(SEED)) $(if $(CHANGES),--changes $(CHANGES))

torture-kills: setup ## 500 kills at random moments, under load: state, revisions, deliveries, mirrors (SEED=, KILLS=)
	$(BIN)/python -m tests.torture.kills $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS))

torture-notices: setup ## 200 kills under load, while Slack and the mail server fail at random: who was told what (SEED=, KILLS=)
	$(BIN)/python -m tests.torture.notices $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS))

torture-appointments: setup ## 200 kills under load, while Google fails at random: what became of appointments (SEED=, KILLS=)
	$(BIN)/python -m tests.torture.appointments $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS))

fuzz: setup ## 100,000 samples of what nobody would send, to every method and port: no error, no growth (SEED=, COUNT=)
	$(BIN)/python -m tests.fuzz $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT))

wheel: setup ## build the wheel, and run the server, the command and a client from it, far from the source tree
	$(BIN)/python -m tests.wheel

grpcurl: setup ## check the README's grpcurl examples, and every method, with grpcurl itself (needs go)
	$(BIN)/python -m tests.grpcurl

bench: setup ## measure beside the bare alternative, and write docs/benchmarks.md (ONLY="calls watch" measures those sections)
	$(BIN)/python -m tests.bench $(ONLY)

soak: setup ## hold 5,000 idle watches for 10 minutes, and write what they cost to docs/benchmarks.md
	$(BIN)/python -m tests.bench soak

format: setup ## put code and protos into the house format
	ruff check --fix-only --quiet .
	ruff format --quiet .
	buf format --write

lock: setup ## pin the dependencies afresh (requirements.txt)
	uv pip compile --quiet --upgrade --python-version 3.11 --universal --extra server --extra sandbox --extra dev \
	  --no-emit-index-url --no-emit-find-links --no-header --output-file requirements.txt pyproject.toml

baseline: setup ## take the contract as it stands for the one that later changes must not break
	buf build --exclude-source-info --output proto/baseline.binpb
