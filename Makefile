# One way to do each thing; everything is installed into this folder, nothing needs to be activated.
PORT ?= 8000
SEEDS ?= 50
HOURS ?= 0.5
SUMMARY ?= build/soak.md
COUNT ?= 1000000
RUNTIME ?= 3.11
SITES ?= 100
ARCHITECTURE ?= x86_64
IS_311 := import sys; sys.exit(sys.version_info[:2] != (3, 11))
PYTHON ?= $(shell for each in python3.11 python3 python; do $$each -c '$(IS_311)' 2>/dev/null && echo $$each && break; done)
BIN := .venv/bin
WORLDS := sim bench stories
QUICK := not browser and not package and not cloud
DEPLOYED := $(filter-out tests/sim tests/bench tests/infra tests/policies tests/localcloud tests/sandbox tests/cardmesh \
    tests/stories tests/lifecycle,$(patsubst %/,%,$(wildcard tests/*/)))
RUNTIMES ?= 3.11 3.12 3.13
MONEY := cases checkout fulfilment ledger orders payments payouts reconciliation settlement wallet
PYTEST := $(BIN)/python -m pytest
NOT_IN_CHINA := infra/edge.yaml infra/domain.yaml infra/trial.yaml infra/pipeline.yaml
ONLY_IN_CHINA := infra/edge-cn.yaml

.DEFAULT_GOAL := help
.PHONY: help run reset test unit runtimes cover sim scope soak drill mutants isolation fuzz-hooks bench check format audit package cloud static lock
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: node_modules/.installed .venv/.installed .venv-ministack/.installed static ## Start everything on PORT (8000), PORT+1 and PORT+2; Ctrl-C stops it
	@exec $(BIN)/python -m localcloud run --port $(PORT) --folder .cardmesh

reset: ## Forget the data of `make run`
	@rm -rf .cardmesh && echo "The next make run starts from nothing."

test: node_modules/.installed .venv/.installed .venv-ministack/.installed static ## Every test: units, properties, the cloud, the browser, the package
	@$(PYTEST) -n 2 --dist worksteal -m "$(QUICK)"
	@$(PYTEST) -n 2 --dist loadfile -m "not ($(QUICK))"

unit: .venv/.installed ## The quick tests: rules, formats, templates, whatever needs no cloud
	@$(PYTEST) -n 2 --dist worksteal -m "$(QUICK) and not service and not slow" $(WORLDS:%=--ignore=tests/%)

runtimes: .venv/.installed ## The quick tests of what is deployed, on each Python of RUNTIMES (3.11 3.12 3.13) that there is; TESTS names others
	@RUNTIMES="$(RUNTIMES)" tools/runtimes "$(QUICK) and not slow" $(or $(TESTS),$(DEPLOYED))

cover: .venv/.installed ## Which lines and branches the tests reach; fails where they miss one of MONEY's; takes twice their time
	@$(PYTEST) -n 2 --dist worksteal -m "$(QUICK)" --cov --cov-report=term
	@echo "The domains of money, all of whose branches are covered:"
	@$(BIN)/coverage report --fail-under=100 --include="$$(printf 'chalicelib/%s/*,' $(MONEY))"

sim: .venv/.installed ## Play SEEDS (50) days of trade in which things fail, on all cores
	@$(BIN)/python -m sim --seeds $(SEEDS)

drill: .venv/.installed ## Lose tables on SEEDS (50) busy days, restore them to an earlier moment, and recover
	@$(BIN)/python -m sim.drill --seeds $(SEEDS)

soak: .venv/.installed ## Play days that nobody played for HOURS (0.5) and write SUMMARY (build/soak.md)
	@$(BIN)/python -m sim --hours $(HOURS) --summary $(SUMMARY)

mutants: .venv/.installed ## Look for a seed that shows each seeded bug, and write docs/mutants.md
	@$(BIN)/python -m sim.kill

isolation: .venv/.installed ## See that no function may do more than it does and no tenant reaches another; docs/isolation.md
	@$(BIN)/python -m sim.iam

fuzz-hooks: .venv/.installed ## Send COUNT (1000000) tampered notifications of each channel to the gateways, on all cores
	@$(BIN)/python -m sandbox.fuzz --count $(COUNT)

scope: .venv/.installed ## Try every single fault at every point of small worlds
	@$(BIN)/python -m sim.scope

bench: .venv/.installed .venv-ministack/.installed ## Count what the shop costs into bench/RESULTS.md, all of it or ONLY=claim
	@test -n "$(ONLY)" || which valgrind gcc >/dev/null || { echo "Instructions are counted by valgrind: apt-get install valgrind gcc libc6-dev"; exit 1; }
	@PYTHONHASHSEED=0 $(BIN)/python -m bench $(ONLY)

check: .venv/.installed ## Format, lint, types, import contracts, templates, SEEDS days of trade, every test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/cfn-lint --regions us-east-1 eu-central-1 -- $(filter-out $(ONLY_IN_CHINA),$(wildcard infra/*.yaml))
	@$(BIN)/cfn-lint --regions cn-north-1 cn-northwest-1 -- $(filter-out $(NOT_IN_CHINA),$(wildcard infra/*.yaml))
	@$(MAKE) sim
	@$(MAKE) test

format: .venv/.installed ## Format, and mend what the linter can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

audit: package .venv-audit/.installed ## Look over the templates with checkov; infra/exceptions.toml says what is allowed, and why
	@$(BIN)/python -m infra.audit

package: .venv/.installed ## The deployable template and its zips, in build/, for RUNTIME (3.11) on ARCHITECTURE (x86_64)
	@$(BIN)/python -m infra.package --out build/ --python $(RUNTIME) --architecture $(ARCHITECTURE)

cloud: node_modules/.installed .venv/.installed .venv-ministack/.installed static ## Deploy the package into an emulator, buy through it, let it fail, and bring up and remove SITES (100) sub-sites
	@$(BIN)/python -m infra.rehearsal --sites $(SITES)

static: .venv/.installed node_modules/.installed ## The files pages load, in build/static
	@$(BIN)/python tools/static.py

lock: .venv/.installed ## Pin requirements*.in and package.json anew
	@tools/lock

.venv/.installed: requirements-dev.txt
	@tools/install-python "$(PYTHON)" .venv $<

.venv-audit/.installed: requirements-audit.txt
	@tools/install-python "$(PYTHON)" .venv-audit $<

.venv-ministack/.installed: requirements-cloud.txt
	@tools/install-python "$(PYTHON)" .venv-ministack $<

node_modules/.installed: package-lock.json
	@tools/install-node
