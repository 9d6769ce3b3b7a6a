# What one does with this repository. Everything here is also plain cargo.

SHELL := /bin/sh
LOCAL := cargo run --quiet -p local --
RUNNER = $(shell if cargo nextest --version >/dev/null 2>&1; then echo cargo nextest run; else echo cargo test; fi)

# The tools of `make check`, pinned, inside the project.
TOOLS := $(CURDIR)/target/tools
LINT := $(TOOLS)/lint
CHECKOV := $(TOOLS)/checkov
PACKAGE := $(TOOLS)/package
DENY_VERSION := 0.20.2
DENY := $(TOOLS)/deny-$(DENY_VERSION)

# What the template's checks look at, so that they can be given a broken one.
TEMPLATE := template.yaml
SAM := $(LINT)/bin/sam
# Cheaper and no slower than x86_64.
DEPLOY_ARCH = $(or $(ARCH),arm64)
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
.PHONY: help run up down send jobs logs plan sync rotate endpoints test check fmt validate \
	lint-rust lint-template lint-cfn lint-sam lint-checkov lint-version lint-can-fail audit breaks breaks-table \
	pictures package package-check sam-build deploy clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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
	@cargo run -p local -- with -- $(RUNNER) --workspace --features tests/e2e,heygen/api

check: lint-rust lint-template ## Everything that needs no stack: format, clippy, unit tests, dependencies, template
	$(RUNNER) --workspace --features heygen/api
	cargo test --quiet --workspace --features heygen/api --doc
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --features heygen/api --no-deps
	python3 -B tools/breaks.py check

fmt: ## Format the code
	cargo fmt --all

lint-rust: $(DENY)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	PATH="$(TOOLS)/bin:$$PATH" cargo deny --log-level error check bans licenses sources

lint-template: lint-cfn lint-sam lint-checkov lint-version
	$(LINT)/bin/python -B tools/pictures.py check

validate: lint-cfn lint-sam ## Whether CloudFormation and SAM would take the template

lint-cfn: $(LINT)/.installed
	$(LINT)/bin/cfn-lint --config-file tools/cfn-lint.yaml -t $(TEMPLATE)
	$(LINT)/bin/cfn-lint examples/*.yaml

# With --lint the SAM CLI leaves out its own transform, so that is a second call.
lint-sam: $(LINT)/.installed
	AWS_DEFAULT_REGION=us-east-1 $(LINT)/bin/sam validate --language-extensions --template-file $(TEMPLATE)
	AWS_DEFAULT_REGION=us-east-1 $(LINT)/bin/sam validate --lint --template-file $(TEMPLATE)

# checkov does not know Fn::ForEach, so it gets the template with that written out; and with a key, to see that all is encrypted with it.
lint-checkov: $(LINT)/.installed $(CHECKOV)/.installed
	@mkdir -p target/checkov
	$(LINT)/bin/python -B tools/expand_template.py $(TEMPLATE) KmsKeyArn=arn:aws:kms:us-east-1:123456789012:key/check > target/checkov/template.json
	$(CHECKOV)/bin/checkov --config-file tools/checkov.yaml --file target/checkov/template.json

lint-version:
	python3 -B tools/version.py --template $(TEMPLATE) $(if $(TAG),--tag "$(TAG)")

lint-can-fail: $(LINT)/.installed $(CHECKOV)/.installed ## Break the template once for each of its checks, and see it fail
	@python3 -B tools/lint_can_fail.py

audit: $(DENY) ## Look for known holes in dependencies; fetches the advisory database
	PATH="$(TOOLS)/bin:$$PATH" cargo deny check advisories

breaks: ## Break each promise on purpose and see its test fail (45 minutes); ONLY=words chooses
	python3 -B tools/breaks.py run $(ONLY)

breaks-table: ## Write the table of docs/testing.md
	python3 -B tools/breaks.py write

pictures: $(LINT)/.installed ## Draw docs/dashboards.svg from the template
	$(LINT)/bin/python -B tools/pictures.py write

package: $(PACKAGE)/.installed ## Build the functions for Lambda and zip them: ARCH=arm64 or ARCH=x86_64
	@$(PACKAGE)/bin/python -B tools/package.py "$(or $(ARCH),$(error say for which architecture: make package ARCH=arm64))"

package-check: $(PACKAGE)/.installed ## Run the packages as Lambda would, and invoke each: ARCH=arm64 or ARCH=x86_64
	@$(PACKAGE)/bin/python -B tools/package_check.py "$(or $(ARCH),$(error say for which architecture: make package-check ARCH=x86_64))"

# For those who build with SAM. It leaves the result in target/sam/build, for `sam deploy --language-extensions`.
sam-build: $(LINT)/.installed $(PACKAGE)/.installed ## Build the functions with `sam build` instead: ARCH=arm64 or ARCH=x86_64
	@mkdir -p target/sam && python3 -B tools/sam_template.py > target/sam/template.yaml
	PATH="$(PACKAGE)/bin:$$PATH" AWS_DEFAULT_REGION=us-east-1 $(SAM) build --language-extensions --template-file target/sam/template.yaml \
		--build-dir target/sam/build --parameter-overrides Architecture=$(DEPLOY_ARCH)

# Checked before anything is built; built before anything is deployed.
deploy: $(LINT)/.installed ## Build and deploy to an AWS account: STAGE=dev or STAGE=prod [ARCH=arm64] [YES=1: do not ask]
	@SAM="$(SAM)" $(LINT)/bin/python -B tools/deploy.py check "$(STAGE)" "$(DEPLOY_ARCH)"
	@$(MAKE) --no-print-directory package ARCH=$(DEPLOY_ARCH)
	@SAM="$(SAM)" $(LINT)/bin/python -B tools/deploy.py deploy "$(STAGE)" "$(DEPLOY_ARCH)" $(if $(YES),--yes)

$(DENY):
	@echo "Installing cargo-deny $(DENY_VERSION), once: a few minutes"
	cargo install --locked --root $(TOOLS) --version $(DENY_VERSION) cargo-deny
	@touch $@

$(LINT)/.installed: tools/requirements-lint.txt
	$(call install,the SAM CLI and cfn-lint)

$(CHECKOV)/.installed: tools/requirements-checkov.txt
	$(call install,checkov)

$(PACKAGE)/.installed: tools/requirements-package.txt
	$(call install,cargo-lambda)

# A Python environment beside the marker $@, with what the file $< lists and nothing else.
define install
	@echo "Installing $(1), once: under a minute"
	@python3 -m venv --clear $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@
endef

clean: down ## Stop it and remove everything that was built
	@cargo clean
