# The commands that people type. Each makes the virtual environment .venv by itself, once, and again when setup.cfg
# has changed; all that must be there before is Python 3.10 or newer with its venv module.

PYTHON ?= python3
PORT ?= 5000
HUB ?= 127.0.0.1:5000
OPEN ?=
ARGS ?=
BIN = .venv/bin

.PHONY: help serve chat pages test test-slow test-all lint bench soak clean

help:
	@echo 'make serve      run a hub for this machine    PORT=5000 ARGS="--mode room"'
	@echo '                OPEN=yes lets other machines join, too'
	@echo 'make chat       join a hub                    HUB=127.0.0.1:5000 ARGS="--name ann"'
	@echo 'make pages      make the man page, the completions and the picture again'
	@echo 'make test       run the quick tests           ARGS="-k readme"'
	@echo 'make test-slow  run the tests that need minutes'
	@echo 'make test-all   run both'
	@echo 'make lint       check style and types'
	@echo 'make bench      measure the hub against others on this machine'
	@echo 'make soak       load a hub as hostile peers would, and cut what talks through it'
	@echo 'make clean      remove what these commands have made'

# CHATTERBOX_JOIN is what the hub's ready line puts before the place where it listens.
serve: .venv/made
	@CHATTERBOX_JOIN='make chat HUB=' $(BIN)/python -m chatterbox serve $(PORT) $(if $(OPEN),,--local) $(ARGS)

chat: .venv/made
	@$(BIN)/python -m chatterbox $(HUB) $(ARGS)

pages: .venv/made
	$(BIN)/python -m docs.tools.share
	$(BIN)/python -m docs.tools.picture

test: .venv/made-for-tests
	$(BIN)/python -m pytest -n auto $(ARGS)

test-slow: .venv/made-for-tests
	$(BIN)/python -m pytest -n auto tests/slow $(ARGS)

test-all: test test-slow

lint: .venv/made-for-tests
	$(BIN)/python -m ruff check
	$(BIN)/python -m mypy

bench: .venv/made-for-tests
	$(BIN)/python -m benchmarks.compare $(ARGS)

soak: .venv/made-for-tests
	$(BIN)/python -m benchmarks.soak $(ARGS)
	$(BIN)/python -m benchmarks.soak_simulation --seconds 0
	$(BIN)/python -m benchmarks.soak_schedules --seeds 300
	$(BIN)/python -m benchmarks.soak_sessions
	$(BIN)/python -m benchmarks.soak_fuzz
	$(BIN)/python -m benchmarks.soak_several

clean:
	rm -rf .venv .venv.lock build dist *.egg-info _trial_temp* .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -prune -exec rm -rf {} +

# Runs a script while no other make runs one here: `make chat` is typed while `make serve` still makes the environment.
ALONE = $(PYTHON) -c 'import fcntl, os, sys; lock = os.open(".venv.lock", os.O_CREAT | os.O_WRONLY); \
  fcntl.flock(lock, fcntl.LOCK_EX); os.set_inheritable(lock, True); os.execvp("sh", ["sh", "-ec", sys.argv[1]])'
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.venv/made: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
	  echo 'This needs Python 3.10 or newer with its venv module; the README says what to install.' >&2; exit 1; }
	@$(ALONE) 'if [ $@ -nt setup.cfg ] && [ $@ -nt pyproject.toml ]; then exit; fi; \
	  echo "First run: making the virtual environment .venv here (1 of 2) ..."; \
	  $(PYTHON) -m venv --clear .venv; \
	  echo "Installing Chatterbox, Twisted and what they need into it (2 of 2); this takes about a minute ..."; \
	  $(INSTALL) -e ".[all]" || { echo "Not all that is optional can be had here; going on without it ..."; \
	  $(INSTALL) -e .; }; echo "Installed."; touch $@'

.venv/made-for-tests: .venv/made
	@$(ALONE) 'if [ $@ -nt .venv/made ]; then exit; fi; \
	  echo "Adding what the tests need ..."; $(INSTALL) -e ".[test,lint]"; touch $@'
