# Everything one does with the project is a target here; `make` alone lists them. Each sets up what it needs in $(VENV).
VENV ?= .venv
override VENV := $(or $(VENV),.venv)# `make lab VENV=$CONDA_PREFIX` where no conda environment is active
PORT ?= 8888
OPEN ?= yes
TORCH ?= no
NB ?=
USERS ?= 8
ARGS ?=

PY := "$(VENV)/bin/python"
# The matrices are 11 x 11: more threads than one only cost time, and far more of it where a container has fewer CPUs than it shows.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help lab dashboard site serve doctor test quick mutants notebooks readme pictures handouts bench classroom train lint lock audit clean
.PHONY: audit-environment lab-environment lock-environment site-environment dashboard-environment test-environment train-environment classroom-environment

help:  ## list the commands
	@sed -n 's/^\([a-z]*\):.*##/  make \1\t/p' Makefile | expand -t 18
	@echo "Options: make lab PORT=9000 OPEN=no TORCH=yes LOCK=no | make test ARGS='tests/unit -x' | make notebooks NB=07 | make classroom USERS=8 | make train ARGS=--help"
	@echo "An environment of your own (conda, say) instead of .venv: make lab VENV=\$$CONDA_PREFIX"

lab: lab-environment  ## open notebook 00 in JupyterLab (sets up .venv the first time)
	@JUPYTER_CONFIG_PATH="$(CURDIR)/binder$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" $(PY) -m jupyterlab --ServerApp.ip=127.0.0.1 --ServerApp.port=$(PORT) \
		$(if $(filter 0,$(shell id -u)),--allow-root) $(if $(filter no,$(OPEN)),--no-browser) \
		--LabApp.default_url=/lab/tree/$(firstword $(wildcard notebooks/00_*.ipynb))

dashboard: dashboard-environment  ## serve every lab as a page of its own, with Voila
	@$(PY) tools/dashboard.py --port $(PORT) $(if $(filter no,$(OPEN)),--no-browser)

site: site-environment  ## write the site, build/site/index.html, with JupyterLite in it (Pyodide comes from PYODIDE=folder, or from its CDN)
	@$(PY) tools/build_site.py
	@$(PY) tools/build_lite.py

serve:  ## show the site on this machine (after `make site`; PORT=9000 for another port)
	@[ -f build/site/serve.py ] || { echo "make: there is no site yet: make site writes it." >&2; exit 1; }
	@$(PY) build/site/serve.py $(PORT)

doctor:  ## check that what the labs need is here, and say what to do where it is not
	@[ -x $(PY) ] || { echo "make: there is no environment $(VENV) yet: make lab makes it." >&2; exit 1; }
	@$(PY) -m lt_helpers doctor

test: test-environment  ## run the whole suite: house, unit, labs, notebooks, browser
	@tools/setup chromium
	@$(PY) -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder $(ARGS)

quick: test-environment  ## run what needs neither a browser nor the notebooks, and trains nothing for long
	@$(PY) -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder -m "not slow" tests/training tests/unit tests/labs tests/house tests/js $(ARGS)

mutants: test-environment  ## plant bugs by lot, and count those that a test without a browser finds (ARGS="--minutes 10 --seed 0 --keep")
	@$(PY) tools/mutants.py $(ARGS)

notebooks: test-environment  ## rebuild and execute the notebooks from notebooks/.text (one: NB=07)
	@tools/setup chromium
	@$(PY) tools/build_notebooks.py $(NB)
	@$(PY) tools/write_readme.py
	@$(PY) tools/build_notebooks.py --refresh

readme: test-environment  ## carry the project's address, its version and the map of the series where they are repeated
	@$(PY) tools/build_notebooks.py --refresh
	@$(PY) tools/write_readme.py

pictures: test-environment  ## draw the pictures of the labs in docs/pictures
	@tools/setup chromium
	@$(PY) tools/pictures.py $(ARGS)

handouts: test-environment  ## poster, worksheet, slides, the answers in the teacher's guide, the moving picture of the README
	@tools/setup chromium
	@$(PY) tools/handouts.py

bench: test-environment  ## measure labs, training and forward pass beside the usual ways (kept ones: benchmarks/results)
	@tools/setup chromium
	@$(PY) -m benchmarks $(ARGS)

classroom: classroom-environment  ## a room of USERS=8 learners on a real JupyterHub: time to the first lab, memory
	@tools/setup proxy "$(VENV)"
	@$(PY) tools/classroom.py $(USERS)

train: train-environment  ## make stored models again (ARGS=--help lists the options)
	@$(PY) -m lt_helpers train $(ARGS)

lint: test-environment  ## ruff over everything
	@$(PY) -m ruff check .

lock: lock-environment  ## renew constraints.txt: the newest versions that pyproject.toml allows
	@$(PY) tools/lock.py

audit: audit-environment  ## ask PyPI for known vulnerabilities of everything that is installed
	@$(PY) tools/audit.py

clean:  ## remove .venv and what the commands left behind
	$(if $(filter-out .venv,$(VENV)),$(error clean removes .venv, never an environment of your own: call it without VENV))
	rm -rf .venv .venv-lite build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

lab-environment:
	@tools/setup labs "$(VENV)"
	@$(if $(filter yes,$(TORCH)),tools/setup train "$(VENV)")
lock-environment:
	@tools/setup uv "$(VENV)"
site-environment:
	@tools/setup site "$(VENV)"
dashboard-environment:
	@tools/setup dashboard "$(VENV)"
test-environment:
	@tools/setup test "$(VENV)"
classroom-environment:
	@tools/setup classroom "$(VENV)"
audit-environment:
	@tools/setup audit "$(VENV)"
train-environment:
	@tools/setup train "$(VENV)"
