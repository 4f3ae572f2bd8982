# make        set everything up and run the embedded study to Figure 1
# make env    set everything up and run nothing: the command is then .venv/bin/miniature
# make check  the inner loop: style, fast tests and the examples in docstrings, in a minute or two
# make bench  measure ours beside what a user would otherwise run, and write docs/performance.md
# make test   set everything up and run the tests (make test-faults: those that break something on purpose)
# make docs   the documentation as a site in .cache/site, without a network once it is set up
# Needs Python 3.11 or newer, git and make; everything else goes into .venv.
PYTHON ?= python3
VENV ?= .venv
# As many jobs at once as there are processors: more of them only get in each other's way. make CORES=4
# (and as fit into the memory that profiles/default/config.yaml allows)
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
# e.g. PIP_OPTIONS="--extra-index-url https://download.pytorch.org/whl/cpu" for torch without CUDA
PIP_OPTIONS ?=
BIN := $(VENV)/bin

.PHONY: study env check bench test test-slurm test-faults lint report docs clean
.DEFAULT_GOAL := study

study: $(VENV)/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --cores $(CORES)

env: $(VENV)/installed

# A test file stays in one process; one thread each, as more get in each other's way.
PYTEST := PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 $(BIN)/python -m pytest
PARALLEL := -n $(CORES) --dist loadfile --no-loadscope-reorder
DOCTESTS := --doctest-modules scripts/miniature

check: lint
	$(PYTEST) $(PARALLEL) -m "not slow" tests/unit $(DOCTESTS)

# Over a SLURM as well where MINIATURE_SLURM=1 says that there is one: see test-slurm.
test: $(VENV)/installed-dev
	$(PYTEST) $(PARALLEL) -m "not fault" tests $(DOCTESTS)

# These alone. After: sudo python3 tests/slurm/cluster.py up
test-slurm: $(VENV)/installed-dev
	MINIATURE_SLURM=1 $(PYTEST) -m "slurm and not fault"

# Kills, full disks, damaged files: as long again as the other tests.
test-faults: $(VENV)/installed-dev
	$(PYTEST) -m fault

# On an idle machine; some minutes.
bench: $(VENV)/installed
	$(BIN)/python benchmarks/measure_speed.py --output docs/performance.md

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

report: $(VENV)/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --report report.html

docs: $(VENV)/installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

$(VENV)/installed: envs/requirements.txt envs/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is %s. Say which: make PYTHON=/path/to/python3.11" % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) -r envs/requirements.txt -c envs/constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed envs/requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) -r envs/requirements-dev.txt -c envs/constraints.txt
	touch $@

clean:
	rm -rf results .snakemake
