# Every target works on a fresh checkout. `make help` lists them.
VENV := .venv
VENV_ALL := .venv-all
BIN := $(VENV)/bin
MODULES := web/node_modules/.package-lock.json
# A file's tests stay together, for their fixtures; in the order collected, which puts the browser's last.
SIDE_BY_SIDE := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-all lint format bench fuzz docs dist clean page lock

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.light page ## Index the sample pictures and open them in the browser
	@$(BIN)/dinoscope demo $(ARGS)

test: $(VENV)/.dev $(MODULES) ## Lint, types, the page, a real browser, and every test that is quick and needs no extra
	@sh scripts/test.sh $(VENV) $(SIDE_BY_SIDE) -m "not torch and not extra and not slow" $(ARGS)

test-all: $(VENV_ALL)/.all ## The rest: slow tests, and those of torch, OpenVINO, HEIC and the hub
	@$(VENV_ALL)/bin/python -m pytest $(SIDE_BY_SIDE) -m "torch or extra or slow" $(ARGS)

lint: $(VENV)/.dev ## ruff and mypy
	@$(BIN)/ruff check && $(BIN)/ruff format --check --quiet && $(BIN)/mypy

format: $(VENV)/.dev ## Format and mend what can be mended
	@$(BIN)/ruff check --fix; $(BIN)/ruff format

bench: $(VENV_ALL)/.all ## Every benchmark (docs/benchmarks.md says what each measures)
	@for file in benchmarks/[a-z]*.py; do $(VENV_ALL)/bin/python $$file $(ARGS) || exit 1; done

fuzz: $(VENV)/.dev ## Hostile pictures against the door for a minute, steered by atheris where that is installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: 'atheris>=3' \
	|| echo "atheris has no wheel for this machine: mutants are drawn from a seed"
	@$(BIN)/python scripts/fuzz_door.py --seconds 60 $(ARGS)

docs: $(VENV)/.dev ## Prove the documentation: its code runs, its options exist, its links resolve
	@$(BIN)/python -m pytest -q tests/test_docs.py

dist: $(VENV)/.dev page ## Wheel and sdist in dist/, each tried in an environment of its own
	@rm -rf dist && $(BIN)/python -m hatchling build && sh scripts/check_dist.sh

page: $(MODULES)
	@$(BIN)/python scripts/hatch_build.py

lock: ## Renew requirements/*.txt
	@sh scripts/lock.sh

clean: ## Remove what was built; the environments stay
	rm -rf dist build src/dinoscope/server/bundle .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# A stamp is newer than what it was made from: a second run does nothing.
$(VENV)/.light: pyproject.toml requirements/light.txt scripts/setup.sh
	@test -e $(VENV)/.dev || sh scripts/setup.sh $(VENV) "" requirements/light.txt
	@touch $@

$(VENV)/.dev: pyproject.toml requirements/dev.txt scripts/setup.sh
	@sh scripts/setup.sh $(VENV) dev requirements/dev.txt
	@touch $@

$(VENV_ALL)/.all: pyproject.toml requirements/all.txt scripts/setup.sh
	@sh scripts/setup.sh $(VENV_ALL) all,bench,reference,dev requirements/all.txt
	@touch $@

$(MODULES): web/package.json web/package-lock.json
	@if command -v npm >/dev/null; then npm --prefix web ci --no-audit --no-fund --loglevel=error && touch $@; \
	else echo "SKIPPED: the page's own tests, because Node.js is not installed"; fi
