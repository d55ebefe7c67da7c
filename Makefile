# Each target works alone on a fresh clone: it makes .venv and installs what it needs into it.
# constraints.txt pins torch, so that no later release pulls gigabytes of other packages.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-frameworks docs lint audit fuzz bench instructions mutants clean

demo: $(VENV)/installed
	$(BIN)/trainadvisor demo

# With bytecode kept, because hundreds of tests start a command in a process of its own.
# Three workers on two cores: each waits for a third of its time for such commands.
test: $(VENV)/installed-dev
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile

# The frameworks have an environment of their own: they are large, and the tests of the rest have to pass without them.
# timm and fastai may be missing, because their torchvision has to be that of this torch; then their tests are skipped.
# Almost every test starts Python with a framework, for seconds of one core: a worker a core, which steal from each other.
FRAMEWORKS ?= .venv-frameworks
test-frameworks: $(FRAMEWORKS)/installed
	OMP_NUM_THREADS=1 $(FRAMEWORKS)/bin/python -m pytest -n 2 --dist worksteal tests/frameworks

# The site of the documentation, in both languages, in build/docs; a warning is an error, and nothing is fetched.
# Sphinx has an environment of its own: it needs neither torch nor the package.
DOCS ?= .venv-docs
docs: $(VENV)/installed $(DOCS)/installed
	rm -rf build/docs build/docs-sources
	$(BIN)/python docs/site build/docs-sources
	for lang in en zh; do \
		$(DOCS)/bin/python -m sphinx -W --keep-going -n -q -b html build/docs-sources/$$lang build/docs/$$lang || exit 1; done
	$(BIN)/python docs/site --check build/docs

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/trainadvisor rules check

# 1: a package has a known vulnerability; 3: the database could not be asked
audit: $(VENV)/installed-dev
	$(BIN)/python .ci/audit.py

# one target after the other, each for so many seconds; what is found lies in fuzz-new/; then new examples for the
# property tests, which in `make test` are the same every time (pytest prints how to replay what fails)
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= reader packed curves verdict fields conditions rules settings importers
fuzz: $(VENV)/installed-dev
	$(PIP) -e ".[fuzz]"
	set -e; for target in $(FUZZ_TARGETS); do \
		OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz/run.py $$target -max_total_time=$(FUZZ_SECONDS); done
	OMP_NUM_THREADS=1 HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -n 2 tests/properties

# ratios of interleaved steps with and without recording, beside the same for a hook with .item(); within ten minutes
bench: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/overhead.py --device cpu --repeats 9 --seconds 0.3 --start 1500

# what recording adds to a step, counted in instructions, which no load changes: an error beyond the last figures on
# record; `python benchmarks/history.py --write` puts new ones there
instructions: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/history.py

# changes of one place in the package, drawn by chance, each against the tests that call the changed function; hours, so
# no part of CI: `python benchmarks/mutants --help` says how a run that was broken off goes on
MUTANTS ?= 60
SEED ?= 1
mutants: $(VENV)/installed-dev
	nice $(BIN)/python benchmarks/mutants --mutants $(MUTANTS) --seed $(SEED) --results benchmarks/RESULTS.md

clean:
	rm -rf $(VENV) $(FRAMEWORKS) $(DOCS) dist build .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "trainadvisor needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e .
	touch $@

# torch first and alone, so that no framework chooses another one. torchvision's published wheel is built for CUDA; the
# tests define what it lacks beside a CPU torch (tests/frameworks/site).
$(FRAMEWORKS)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[frameworks]" hypothesis pytest-xdist
	-$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt timm fastai
	touch $@

$(DOCS)/installed: docs/site/requirements.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check -r docs/site/requirements.txt
	touch $@

# The examples use torchvision where it can be installed; its published wheel must not choose another torch.
$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e ".[dev]"
	-$(PIP) --no-deps torchvision pillow
	touch $@ $(VENV)/installed
