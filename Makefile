# Two commands do all on a fresh machine: `make report` and `make test`.
.DELETE_ON_ERROR:
.PHONY: report test lab update docs bench lock dependencies clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
CANDIDATES := python3 python3.13 python3.12 python3.11
# The plugins that nbval needs, ours first, which lets nbval load faster; others cost two seconds in
# each process. Three workers, as a third of a notebook's time is waiting for its kernel.
ONLY := --disable-plugin-autoload $(addprefix -p ,kursk_claims.engine.sharing nbval.plugin xdist.plugin pytest_timeout)
WIDE := -n 3 --dist loadfile
PYTHON ?= $(firstword $(foreach p,$(CANDIDATES),$(shell \
  $(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $(p))))

report: $(READY)  ## run every claim on both dates, then build reports/index.html
	$(BIN)/kursk report

test: $(READY)  ## style, types, contracts, unit tests, nbval, a second set of parameters
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest tests $(WIDE)
	$(BIN)/pytest $(ONLY) --nbval notebooks --ignore-glob 'notebooks/_*' --nbval-kernel-name kursk-warm $(WIDE)

lab: $(READY)  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=notebooks

update: $(READY)  ## re-execute the committed notebooks, store the verdicts of every week
	$(BIN)/kursk run --update
	$(BIN)/kursk timeline --update
	$(MAKE) docs

docs: $(READY)  ## rewrite data/README.md, src/README.md and the scoreboard in README.md
	$(BIN)/python -m kursk_claims.evidence.describe
	$(BIN)/python -m kursk_claims.report.api
	$(BIN)/python -m kursk_claims.report.readme

bench: $(READY)  ## side by side with the plain tools; takes some 40 minutes
	$(BIN)/python -m tests.benchmarks.bench_engine

lock:  ## resolve requirements.lock anew, list what it holds and under which licence (needs uv)
	uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	  --no-header --no-annotate --all-extras --quiet --output-file requirements.lock pyproject.toml
	$(MAKE) dependencies

dependencies: $(READY)  ## rewrite src/DEPENDENCIES.md and src/bom.cdx.json from the lock (needs uv)
	$(BIN)/python -m tests.dependencies

clean:  ## remove what was generated; the data and notebooks stay
	rm -rf reports .cache $(VENV)

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is missing. On Debian or Ubuntu: apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
