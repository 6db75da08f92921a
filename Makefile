# Every target calls one command. `PYTHON=python3.12 make test` chooses the interpreter of a new environment.
PYTHON := $(or $(PYTHON),python3)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-newest notebooks bench export readme lint hooks constraints clean

help:         ## this list
	@sed -n 's/^\([a-z-]*\): *[a-z]* *## /  make \1	/p' Makefile

setup:        ## create .venv and install what constraints.txt names (done at once when nothing has changed)
	@"$(PYTHON)" tools/install.py

demo: setup   ## train on simulated tissue, restore it, and show the scores (minutes on a laptop)
	@PSSR_RESULTS=demo $(BIN)/pssr experiment em_8nm_to_2nm --preset cpu

test: setup   ## everything that must hold before a change is shared
	@$(BIN)/python tools/test.py

test-newest: setup ## the installed library with the newest releases its requirements allow, in .venv-newest
	@$(BIN)/python tools/newest.py

notebooks: setup ## run every notebook again, in place, and keep its outputs
	@$(BIN)/python tools/notebooks.py

bench: setup  ## measure the speed of what must be fast
	@$(BIN)/python tools/bench.py

export: setup ## clean the notebooks, write pssr/ from nbs/ and README.md from nbs/index.ipynb
	@$(BIN)/python tools/sync.py

readme: setup ## write README.md from nbs/index.ipynb
	@$(BIN)/python tools/readme.py

lint: setup   ## ruff on the modules and tools
	@$(BIN)/ruff check pssr tools setup.py

hooks:        ## clean notebooks at every commit
	@git config core.hooksPath .githooks

constraints:  ## resolve constraints.txt anew (needs python3.11 and python3.10)
	@"$(PYTHON)" tools/constraints.py python3.11 python3.10

clean:        ## remove the environments and everything built
	@rm -rf .venv .venv-newest build dist *.egg-info .ruff_cache
