# viop: the commands of the house. `make` alone lists them.
SHELL := /bin/sh
GO    ?= go
LINT  := $(GO) tool -modfile=.ci/tools/go.mod golangci-lint
APP   := web/app
DIST  := web/dist/index.html
# With two cores and more the server gets the first, the load generator the others.
CORES := $(shell nproc 2>/dev/null || echo 1)
APART  = $(if $(filter-out 1,$(CORES)),$(if $(shell command -v taskset),taskset -c 1-$(shell expr $(CORES) - 1)))
SERVER = $(if $(APART),--server-core 0)
SRC   := $(shell find $(APP) -path $(APP)/node_modules -prune -o -type f -print 2>/dev/null)

.PHONY: help run test deps check unit race e2e shots bench fuzz web build image clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: web ## build everything and start a demo group: links to click, data in ./data
	@.ci/deps redis-server || echo "viop: no redis-server, so nothing will be kept" >&2
	$(GO) build -o bin/viop ./cmd/viop
	bin/viop demo --data data

test: deps check unit e2e ## everything: checks, Go tests with the race detector, browser tests

deps: # the race detector needs a C compiler; g++ brings the headers along
	.ci/deps $$(command -v gcc >/dev/null || echo g++) redis-server chromium firefox-esr

check: web ## format, vet, lint, types
	@test -z "$$(gofmt -l cmd signaling rooms auth web/*.go)" || { gofmt -l cmd signaling rooms auth web/*.go; echo "run gofmt -w on these" >&2; exit 1; }
	$(GO) vet ./...
	$(LINT) run ./...
	cd $(APP) && npm run --silent check

unit: web ## Go tests with the race detector, the client's unit tests
	$(GO) test -race -timeout 10m $$($(GO) list ./... | grep -v /rooms/sfu$$)
	$(GO) test -timeout 10m -parallel 4 ./rooms/sfu # media in real time, which a busy machine does not keep up with under the race detector: make race
	VIOP_MEDIA_PATH=pion $(GO) test -timeout 10m -parallel 4 -skip 'Minute|ThinLine|UDPBlocked|TenthLost|PagesMake' ./rooms/sfu # what a line carries is one code for both ways
	cd $(APP) && npm test --silent

race: ## the media in real time under the race detector, on an idle machine (90 s)
	$(GO) test -race -timeout 20m -parallel 4 ./rooms/sfu

e2e: web build ## real browsers against the real binary
	cd $(APP) && npm run --silent e2e

shots: web build ## take the README's pictures anew
	cd $(APP) && VIOP_SHOTS=1 node --test e2e/pages.test.mjs
	cd $(APP) && node e2e/records-shots.mjs test-results review cohort
	cd $(APP) && node e2e/integrations-shots.mjs test-results integrations
	cd $(APP)/test-results && cp review-wide-light.png cohort-wide-light.png integrations-wide-light.png ../e2e/screenshots/

bench: build ## the benchmarks behind the figures in the README: ten minutes of an idle machine
	$(GO) test -run '^$$' -bench . -benchmem ./rooms/... ./signaling/...
	$(GO) build -o bin/viopload ./cmd/viopload
	$(APART) bin/viopload bench $(SERVER)

fuzz: ## every fuzz target for 30 s each
	@for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime 30s $$package || exit 1; done; done

web: $(DIST) ## the browser client into web/dist

$(DIST): $(SRC) signaling/wire/schema/viop.v1.json | $(APP)/node_modules/.package-lock.json
	cd $(APP) && npm run --silent build
	@touch $@

$(APP)/node_modules/.package-lock.json: $(APP)/package-lock.json
	cd $(APP) && npm ci --silent --no-audit --no-fund
	@touch $@

build: web ## the binary, bin/viop
	$(GO) build -o bin/viop ./cmd/viop

image: ## the container image
	docker build -f deploy/Dockerfile -t viop .

clean: ## remove what was built
	rm -rf bin web/dist/assets web/dist/index.html $(APP)/node_modules
