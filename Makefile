.PHONY: help run test check contracts-long faults-long gas bench-indexing bench-size bench-relay bench-api lock clean

PYTHON ?= python3

help:
	@echo "make run    install what is missing, start the whole system and replay real purchases"
	@echo "make test   install what is missing, run every check and test"
	@echo "make check  the linters alone: ruff, mypy, import-linter, solhint, forge fmt"
	@echo "make contracts-long  what the tests do to the contracts, at length: 45 minutes, up to 3 hours after changes; docs/security.md tells the last one"
	@echo "make faults-long  what the tests do to a running gateway, at length: an hour and a quarter; docs/reliability.md tells the last one"
	@echo "make gas    measure what transactions cost, ours and the peers', and write it down"
	@echo "make bench-indexing  measure how fast the indexer is, against Ponder and the floor"
	@echo "make bench-size  measure what chains up to ten times as long cost to index, and to restore"
	@echo "make bench-relay  measure signed payments from the API to the webhook"
	@echo "make bench-api  measure reads of wallets, against a bare route"
	@echo "make lock   write the lock files anew from pyproject.toml and package.json"
	@echo "make clean  remove what was installed and built; .chainpoints (the local chain's state) stays"

run:
	@$(PYTHON) scripts/setup.py run
	@.venv/bin/chainpoints run

test:
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/python scripts/test.py

check:
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/python scripts/test.py check

contracts-long:
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/python scripts/contracts_long.py

faults-long:
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/python scripts/faults.py

gas:
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/python -m benchmarks.gas

bench-indexing:
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/python -m benchmarks.indexing

bench-size:
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/python -m benchmarks.indexing.size

bench-relay:
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/python -m benchmarks.relay

bench-api:
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/python -m benchmarks.api

lock:
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/python scripts/lock.py

clean:
	rm -rf .venv .venv-* node_modules build .chainpoints/solcx .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
