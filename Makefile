# palava-machine. `make` alone lists the targets; continuous integration runs these targets and nothing else.

.DEFAULT_GOAL := help
SHELL := /bin/sh
PREFIX ?= /usr/local
BUN = $(shell scripts/find-bun.sh)
SOURCES = $(shell find src scripts -type f) package.json package-lock.json
EXE = dist/palava-machine

.PHONY: help run test bench build dev check fuzz attacks workers audit client release deb install clean

help: ## list the targets
	@echo "palava-machine: make TARGET [VARIABLE=value]"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 12
	@echo "variables: ARGS= (run, dev), TEST= (test: part of a file name), SEED= (fuzz), WORKERS= (workers), BENCH= QUICK=1 BASE= MINUTES= COMPARE= COMPARE_PID= (bench), TARGETS= (release), ARCH= (deb), PREFIX= (install)"

run: $(EXE) ## build the executable and start it: make run ARGS="--port 4300"
	@$(EXE) $(ARGS)

build: $(EXE) ## build the executable dist/palava-machine

dev: node_modules/.ready pages ## start from the sources, again at each change
	@$(BUN) --watch src/main.ts $(ARGS)

test: node_modules/.ready ## install what tests need, check, build, run all tests
	@TEST='$(TEST)' scripts/test.sh

check: node_modules/.ready pages ## format, lint, types, layers
	@scripts/check.sh

fuzz: $(EXE) ## the seeded simulation and the attacks for longer: make fuzz SEED=42
	@SEED='$(SEED)' FUZZ=long $(BUN) test --timeout 120000 ./test/fuzz ./test/attacks/attacks.test.ts

attacks: $(EXE) ## attacks on a node, for longer; writes the figures to docs/attacks.md: make attacks ATTACK="pings|rooms"
	@FUZZ=long ATTACKS=write $(BUN) test --timeout 120000 ./test/attacks/attacks.test.ts -t '$(ATTACK)|every row'

workers: $(EXE) ## scenarios, faults, wire with workers in place of each node: make workers WORKERS=3
	@WORKERS='$(or $(WORKERS),2)' $(BUN) test --timeout 120000 ./test/scenarios ./test/faults ./test/wire

audit: node_modules/.ready ## known vulnerabilities and licences of what is compiled in
	@$(BUN) scripts/release/audit.ts

bench: $(EXE) ## measure the executable beside its limit and its alternatives
	@BENCH='$(BENCH)' QUICK='$(QUICK)' BASE='$(BASE)' MINUTES='$(MINUTES)' COMPARE='$(COMPARE)' COMPARE_PID='$(COMPARE_PID)' \
	  $(BUN) bench/run.ts

client: node_modules/.ready pages ## the browser package dist/client/palava-machine-client-<version>.tgz
	@cd dist/client/package && npm pack --silent --pack-destination .. >/dev/null
	@ls dist/client/*.tgz

release: node_modules/.ready pages ## archives for Linux (x64, arm64, glibc and musl) and macOS in dist/release
	@TARGETS='$(TARGETS)' $(BUN) scripts/release/release.ts

deb: node_modules/.ready pages ## Debian package in dist/deb: make deb ARCH=arm64
	@ARCH='$(ARCH)' $(BUN) scripts/release/deb.ts

install: $(EXE) ## copy the executable to $(PREFIX)/bin
	install -D -m 755 $(EXE) $(DESTDIR)$(PREFIX)/bin/palava-machine

clean: ## remove what was built and installed here
	rm -rf dist node_modules

.PHONY: pages
pages: dist/pages/.built

dist/pages/.built: node_modules/.ready $(SOURCES) docs/client.md
	@$(BUN) scripts/build-pages.ts
	@$(BUN) scripts/build-client.ts
	@touch $@

$(EXE): dist/pages/.built
	@scripts/compile.sh $@.new
	@mv $@.new $@

node_modules/.ready: package.json package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install it (Debian, Ubuntu: apt-get install npm)" >&2; exit 1; }
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@
