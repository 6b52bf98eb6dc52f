# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: test test-slow demo docs lint format wheel-test clean

# Two processes of one thread each: more threads than cores would fight. In the order of the files, the long
# ones, which read real data, come first. What was compiled is kept: else each process compiles all anew.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: $(INSTALLED)  ## the test suite, four minutes; tests on real data need VHP_DATA
	$(PYTEST) -m "not slow"

test-slow: $(INSTALLED)  ## what takes longer: trainings, long videos, a browser
	$(PYTEST) -m slow

DEMO := build/demo

demo: $(INSTALLED)  ## make a small street scene, track it with and without appearance, score both
	$(BIN)/python tools/make_demo_sequence.py $(DEMO)/STREET-01 --force
	$(BIN)/track --seq STREET-01 --data-root $(DEMO) --descriptor none --output $(DEMO)/none
	$(BIN)/track --seq STREET-01 --data-root $(DEMO) --descriptor fmvae-small --output $(DEMO)/fmvae-small \
		--video $(DEMO)/street.mp4 --report $(DEMO)/street.html
	$(BIN)/python tools/eval_mot16.py $(DEMO)/none $(DEMO)/fmvae-small --data-root $(DEMO)
	@echo "Look at $(DEMO)/street.mp4 and $(DEMO)/street.html"

docs: $(INSTALLED)  ## the documentation as a site, in build/site
	$(BIN)/python -c "import mkdocs, material, mkdocstrings" 2>/dev/null || \
		$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Look at build/site/index.html"

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel-test: $(INSTALLED)  ## build the wheel, install it beside only what it asks for, use it from elsewhere
	$(BIN)/python tools/check_wheel.py

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another one: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@# An interrupted installation may have left half an environment.
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(INSTALLED)
