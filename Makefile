# Two commands on a fresh machine (CPython 3.11 to 3.13, make, git): `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo sample test quick check format messages lock bench clean

demo: $(VENV)/.main  ## set up and run the main job: a search on scikit-learn's digits, ending with a report
	@if $(BIN)/nas show digits --json > /dev/null 2>&1; \
	then $(BIN)/nas resume digits; else $(BIN)/nas launch studies/digits.toml; fi
	@echo; echo 'The report, a page that opens in any browser:'
	@$(BIN)/nas report digits --quiet -o reports/demo.html

sample: $(VENV)/.dev  ## renew the committed sample of a report, and its picture, from the study digits
	$(BIN)/python -m benchmarks.sample_report studies/nas.db digits

test: $(VENV)/.dev  ## set up and run all tests
	$(BIN)/python -m pytest

quick: $(VENV)/.dev  ## the tests that need no TensorFlow
	$(BIN)/python -m pytest -m "not tf"

check: $(VENV)/.dev  ## lint, types, who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Exactly the locked versions, each with its hash; the package itself is installed in place, built offline.
$(VENV)/.main: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@ $(VENV)/.main

# No message is taken over from one that is only like it: what is new is empty until somebody has translated it.
messages: $(VENV)/.dev  ## bring the catalogues of nas/locale up to the messages in the source
	mkdir -p build
	$(BIN)/pybabel -q extract -F babel.cfg -c Translators: --add-location=file --sort-by-file --no-wrap -o build/nas.pot .
	$(BIN)/pybabel -q update -D nas -d nas/locale -i build/nas.pot --no-fuzzy-matching --ignore-obsolete --no-wrap --ignore-pot-creation-date

lock:  ## resolve anew, for all supported Pythons and platforms; needs uv
	uv pip compile --universal --generate-hashes --no-header --quiet --upgrade pyproject.toml --group build -o requirements.lock
	uv pip compile --universal --generate-hashes --no-header --quiet --upgrade pyproject.toml --group build --extra dev -c requirements.lock -o requirements-dev.lock

bench: $(VENV)/.dev  ## the figures of docs/benchmarks.md, measured here
	$(BIN)/python -m benchmarks.coordinator
	$(BIN)/python -m benchmarks.throughput
	$(BIN)/python -m benchmarks.ranking
	$(BIN)/python -m benchmarks.report

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
