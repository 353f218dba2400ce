# Everything sets itself up: `make run`, `make test`. Needs Python >= 3.11 with venv, cargo, make, a C compiler.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
NATIVE := $(VENV)/.native
VM     := $(VENV)/vm/.ready
RUST   := $(shell find native -name '*.rs' -o -name 'Cargo.toml' -o -name 'pyproject.toml' 2>/dev/null) Cargo.toml

.DEFAULT_GOAL := help
.PHONY: help setup vm run test test-slow test-rust soak check bench format clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/bin/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.5'

$(NATIVE): $(VENV)/bin/uv $(RUST)
	@echo "building alloy-native (first time: about a minute)"
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt maturin
	cd native && VIRTUAL_ENV=$(abspath $(VENV)) $(abspath $(BIN))/maturin develop --release --quiet --uv
	@touch $@

$(STAMP): $(VENV)/bin/uv $(NATIVE) pyproject.toml constraints.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt --group dev -e '.[mqtt311,reference]'
	@touch $@

$(VM): tests/micropython/package.json $(VENV)/bin/uv
	@mkdir -p $(@D) && cp $< $(@D)/package.json
	@if ! command -v npm >/dev/null; then echo "npm is not here: tests on the MicroPython VM will be skipped"; \
	elif npm install --prefix $(@D) --no-package-lock --no-audit --no-fund --silent; then touch $@; \
	else echo "npm could not install the MicroPython VM: tests on it will be skipped"; fi

vm: $(VM) ## install the MicroPython VM for the tests (needs node and npm)

setup: $(STAMP) ## create .venv and build everything

run: setup ## see real data come out normalised (alloy-edge demo)
	$(BIN)/alloy-edge demo

test: setup vm ## run the tests (quick ones; the slow rest is `make test-slow`)
	$(BIN)/python -m pytest -m "not slow and not once" $(TESTS)

SLOW := $(BIN)/python -m pytest -m "slow or once" --durations=15

test-slow: setup vm ## run the slow tests and those made once per release
ifdef TESTS
	$(SLOW) $(TESTS)
else
	$(SLOW) -n 2 --dist loadfile tests/transforms # they compute; the others look at time and memory
	$(SLOW) --ignore tests/transforms
endif

soak: setup vm ## the generated suites at their large sizes (an hour or more)
	ALLOY_SIZES=soak $(BIN)/python -m pytest --timeout 7200 --durations=15 $(TESTS)

test-rust: setup ## run the tests of the Rust crates
	cargo test --quiet --release -p alloy-kernels -p alloy-jail

check: setup ## format, lint, types, import direction, clippy
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --release -- -D warnings

bench: setup ## measure the shipped workloads
	$(BIN)/alloy-edge bench

format: setup ## rewrite the sources in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cargo fmt --all

clean: ## remove what was built
	rm -rf $(VENV) target dist
