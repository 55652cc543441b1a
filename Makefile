# Two commands matter: `make run` shows the product, `make test` checks it.
SHELL := /bin/bash
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: run test check bench soak lock clean docs

run: $(VENV)/.run ## Set up everything and run the demo company until Ctrl-C
	@exec $(BIN)/zaitu up --demo

test: $(VENV)/.dev ## Set up everything and run every check and every test
	@exec bash scripts/test

check: $(VENV)/.dev ## Lint, types, layers and sizes only
	@exec bash scripts/check

bench: $(VENV)/.dev ## Measure; ONLY=tracking for a part, QUICK=1 to see that it works
	@exec $(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick) $(if $(RUN_S),--seconds $(RUN_S))

soak: $(VENV)/.dev ## Run what takes long, and write docs/soak.md and docs/faults.md; ZAITU_SOAK_S=60 for seconds a target
	@$(BIN)/python -m tests.fuzz.soak && exec $(BIN)/python -m tests.faults

lock: ## Make the hash-locked files anew from pyproject.toml
	bash scripts/lock

clean: ## Remove what set-up made (never ./var, the data)
	rm -rf $(VENV) zaitu/ui/static/vendor web/node_modules

$(VENV)/.run: requirements.lock web/package-lock.json web/vendor.py zaitu/ui/icons.txt
	@bash scripts/setup run $(PYTHON)

$(VENV)/.dev: requirements-dev.lock requirements.lock web/package-lock.json web/vendor.py zaitu/ui/icons.txt
	@bash scripts/setup dev $(PYTHON)
