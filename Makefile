# The targets that people and CI use; `make help` lists them.
FUZZTIME ?= 10s
BENCHTIME ?= 1s
export PATH := $(CURDIR)/.setup/node/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup need build ui models demo test crm-servers race lint fmt fuzz bench bench-asr bench-capacity bench-media bench-search eval soak fresh clean

help: ## Show what there is to make.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Install what is needed: Debian packages, Node.js, speech models, Go modules.
	@scripts/setup

need:
	@scripts/setup --quiet

build: ## Compile bin/earshot.
	@go build -o bin/earshot ./cmd/earshot

ui: need ## Build the page into web/ui/dist, which is committed.
	@npm install --prefix web/ui --no-save --ignore-scripts --silent
	@npm run --prefix web/ui --silent check
	@npm run --prefix web/ui --silent build

models: need build ## Check the speech models and copy them to models/dist again.
	@bin/earshot models install && bin/earshot models verify

demo: need ## Place a call of a minute to a server of its own and show all that comes of it.
	@echo "==> Compiling bin/earshot (minutes the first time, then a second)"
	@$(MAKE) --no-print-directory build
	@bin/earshot demo

test: need ## Run go vet and every test, with the race detector and the end-to-end tests.
	@scripts/test

crm-servers: ## Install and run Request Tracker and Tryton on loopback, to try notes with (Ctrl-C ends both).
	@scripts/crm-servers

race: need ## Run the tests of PKG (default ./...) with the race detector, each anew.
	@go test -race -shuffle=on -count=1 $(or $(PKG),./...)

lint: need ## Check format and style.
	@scripts/lint

fmt: ## Format all Go files.
	@git ls-files -co --exclude-standard '*.go' | xargs go tool -modfile=tools/go.mod gofumpt -w

fuzz: need ## Run each fuzz target for FUZZTIME (default 10s).
	@scripts/fuzz $(FUZZTIME)

bench: need ## Run the benchmarks, each for BENCHTIME (default 1s).
	@go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $(or $(PKG),./...)

bench-asr: need ## Word errors of the engine alone and through the whole path: four codecs, lost packets, many voices.
	@scripts/speech
	@go test -run '^$$' -bench WordErrors -benchtime 1x -timeout 40m ./e2e

bench-capacity: need ## How many channels are transcribed live, at what latency and cost, and what an overload does.
	@go test -run '^$$' -bench 'Capacity|Overload' -benchtime 1x -timeout 30m ./transcribe
	@go test -run '^$$' -bench LiveCalls -benchtime 1x -timeout 30m ./e2e

bench-media: need ## What receiving and recording costs at 100, 500 and 1,000 calls, beside a bare loop in C.
	@go test -run '^$$' -bench MediaCost -benchtime 1x -timeout 15m ./e2e

bench-search: ## How long searching a million utterances takes while 50 a second come in; the store is made once, in bin/.
	@mkdir -p bin/bench-search
	@go run ./store/sqlite/benchsearch

eval: need ## What is found in scripted calls, as written and as recognised (flite): facts, actions, suggestions (minutes).
	@go run ./eval -recognised

soak: need ## The long forms: kill -9 at 50 random moments, 200 calls at saturation, 200 notes through a failing CRM, an hour of live transcription (two hours).
	@go test -run '^$$' -bench Soak -benchtime 1x -timeout 3h ./transcribe
	@E2E_KILLS=50 E2E_CALLS=200 E2E_CHAOS=200 go test -v -run 'Killed|Saturation|Chaos' -timeout 3h ./e2e

fresh: ## Try make demo and make test in a fresh clone on a fresh Debian 12 (root, debootstrap).
	@scripts/fresh-clone-test

clean: ## Remove what was built, but not what setup installed.
	@rm -rf bin coverage.out
	@go clean -testcache
