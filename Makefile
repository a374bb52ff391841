# The entrance: everything that people and CI do is a target here, and nothing is hidden behind it.
# `make` alone lists them. Only what a target needs is installed or built for it.

SHELL := /bin/sh
SWIFT ?= swift
# debug or release: what `make build`, `make integration` and `make dev` use.
CONFIG ?= debug
# Files of tests that run side by side; most of what they do is wait.
JOBS ?= 3
BIN := .build/$(CONFIG)
TESTS := $(notdir $(wildcard Tests/*Tests))
VENV := .venv
PYTHON := $(VENV)/bin/python
PROGRAMS := sdctl sd-agent sd-job sd-gateway
RELEASE := --configuration release --static-swift-stdlib
SANITIZED := SDCore,MemoryPlugins,LocalPlugins,HTTPTransport,AWSKit,ImageKit,ImageCodecs
SWIFT_FOLDERS := $(wildcard Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources Fuzz/Package.swift Fuzz/Sources examples/*/Package.swift examples/*/Sources)
PYTHON_SCRIPTS := scripts/check-imports scripts/check-features scripts/chart-readme scripts/tiny-model $(shell find Tests Benchmarks -name '*.py' -not -path '*/.build/*')
SHELL_SCRIPTS := scripts/bottlerocket-images-cache/snapshot.sh scripts/setup scripts/build-engine scripts/docs scripts/fetch-helm scripts/fuzz scripts/images scripts/release-build scripts/unit-tests .ci/run $(wildcard images/*/*.sh)

.DEFAULT_GOAL := help
.PHONY: help setup setup-python setup-integration setup-conformance setup-check setup-engine setup-browser setup-infra engine build release test check fmt integration conformance infra-test images push digests soak bench dev example docs sanitize fuzz clean

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what building needs, or name the command that does
	@scripts/setup build

setup-python: setup
	@scripts/setup python

setup-integration: setup
	@scripts/setup integration

setup-conformance: setup
	@scripts/setup conformance

setup-engine: setup
	@scripts/setup engine

setup-check: setup
	@scripts/setup check

setup-browser:
	@scripts/setup browser

setup-infra:
	@scripts/setup python
	@scripts/setup infra

build: setup ## build everything (CONFIG=release for a release build)
	$(SWIFT) build --configuration $(CONFIG)

release: setup ## build the programs as they are shipped: optimised, Swift's library inside
	scripts/release-build $(PROGRAMS)

test: setup ## run the unit and conformance tests (TESTS="SDCoreTests AWSKitTests")
	$(SWIFT) build --build-tests
	@SWIFT="$(SWIFT)" scripts/unit-tests $(TESTS)

check: setup ## formatting, the import table, the language settings, the scripts
	$(SWIFT) format lint --strict --recursive --parallel $(SWIFT_FOLDERS)
	scripts/check-imports --self-test >/dev/null
	scripts/check-imports
	scripts/check-features
	scripts/chart-readme --check
	@python3 -c 'import ast, sys; [ast.parse(open(path).read(), path) for path in sys.argv[1:]]' $(PYTHON_SCRIPTS)
	@if command -v shellcheck >/dev/null; then shellcheck $(SHELL_SCRIPTS) && echo "shellcheck: $(words $(SHELL_SCRIPTS)) scripts"; \
	elif [ -n "$$CI" ]; then echo "shellcheck is missing: run 'make setup-check'"; exit 1; \
	else echo "shellcheck is not installed: the shell scripts were not looked at"; fi

fmt: ## lay the sources out
	$(SWIFT) format --in-place --recursive --parallel $(SWIFT_FOLDERS)

engine: setup-engine ## build the real engine that the integration tests drive (once, about 6 minutes of CPU)
	scripts/build-engine

integration: build setup-integration setup-browser engine ## drive the built programs, a real engine and a browser among their peers (JOBS=1 ARGS="-k kills")
	SDTEST_BIN=$(BIN) SDTEST_ENGINE="$$(scripts/build-engine --where)" $(PYTHON) -m pytest Tests/Integration -n $(JOBS) --dist loadfile $(ARGS)

conformance: setup setup-conformance ## compare AWSKit with botocore, and run it against moto (SDTEST_CASES=1000 SDTEST_SEED=7 ARGS="-k s3")
	$(SWIFT) build --build-tests
	SDTEST_BIN=.build/debug $(PYTHON) -m pytest Tests/Conformance -n $(JOBS) --dist loadfile $(ARGS)

infra-test: setup-infra ## check chart, CloudFormation, images and workflows, with real helm (ARGS="-k alerts")
	$(PYTHON) -m pytest Tests/Infra -n $(JOBS) --dist loadfile $(ARGS)

images: ## build the container images (NAMES="sd-agent engine-forge", TAG=0.1.0)
	scripts/images build $(NAMES)

push: ## push them (REGISTRY=123456789012.dkr.ecr.us-west-2.amazonaws.com/sd)
	scripts/images push "$(REGISTRY)" $(NAMES)

digests: ## ask the registry for their digests, and record them (REGISTRY=...)
	scripts/images digests "$(REGISTRY)" $(NAMES)

soak: build setup-integration ## at length: agents killed over 10,000 tasks on a directory and 5,000 on AWS, where everything fails now and then, and at every write of a task's life, AWS away for a minute; 100,000 calls of AWSKit
	SDTEST_REQUESTS=100000 $(SWIFT) test --disable-xctest --filter 'AWSKitTests\.SoakTests'
	SDTEST_BIN=$(BIN) SDTEST_TASKS=10000 SDTEST_AGENTS=4 SDTEST_KILLS=200 $(PYTHON) -m pytest Tests/Integration/test_kills.py -s $(ARGS)
	SDTEST_BIN=$(BIN) SDTEST_CLOUD_TASKS=5000 SDTEST_CLOUD_KILLS=150 $(PYTHON) -m pytest Tests/Integration/test_soak_aws.py -s $(ARGS)
	SDTEST_BIN=$(BIN) SDTEST_OUTAGE=60 $(PYTHON) -m pytest Tests/Integration/test_faults_surroundings.py -k fault_28 -s $(ARGS)
	SDTEST_BIN=$(BIN) SDTEST_SWEEP=all $(PYTHON) -m pytest Tests/Integration/test_faults_sweep.py -s $(ARGS)

bench: setup setup-python ## measure the local queue, AWSKit, the decoding of answers and the gateway beside Python's (ARGS="--print-only SECONDS")
	@scripts/setup bench
	$(SWIFT) build $(RELEASE) --package-path Benchmarks
	$(SWIFT) build $(RELEASE) --product sd-gateway
	@status=0; for benchmark in queue-benchmark decode-benchmark aws-benchmark gateway-benchmark; do echo "== $$benchmark"; \
	Benchmarks/.build/release/$$benchmark $(ARGS) || status=1; done; exit $$status

dev: setup ## build and start the whole system on 127.0.0.1:8811 (ARGS="--port 0 --backend webui+http://...")
	$(SWIFT) build --configuration $(CONFIG) --product sdctl
	$(BIN)/sdctl dev $(ARGS)

example: setup ## build and run the programs in examples/
	@for example in examples/*/; do echo "$$example"; $(SWIFT) build --package-path "$$example" && \
	$(SWIFT) run --skip-build --package-path "$$example" "$$(basename "$$example")" || exit 1; done

docs: setup ## compile AWSKit's documentation; the pages lie in .build/docs
	$(SWIFT) build --target AWSKit
	scripts/docs

# One test after the other: slowed down ten times and all at once, they would wait for each other past their limits.
sanitize: setup ## the unit tests of what shares memory between threads, under Thread and Address Sanitizer
	SD_ONLY=$(SANITIZED) SD_SANITIZE=thread $(SWIFT) test --disable-xctest --no-parallel --sanitize thread --scratch-path .build-tsan
	SD_ONLY=$(SANITIZED) SD_SANITIZE=address $(SWIFT) test --disable-xctest --no-parallel --sanitize address --scratch-path .build-asan

fuzz: setup ## feed what reads foreign bytes with nonsense, a minute each (ARGS="600", ARGS="600 xml http")
	scripts/fuzz $(ARGS)

clean: ## remove what was built; the engine's cache and .sd stay
	rm -rf .build .build-tsan .build-asan .build-release $(VENV) .venv-sqs Benchmarks/.build Fuzz/.build examples/*/.build
