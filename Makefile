# What one does with this repository. Everything here is also plain cargo.

SHELL := /bin/sh
LOCAL := cargo run --quiet -p local --
RUNNER = $(shell if cargo nextest --version >/dev/null 2>&1; then echo cargo nextest run; else echo cargo test; fi)

# The tools of `make check`, pinned, inside the project.
TOOLS := $(CURDIR)/target/tools
LINT := $(TOOLS)/lint
DENY_VERSION := 0.20.2
DENY := $(TOOLS)/deny-$(DENY_VERSION)

.DEFAULT_GOAL := help
.PHONY: help run up down send jobs logs plan sync rotate endpoints test check fmt lint-rust lint-template audit breaks breaks-table pictures clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## The whole deployment here, with a demonstration; ONCE=1 ends after it
	@cargo run -p local -- run $(if $(ONCE),--once)

up: ## Start it and leave it running; again: update it with the current code
	@cargo run -p local -- up

down: ## Stop it
	@$(LOCAL) down

send: ## Sign and post a delivery: EVENT=events/deliveries/avatar_video.success.json [ENDPOINT=main]
	@$(LOCAL) send "$(or $(EVENT),$(error say which: make send EVENT=events/deliveries/avatar_video.success.json))" --endpoint "$(or $(ENDPOINT),main)"

jobs: ## All jobs, or everything about one order: [CALLBACK_ID=order_12345]
	@$(LOCAL) jobs $(if $(CALLBACK_ID),"$(CALLBACK_ID)")

logs: ## What the functions logged; FOLLOW=1 goes on
	@$(LOCAL) logs $(if $(FOLLOW),--follow)

plan: ## What would change at HeyGen
	@$(LOCAL) plan

sync: ## Bring the endpoints at HeyGen in step: [PRUNE=1] [FORCE=1] [CHECKSUM=...]
	@$(LOCAL) sync $(if $(PRUNE),--prune) $(if $(FORCE),--force) $(if $(CHECKSUM),--checksum "$(CHECKSUM)")

rotate: ## A new signing secret: ENDPOINT=main
	@$(LOCAL) rotate "$(or $(ENDPOINT),$(error say which: make rotate ENDPOINT=main))"

endpoints: ## The endpoints, with their state at HeyGen
	@$(LOCAL) endpoints

test: ## All tests, the end to end ones against a fresh local stack
	@cargo run -p local -- with -- $(RUNNER) --workspace --features local/e2e,heygen/api

check: lint-rust lint-template ## Everything that needs no stack: format, clippy, unit tests, dependencies, template
	$(RUNNER) --workspace --features heygen/api
	cargo test --quiet --workspace --features heygen/api --doc
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --features heygen/api --no-deps
	python3 -B tests/breaks.py check

fmt: ## Format the code
	cargo fmt --all

lint-rust: $(DENY)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	PATH="$(TOOLS)/bin:$$PATH" cargo deny --log-level error check bans licenses sources

lint-template: $(LINT)/.installed
	$(LINT)/bin/cfn-lint template.yaml examples/*.yaml
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 $(LINT)/bin/sam validate --lint --template-file template.yaml
	$(LINT)/bin/python -B tests/pictures.py check

audit: $(DENY) ## Look for known holes in dependencies; fetches the advisory database
	PATH="$(TOOLS)/bin:$$PATH" cargo deny check advisories

breaks: ## Break each promise on purpose and see its test fail (45 minutes); ONLY=words chooses
	python3 -B tests/breaks.py run $(ONLY)

breaks-table: ## Write the table of docs/testing.md
	python3 -B tests/breaks.py write

pictures: $(LINT)/.installed ## Draw docs/dashboards.svg from the template
	$(LINT)/bin/python -B tests/pictures.py write

$(DENY):
	@echo "Installing cargo-deny $(DENY_VERSION), once: a few minutes"
	cargo install --locked --root $(TOOLS) --version $(DENY_VERSION) cargo-deny
	@touch $@

$(LINT)/.installed: tests/requirements-lint.txt
	@echo "Installing the template linters, once: under a minute"
	python3 -m venv --clear $(LINT)
	$(LINT)/bin/pip install --quiet --disable-pip-version-check --no-deps -r tests/requirements-lint.txt
	@touch $@

clean: down ## Stop it and remove everything that was built
	@cargo clean
