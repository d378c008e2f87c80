# The two commands of a fresh clone are `make run` and `make test`. Only Go and make are needed.

GO      ?= go
EXAMPLES := $(notdir $(patsubst %/,%,$(wildcard plugins/examples/*/)))
PLUGINS := $(addprefix bin/plugins/,$(EXAMPLES))
# Tests of packages with atomics and goroutines, for the race detector.
RACE    ?= ./ipc/... ./internal/hostipc ./internal/risk ./internal/ring ./internal/shm ./live/... ./host/... ./connector/... ./internal/control/... ./internal/batch ./internal/collector \
           ./internal/testexchange/... ./internal/e2e/parity ./pluginapi/... ./runner/internal/...
# The program's tests that have most of its goroutines at work.
WHOLE   := TestLiveRun|TestReplaySpeeds|TestSignalsEndOrders|TestStopIsConfirmed|TestFresh
BENCH   ?= .
BENCHTIME ?= 1s
# How many tests of a package run at a time: many wait for processes and sockets. Packages that mostly wait begin first, beside
# those that work.
PARALLEL ?= 4
WAITING  := ./internal/e2e/soak ./runner ./host
# Flags of `make run`, such as RUN_FLAGS="--duration 20s".
RUN_FLAGS ?=
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Tests run in the folders of their packages, where a relative path would mean something else.
ifdef HFTRUNNER_DATA
export HFTRUNNER_DATA := $(abspath $(HFTRUNNER_DATA))
endif

.PHONY: all build run test test-long thirdparty soak race bench lint fmt generate module-path clean bin/runner bin/testexchange $(PLUGINS)

all: build

# A binary is replaced by renaming: a running host takes a new plugin only when it is complete.
build: bin/runner bin/testexchange $(PLUGINS)

bin/runner bin/testexchange: bin/%:
	@mkdir -p bin
	$(GO) build -o bin/.$*.new ./cmd/$*
	@mv bin/.$*.new bin/$*

$(PLUGINS): bin/plugins/%:
	@mkdir -p bin/plugins
	$(GO) build -o bin/.$*.new ./plugins/examples/$*
	@mv bin/.$*.new bin/plugins/$*

run: build
	bin/runner run $(RUN_FLAGS)

test:
	$(GO) test -timeout 20m -p 3 -parallel $(PARALLEL) $(WAITING) ./...

test-long:
	HFTRUNNER_LONG=1 $(GO) test -timeout 30m -parallel $(PARALLEL) $(WAITING) ./...

# Clients that are not ours against the loopback exchange: a module of its own, which the product does not depend on.
thirdparty:
	cd internal/testexchange/thirdparty && $(GO) vet ./... && $(GO) test ./...
	cd internal/journal/thirdparty && $(GO) vet ./... && $(GO) test -run '^$$' -bench . ./...

# Two bots at each venue trade against a faulty exchange for SOAK, and then everything is compared; SEED chooses the course.
SOAK    ?= 10m
SEED    ?= 1
soak:
	HFTRUNNER_SOAK=$(SOAK) HFTRUNNER_SEED=$(SEED) $(GO) test -count=1 -timeout 2h -run 'TestSoak$$' ./internal/e2e/soak

# The last line is a live run of some seconds at each venue, with faults.
race:
	$(GO) test -race -timeout 20m -p 3 -parallel $(PARALLEL) ./host $(RACE)
	$(GO) test -race -timeout 20m -parallel $(PARALLEL) -run '^($(WHOLE))$$' ./runner
	HFTRUNNER_SOAK=3s HFTRUNNER_SEED=$(SEED) $(GO) test -race -count=1 -timeout 20m -run 'TestSoak$$' ./internal/e2e/soak

bench:
	@$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime '$(BENCHTIME)' -benchmem ./... | $(GO) run ./internal/bench/table

lint:
	@unformatted="$$(gofmt -l .)"; if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	GOOS=darwin $(GO) build ./...
	$(GO) run $(STATICCHECK) ./...
	@for module in $(dir $(wildcard go.mod internal/*/thirdparty/go.mod)); do (cd $$module && $(GO) mod tidy -diff) || exit 1; done

fmt:
	gofmt -w .

generate:
	$(GO) generate ./...

# The module's path in every file: make module-path NAME=example.com/you/hftrunner
module-path:
	$(GO) run ./internal/modulepath "$(NAME)"

clean:
	rm -rf bin state
