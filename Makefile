# The README's commands in one place.
PYTHON ?= python3
# A named interpreter gets an environment of its own: PYTHON=python3.13 uses .venv-3.13.
VERSION = $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(VERSION))
BIN := $(VENV)/bin

# The core's quick tests: about a minute on each Python.
CORE := $(addprefix tests/statemachine/, kit site state wire describe curtail \
  shadow/test_reconcile.py returns/test_release.py returns/test_ending.py decide/test_events.py) \
  $(addprefix --ignore=tests/statemachine/, curtail/test_plausible.py site/test_named_shadows.py)

STRANGERS := tests/kit/devices/strangers

.PHONY: run test check core bench battery flood soak days simulate flap converge damage fuzz deep chaos devices mutants shots clean

run: $(VENV)/.run
	$(BIN)/venctl run

test: $(VENV)/.test
	./.ci/system
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	./.ci/javascript
	$(BIN)/python -m pytest tests --ignore=tests/page -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)
	$(BIN)/python -m pytest tests/page

check: $(VENV)/.test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	./.ci/javascript

core: $(VENV)/.core
	$(BIN)/python -m pytest $(CORE) -n 2 $(ARGS)

bench: $(VENV)/.test
	$(BIN)/python -m bench $(ARGS)

battery: $(VENV)/.test
	./.ci/system
	$(BIN)/python -m tests.kit.campaigns.battery $(ARGS)

flood: $(VENV)/.test
	$(BIN)/python -m bench.flood $(ARGS)

soak: $(VENV)/.test
	$(BIN)/python -m bench.soak $(HOURS)

days: $(VENV)/.test
	$(BIN)/python -m tests.kit.campaigns.days $(ARGS)

simulate: $(VENV)/.test
	$(BIN)/python -m tests.kit.campaigns.stories $(ARGS)

flap: $(VENV)/.test
	FLAPS=50 $(BIN)/python -m pytest tests/system/test_flap.py -s

converge: $(VENV)/.test
	CONVERGE=10000 $(BIN)/python -m pytest tests/statemachine/shadow/test_convergence.py

damage: $(VENV)/.test
	FLIPS=2000 $(BIN)/python -m pytest tests/venctl/store/test_damage.py

fuzz: $(VENV)/.test
	FUZZ_S=20 $(BIN)/python -m pytest tests/venctl/standin/broker/test_fuzz.py -s

deep: $(VENV)/.test
	DEPTH=10 $(BIN)/python -m pytest tests/statemachine/audit/test_audit.py \
	  tests/statemachine/returns/test_bridge.py \
	  tests/statemachine/curtail/test_plan.py \
	  tests/statemachine/decide/test_any_order.py \
	  tests/statemachine/chart/test_examples.py \
	  tests/statemachine/verify/rules/test_rulebook.py \
	  tests/statemachine/decide/test_reload.py \
	  $(ARGS)

chaos: $(VENV)/.test
	@seed=$${SEED:-$$(date +%s)}; echo "SEED=$$seed plays it again"; \
	  CHAOS=all SEED=$$seed $(BIN)/python -m pytest -v tests/kit/process/test_faulty_disk.py \
	  tests/system/test_bad_disk.py tests/system/test_slow_disk.py tests/system/test_bad_start.py \
	  tests/venctl/standin/disk/test_disk.py $(ARGS)

devices: $(VENV)/.test
	./.ci/system
	npm install --prefix $(STRANGERS) --omit=optional --no-package-lock --no-audit --no-fund --loglevel=error
	DEVICES=required $(BIN)/python -m pytest tests/kit/devices tests/venctl/drivers $(ARGS)
	LEASES=1 $(BIN)/python -m pytest tests/system/test_real_circuits.py $(ARGS)

mutants: $(VENV)/.test
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[mutants]'
	$(BIN)/mutmut run && $(BIN)/mutmut results

shots: $(VENV)/.test
	./.ci/system
	SHOTS=1 $(BIN)/python -m pytest tests/page/test_shots.py

$(VENV)/.run: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "venctl needs Python 3.11 or newer; name one: make run PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing: sudo apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip setuptools
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(VENV)/.core: $(VENV)/.run
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[core]'
	@touch $@

clean:
	rm -rf .venv .venv-* node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
