# Each target works on a fresh clone: what it needs is installed first.
PYTHON ?= python3
BIN := .venv/bin
DEMO := $(CURDIR)/.demo
SAMPLE = $(shell $(BIN)/python -c 'from importlib.util import find_spec; from pathlib import Path; \
	print(Path(find_spec("pyannote").submodule_search_locations[0]) / "audio/sample/sample.wav")')

.DEFAULT_GOAL := help
.PHONY: help install models demo clients wheel mcpb test lint bench soak clean

help:
	@echo "make demo    environment, packages, weights, and one real answer"
	@echo "make test    every test, the ones with real weights included"
	@echo "make clients the real MCP clients and axe that tests use (with npm; make test does it by itself)"
	@echo "make lint    ruff and mypy"
	@echo "make bench   accuracy and speed beside faster-whisper and pyannote called directly (needs recordings with references),"
	@echo "             known voices and strangers, and the agent beside the same model with one prompt"
	@echo "make soak    the long proofs"
	@echo "make wheel   a wheel in build/wheel, to be installed with uv or pipx"
	@echo "make mcpb    dist/auricle.mcpb, the bundle for Claude Desktop (with npm)"
	@echo "make clean   removes the environment and the demonstration's files"

install: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt
	@echo "== Packages: about 7 GB with PyTorch, into ./.venv (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
		{ echo "Python 3.11 to 3.13 with venv is needed; on Debian: apt install python3-venv" >&2; rm -rf .venv; exit 1; }
	$(BIN)/python -m pip install --quiet --constraint constraints.txt pip
	$(BIN)/python -m pip install --progress-bar on --constraint constraints.txt --editable '.[dev]'
	@touch $@

models: install
	@echo "== Weights: fetched once, verified, kept in the user's cache"
	@$(BIN)/auricle models pull

demo: models
	@echo "== The answer"
	@mkdir -p $(DEMO)
	@cd $(DEMO) && AURICLE_HOME=$(DEMO)/home $(CURDIR)/$(BIN)/auricle ask "$(SAMPLE)" \
		"This is a phone call between Diane and Sheila. Diarize it and write it as Q&A."

CLIENTS := tests/clients/node_modules/.installed

clients: $(CLIENTS)

$(CLIENTS): tests/clients/package.json tests/clients/package-lock.json
	@if command -v npm >/dev/null; then \
		echo "== Real MCP clients and axe, for the tests alone: about 200 MB into tests/clients/node_modules (once)"; \
		cd tests/clients && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules/.installed; \
	else echo "npm is missing: the tests with real MCP clients and axe will be skipped" >&2; fi

WHEELS := build/wheel
BUNDLE := build/mcpb
PACKER := node tests/clients/node_modules/@anthropic-ai/mcpb/dist/cli/cli.js

wheel: install
	@rm -rf build/lib $(WHEELS)
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir $(WHEELS) .

mcpb: wheel clients
	@mkdir -p dist
	$(BIN)/python -m mcpb.build $(WHEELS)/auricle-*.whl $(BUNDLE)
	$(PACKER) validate $(BUNDLE)/manifest.json
	$(PACKER) pack $(BUNDLE) dist/auricle.mcpb

test: models clients
	$(BIN)/python -m pytest -m "not soak and not gpu"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: models
	$(BIN)/python -m bench.accuracy
	$(BIN)/python -m bench.speakers
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m bench.speed
	$(BIN)/python -m bench.agent

soak: models
	$(BIN)/python -m pytest -m soak

clean:
	rm -rf .venv .demo build dist *.egg-info
