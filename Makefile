# Two commands matter: `make book` builds the review, `make test` proves it.
# Nothing is needed beforehand but Python 3.11 or newer and make.

PYTHON ?= python3
UV := uv==0.13.9
BIN := .venv/bin
SITE := _build/html
READY := .venv/.ready

# Sums in a fixed order, and one notebook never starves another of cores.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
# Jupyter prints a notice about moved folders without this.
export JUPYTER_PLATFORM_DIRS = 1

# What only the repository of the engine holds; a review made from it does not.
engine = @test -d $(1) || { echo "There is no $(1)/ here: it stands in the repository of the engine."; exit 1; }

PYTEST_ARGS ?=
LAB_ARGS ?=
RELEASE_ARGS ?=
MUTANTS_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: verify help setup book accept pdf new-review test lint lab bench coverage mutants lock release clean

help:
	@echo "make book   build the review into $(SITE)/index.html"
	@echo "make accept store the numbers that the chapters' checks print now"
	@echo "make pdf    print the whole review to _build/pdf/review.pdf (needs Chromium)"
	@echo "make test   check code, data, notebooks and the built site"
	@echo "make verify compare every reference record with the engine"
	@echo "make lab    open the chapters in JupyterLab"
	@echo "make bench  time the engine"
	@echo "make coverage   measure which branches of the engine its tests run"
	@echo "make mutants    change the engine at random and count what its tests notice"
	@echo "make release VERSION=26.0.0   write site, data, results and checksums into dist/"
	@echo "make new-review DIR=../mine TITLE='...'   start another review from this one"
	@echo "make lock   renew requirements.txt from requirements.in"
	@echo "make clean  remove what was built (make clean ALL=1 also removes .venv)"

setup: $(READY)

# Compiled bytecode spares every start of Python the same work where it may not be written later.
$(READY): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "There is no '$(PYTHON)' here. Install Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) -V 2>&1)."; \
	  echo "Name another one like this: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || { echo "Making a virtual environment in .venv ..."; \
	  $(PYTHON) -m venv .venv || { rm -rf .venv; \
	    echo "The venv module failed. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }; }
	@echo "Installing the locked packages ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(UV)" \
	  && $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.txt \
	  || { echo "uv could not do it; trying pip ..."; \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt; }
	@touch $@

# The data are checked before anything is built. The book is built aside and put in place when it is whole, so
# whatever ends a build, the last whole site stays. The caches of notebooks and engine stay as well.
book: $(READY)
	@echo "Checking the data ..."
	@$(BIN)/python -m analysis validate
	@echo "Building the book (the first time takes minutes) ..."
	@$(BIN)/python -m analysis.site.build
	@echo
	@echo "The book is built. Open $(SITE)/index.html"
	@echo "Every estimate as data: $(SITE)/results.json"

# After a change that was meant to move numbers; `git diff book` then shows which moved.
accept: $(READY)
	@$(BIN)/python -m analysis validate
	@$(BIN)/python -m analysis.site.accept

# The pages that were built are put together and printed; no notebook runs again.
pdf: book
	@$(BIN)/python -m analysis.site.pdf $(SITE) _build/pdf/review.pdf

# The copy has empty tables and a protocol to rewrite; it is checked at once.
new-review: $(READY)
	@test -n "$(DIR)" || { echo "Name a folder, as in: make new-review DIR=../my-review"; exit 1; }
	@$(BIN)/python -m analysis.site.new_review "$(DIR)" --title "$(or $(TITLE),A new living systematic review)"
	@$(BIN)/python -m analysis validate "$(DIR)/data"

lint: $(READY)
	@echo "Checking the code's style and types ..."
	@$(BIN)/ruff check .
	@$(BIN)/mypy

# Site tests fail rather than skip when the site is missing, as it was just built.
test: lint book
	@echo
	@echo "Running the tests, the examples of the code, and every chapter again through nbval ..."
	@REVIEW_SITE_REQUIRED=1 $(BIN)/python -m pytest -n 2 --dist loadfile -q \
	  --nbval-lax --nbval-current-env --doctest-modules tests book analysis $(PYTEST_ARGS)
	@echo
	@echo "All tests passed. The tests are in tests/, the tested site is $(SITE)/index.html"

verify: $(READY)
	$(call engine,tests/oracle)
	@echo "Comparing all reference records in ../shared/oracle (minutes) ..."
	@REVIEW_ALL_RECORDS=1 $(BIN)/python -m pytest -n 2 -q tests/oracle $(PYTEST_ARGS)

lab: $(READY)
	@echo "Opening the chapters in JupyterLab; stop it with Ctrl-C ..."
	@$(BIN)/jupyter lab $(LAB_ARGS) book

# PyMARE is a peer only, so it stands beside the environment, not in it.
bench: $(READY)
	$(call engine,benchmarks)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --target _build/peers --no-deps \
	  PyMARE==0.0.13 sympy==1.14.0 || echo "PyMARE could not be fetched."
	@PYTHONPATH=_build/peers $(BIN)/python benchmarks/run.py

# Compiled functions cannot be followed, so their tests run a second time without compilation.
coverage: export COVERAGE_FILE = _build/coverage.dat
coverage: $(READY)
	$(call engine,tests/synthesis)
	@mkdir -p _build
	@echo "Running the tests of the engine (minutes), then those of its compiled part uncompiled ..."
	@$(BIN)/python -m pytest -n 2 -q tests/synthesis tests/validation \
	  --cov=analysis.synthesis --cov-branch --cov-report=
	@NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q tests/synthesis/test_glmm_many.py \
	  tests/synthesis/test_quadrature.py -k compiled \
	  --cov=analysis.synthesis --cov-branch --cov-append --cov-report=term-missing:skip-covered

mutants: $(READY)
	$(call engine,validation)
	@$(BIN)/python -c "import cosmic_ray" 2>/dev/null || { \
	  echo "cosmic-ray makes the changes. Install it: $(BIN)/uv pip install cosmic-ray==8.7.0"; exit 1; }
	@$(BIN)/python -m validation.mutation $(MUTANTS_ARGS)

lock: $(READY)
	@$(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
	  --no-annotate --no-header requirements.in --output-file requirements.txt
	@echo "-e ." >> requirements.txt
	@echo "requirements.txt is renewed; 'make test' installs and tries it."

# The time of the commit stands for the time of the release, so that two runs give equal files.
release:
	@test -n "$(VERSION)" || { echo "Name the version, as in: make release VERSION=26.0.0"; exit 1; }
	@$(MAKE) --no-print-directory book
	@$(BIN)/python -m analysis release "$(VERSION)" $(RELEASE_ARGS)

clean:
	@rm -rf _build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@if test -n "$(ALL)"; then rm -rf .venv; fi
	@echo "Removed what was built."
