# `make demo` and `make test` set up everything they need in .venv; Python >= 3.10 is all they ask for.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := .uv/bin/uv
JOBS ?= 2

# Images often set it; without compiled files each of a thousand processes compiles what it imports: torch, gradio, ...
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test mutate check format docs docs-check requirements dist sbom release clean

help:  ## What each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "mirabench needs Python >= 3.10; name one with: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# uv resolves and installs in seconds, and takes the same torch build everywhere. It stands beside the environment,
# which holds what mirabench needs and nothing else.
$(UV): | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --target .uv -r requirements/uv.txt

$(VENV)/.light: requirements/core.txt pyproject.toml | $(BIN)/python $(UV)
	$(UV) pip install -q --python $(BIN)/python --no-deps --require-hashes -r requirements/core.txt
	$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.full: requirements/full.txt pyproject.toml | $(BIN)/python $(UV)
	$(UV) pip install -q --python $(BIN)/python --no-deps --require-hashes -r requirements/full.txt
	$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@ $(VENV)/.light

setup: $(VENV)/.full  ## The full development environment in .venv

demo: $(VENV)/.light  ## Render three clips and score them with the suite `lite`
	$(BIN)/mirabench examples demo/clips
	$(BIN)/mirabench evaluate demo/clips/manifest.csv --suite lite --output demo/report

test: setup  ## The whole test suite
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal

mutate: setup  ## Change the code that promises rest on, bit by bit; SECTION="identity resume workers ranking statistics"
	$(BIN)/python tests/mutation/run.py --jobs $(JOBS) $(SECTION)

check: setup  ## Formatting, lint, types, import layers, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory docs-check

format: setup  ## Rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup  ## Regenerate the generated pages and build the site
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/prompt_coverage.py
	$(BIN)/mkdocs build --strict -f docs/mkdocs.yml

docs-check: setup  ## Fail when a generated page is stale
	$(BIN)/python docs/generate.py --check
	$(BIN)/python docs/prompt_coverage.py --check

# Every file that an index offers for a pin has its hash here; an install refuses any other.
PIN := pip compile -q --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-annotate --no-header

requirements: | $(UV)  ## Pin what pyproject.toml names, with hashes; UPGRADE=-U takes the newest versions
	$(UV) $(PIN) pyproject.toml -o requirements/core.txt $(UPGRADE)
	$(UV) $(PIN) pyproject.toml --extra dev --override requirements/override.txt -o requirements/full.txt $(UPGRADE)
	echo uv | $(UV) $(PIN) - -o requirements/uv.txt $(UPGRADE)

dist: setup  ## Build the wheel and the source distribution into dist/
	rm -rf dist
	$(UV) build -q --out-dir dist

sbom: setup  ## Write a bill of materials (CycloneDX) of the core and of the full environment into build/sbom/
	mkdir -p build/sbom
	$(BIN)/cyclonedx-py requirements requirements/core.txt --pyproject pyproject.toml --output-reproducible \
	  -o build/sbom/mirabench-core.cdx.json
	$(BIN)/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-reproducible \
	  -o build/sbom/mirabench-full.cdx.json

release: setup  ## Commit and tag VERSION with its change notes; pushing the tag publishes it
	$(BIN)/python .ci/release.py prepare "$(VERSION)"

clean:  ## Remove what the other targets made
	rm -rf $(VENV) .uv demo build site *.egg-info .mypy_cache .ruff_cache .import_linter_cache
