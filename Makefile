# `make demo` and `make test` do all that they need in the virtual environment $(VENV).

VENV ?= .venv
PROCESSES ?= 2
# Files or folders of tests; all if there are none.
TESTS ?= $(PACKAGE:%=packages/%)
# io, runtime, behaviour or studio: of `make alone`, and the tests of `make test`.
PACKAGE ?=
# The first of these that is a Python which mmskelseg supports.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.10; do \
	"$$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
		2>/dev/null && echo "$$name" && break; done)

# The networks are small: one thread is nearly as fast as two, and much faster where
# other programs want the cores.
export OMP_NUM_THREADS ?= 1
# Tests start Python hundreds of times, which then compiles the package only once.
export PYTHONDONTWRITEBYTECODE :=

# Of `make fuzz` and `make kill-test`.
MINUTES ?= 60
KILLS ?= 100
SEED ?= 0

RUN := $(VENV)/bin/python
PACKAGES := $(wildcard packages/*)
PROJECTS := pyproject.toml setup.py $(PACKAGES:%=%/pyproject.toml)
# A model that can also run live. One in place of three, and about half as long as the
# recipe says: two minutes.
DEMO := configs/streaming/precog_pose2d.py
DEMO_OPTIONS := model.members=1 train_cfg.max_epochs=40
WORK := work_dirs/precog_demo

.PHONY: help demo test test-pages alone coverage lint docs fuzz kill-test
.DELETE_ON_ERROR:

help:
	@echo 'make demo  install, train on real skeletons, test, draw, say where the pictures are'
	@echo 'make test  install what tests need and run them all, or those of TESTS'
	@echo 'make alone  build, install and test PACKAGE without those above it: io, runtime, behaviour'
	@echo 'make test-pages  run the tests of pages alone, which need a browser'
	@echo 'make coverage  the same, and which lines of the package they run, in htmlcov/'
	@echo 'make lint  check style and types'
	@echo 'make docs  build the site of the documentation in site/, and check its links'
	@echo 'make fuzz  try malformed files, folders and options for MINUTES ($(MINUTES)), from SEED'
	@echo 'make kill-test  kill commands KILLS ($(KILLS)) times, from SEED, and compare'
	@echo 'Variables: PYTHON (3.10 to 3.13), VENV ($(VENV)), PROCESSES ($(PROCESSES)) of the tests'

demo: $(WORK)/.trained
	$(RUN) demo/demo.py data/precog/annotations.pkl $(DEMO) \
		"$$(cat $(WORK)/last_checkpoint)" --cfg-options $(DEMO_OPTIONS) --split test \
		--formats overlay csv poses --out $(WORK)/videos
	$(RUN) tools/test.py $(DEMO) "$$(cat $(WORK)/last_checkpoint)" --work-dir $(WORK) \
		--cfg-options $(DEMO_OPTIONS)
	@echo
	@echo 'Skeletons with their labels:  $(WORK)/videos/'
	@echo 'Timelines of the test videos: $(WORK)/timelines/'
	@echo 'Confusion matrix:             $(WORK)/confusion_matrix.png'
	@echo 'Scores:                       $(WORK)/metrics.json'
	@echo 'Next: docs/export.md runs this model without PyTorch, docs/own_data.md trains yours'

# A process that has run its tests takes over those of others.
test: $(VENV)/.test $(VENV)/.browser
	$(RUN) -m pytest -n $(PROCESSES) --dist worksteal $(TESTS)

test-pages: $(VENV)/.test
	$(RUN) -m pytest -m page

# Without PyTorch, and with the packages that it requires alone on the path.
ALONE := $(VENV)-$(PACKAGE)
BELOW_io := packages/io
BELOW_runtime := $(BELOW_io) packages/runtime
BELOW_behaviour := $(BELOW_runtime) packages/behaviour
alone:
	@test -n '$(BELOW_$(PACKAGE))' || { \
		echo 'Name one: make alone PACKAGE=io, runtime or behaviour' >&2; exit 1; }
	test -d $(ALONE) || $(PYTHON) -m venv $(ALONE)
	$(ALONE)/bin/pip install --upgrade pip
	$(ALONE)/bin/pip install $(BELOW_$(PACKAGE):%=-e %) -e 'packages/$(PACKAGE)[test]'
	$(ALONE)/bin/pip wheel --no-deps --wheel-dir $(ALONE)/wheels ./packages/$(PACKAGE)
	$(ALONE)/bin/pytest -n $(PROCESSES) --dist worksteal packages/$(PACKAGE) \
		-o pythonpath='$(BELOW_$(PACKAGE))'

coverage: $(VENV)/.test $(VENV)/.browser
	$(RUN) -m pytest -n $(PROCESSES) --dist worksteal --cov --cov-report=term --cov-report=html

lint: $(VENV)/.test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

# Each round has a seed of its own, which is printed. Findings are kept in work_dirs/fuzz.
fuzz: $(VENV)/.test
	PYTHONPATH=$(subst $(eval ) ,:,. $(PACKAGES)) $(RUN) -m tests.test_faults.fuzz --minutes $(MINUTES) --seed $(SEED)

# Goes on where it was stopped.
kill-test: $(VENV)/.test $(VENV)/.browser
	nice $(RUN) -m benchmarks.kill_test --kills $(KILLS) --seed $(SEED)

# Strictly: a broken link or anchor, or a page that the navigation lacks, is an error.
docs: $(VENV)/.docs
	$(RUN) -m mkdocs build --strict

# A run that was stopped goes on; one that is complete is left alone.
$(WORK)/.trained: data/precog/annotations.pkl
	$(RUN) tools/train.py $(DEMO) --resume --work-dir $(WORK) --cfg-options $(DEMO_OPTIONS)
	@touch $@

data/precog/annotations.pkl: | $(VENV)/.lite
	$(RUN) tools/dataset_converters/precog.py data/precog

# The second command lets changes of the packages beside this one show at once.
$(VENV)/.lite: $(PROJECTS) | $(RUN)
	$(RUN) -m pip install -e '.[lite,studio]'
	$(RUN) -m pip install --no-deps $(PACKAGES:%=-e %)
	@touch $@

$(VENV)/.test: $(PROJECTS) | $(RUN)
	$(RUN) -m pip install -e '.[lite,test]'
	$(RUN) -m pip install --no-deps $(PACKAGES:%=-e %)
	@touch $@ $(VENV)/.lite

# Once; where it fails, the tests of pages are skipped.
$(VENV)/.browser: | $(VENV)/.test
	-$(RUN) -m tests.browser
	@touch $@

$(VENV)/.docs: $(PROJECTS) | $(RUN)
	$(RUN) -m pip install -e '.[lite,studio,docs]'
	$(RUN) -m pip install --no-deps $(PACKAGES:%=-e %)
	@touch $@ $(VENV)/.lite

$(RUN):
	@test -n '$(PYTHON)' || { \
		echo 'No Python 3.10 to 3.13 found; name one: make PYTHON=/path/to/python' >&2; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --upgrade pip
