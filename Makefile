# Every target says what it needs beyond Go, git and make.

GO         ?= go
# Not ?=: make itself sets LINT, to lint.
LINT        = $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
MODULES     = . interop interop/old interop/oldest interop/trial interop/upstream $(patsubst %/go.mod,%,$(wildcard examples/*/go.mod))
FUZZTIME   ?= 30000x
# As kpkg is built, and as it builds: so kpkg, its tests and what they build share what is compiled once.
export CGO_ENABLED = 0
export GOFLAGS    := $(strip $(shell $(GO) env GOFLAGS 2>/dev/null) -trimpath)
INTEGRATIONS ?= https://github.com/PlakarKorp/integrations

.DEFAULT_GOAL := help

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The commit goes into it, whatever GOFLAGS says, but where git does not tell one, as for a tree that is another user's.
build: ## Build bin/kpkg
	$(GO) build -buildvcs=$$(git rev-parse HEAD >/dev/null 2>&1 && echo true || echo false) -o bin/kpkg ./cmd/kpkg

release: ## Make the release of kpkg in dist, for six platforms; KEY=FILE.sec signs it; needs dpkg-deb (CONTRIBUTING.md)
	$(GO) run ./internal/ownrelease $(if $(KEY),-key $(KEY)) $(if $(PASSPHRASE_FILE),-passphrase-file $(PASSPHRASE_FILE))

demo: build ## Create a package of examples/ftp and verify it; needs no server, but a network for Go's modules
	bin/kpkg create examples/ftp v0.1.0 --strict --out-dir dist --force
	bin/kpkg verify dist/ftp_v0.1.0_*.ptar
	@echo "Next: bin/kpkg try backup dist/ftp_v0.1.0_*.ptar ftp://HOST/FOLDER username=NAME 'password=\$$PASSWORD' -o data.ptar"
	@echo "      or install it: plakar pkg add ./dist/ftp_v0.1.0_*.ptar"

# All modules come first, so that a network that fails is seen as that, and not as a test that failed.
test: ## Run the tests
	@set -e; for module in $(filter-out interop%,$(MODULES)); do \
		echo "# modules of $$module"; (cd $$module && $(GO) mod download); done
	@set -e; for module in $(filter-out interop%,$(MODULES)); do \
		echo "# tests of $$module"; (cd $$module && $(GO) test -timeout 30m ./...); done

# It sees what runs at the same time in one process, and makes all of it several times as slow. So it runs each room's own tests, where
# that code is, and of what goes through the whole program only what does much at once (concurrent in cmd/kpkg/script_test.go).
# Other tests that it is not to run say so themselves, and why: grep -r raced.Skip
# A raced program waits for a second at its end, in case that others of its threads still race; kpkg has ended its own by then.
race: export GORACE = atexit_sleep_ms=50
race: export CGO_ENABLED = 1
race: ## Run the tests under the race detector; needs a C compiler
	@set -e; for module in $(filter-out interop%,$(MODULES)); do \
		echo "# race detector on $$module"; (cd $$module && $(GO) test -race -timeout 30m ./...); done

lint: ## Check formatting, vet, staticcheck and the layers of the tree (.golangci.yml), and vet for other systems too
	@set -e; for module in $(MODULES); do \
		echo "# lint of $$module"; (cd $$module && $(LINT) run ./...); done
	@$(GO) build -o bin/vet ./internal/vet
	@set -e; for os in windows darwin; do \
		echo "# vet for $$os"; GOOS=$$os bin/vet ./...; done

vuln: ## Look for known vulnerabilities; needs a network that reaches Go's database of them
	@set -e; for module in $(MODULES); do \
		echo "# vulnerabilities of $$module"; (cd $$module && $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...); done

# A count, not a duration: up to Go 1.26 the end of a duration can be reported as a failure (golang/go#75804). What is found to be
# of interest is made small for a minute each time, if nothing else is said.
fuzz: ## Run every fuzz target for FUZZTIME (30000x inputs)
	@set -e; grep -rEo --include='*_test.go' '^func Fuzz\w+' . | grep -v '^./interop/' | sort | tr : ' ' | while read -r file func target; do \
		echo "# $$target in $${file%/*}"; \
		(cd $${file%/*} && $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1000x .); done

platforms: ## Go by two commands from the connectors of examples/ftp to packages for six platforms; takes minutes of compiling
	$(GO) test -count=1 -timeout 60m -run '^TestTwoCommands$$' ./cmd/kpkg -platforms all

interop: build ## Run plakar's own code against packages of the examples; needs what docs/interop.md names
	cd interop && $(GO) test -count=1 -timeout 30m ./...

killed: build ## Kill releases and runs of index, publish, install and upgrade at MOMENTS (100) moments; needs docker-registry
	cd interop && $(GO) test -count=1 -timeout 60m -run 'Killed$$' . -moments $(or $(MOMENTS),100)

trial: ## Run kpkg test on upstream's integrations, on both SDKs, with real servers; INTEGRATIONS is their repository (docs/found.md)
	cd interop/trial && $(GO) run . -integrations $(INTEGRATIONS) -only "$(ONLY)"

bench: build ## Measure kpkg beside its peers in turns; BENCH=-cold builds from empty caches too (docs/interop.md)
	cd interop && $(GO) run ./bench -integrations $(INTEGRATIONS) $(BENCH)

size: ## Show how large a minimal importer is, on kpkg's SDK with light types and kloset's, and on upstream's
	@mkdir -p bin/size
	@for kind in light kloset; do \
		$(GO) build -ldflags "-s -w" -o bin/size/$$kind ./sdk/internal/minimal/$$kind || exit 1; done
	@cd interop/upstream && $(GO) build -ldflags "-s -w" -o ../../bin/size/upstream ./minimal
	@wc -c bin/size/light bin/size/kloset bin/size/upstream | grep -v total

container: ## Build the Containerfile and make a package in it; needs root, buildah and mmdebstrap, takes minutes
	.ci/container

debian: ## Install the Debian package that make release has made into a clean root; needs root and mmdebstrap
	.ci/debian

clean: ## Remove what the targets made
	rm -rf bin dist

.PHONY: help build release demo test race lint vuln fuzz platforms interop killed trial bench size container debian clean
