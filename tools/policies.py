#!/usr/bin/env python3
"""Checks every policy of the template against what AWS's documents say its resources need.

  policies.py check [TEMPLATE]   no permission is missing, and none is granted that nothing needs; removing any of them is noticed
  policies.py write              write the table of who notices what into docs/permissions.md

Locally, no role of a service is enforced. So what Lambda, a pipe, CodeDeploy and KMS need is derived from the resources
(policy_rules.py). What the functions' own code calls is not derived: an end-to-end test has to take it away.
"""

import pathlib
import re
import sys

import expanded
import iam_actions
import permission_tests
from permissions_table import document
from policy_rules import NEEDS, PROBLEMS
from policy_stack import MANAGED, Stack, listed

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOC = ROOT / "docs/permissions.md"
KEY = {"KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/KmsKeyArn"}
API_KEY_BY_ARN = {
    "ApiKeySecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:heygen-api-key-AbCdEf",
    "ApiKeyKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/ApiKeyKmsKeyArn",
}
EVERYTHING = {
    **KEY, "EncryptJobEvents": "true", "ApiKeySecret": "heygen-api-key", "DomainName": "hooks.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1", "HostedZoneId": "Z1", "DisableExecuteApi": "true",
    "EndpointsParameter": "/heygen/endpoints", "AlarmEmail": "operators@example.com", "QuietHours": "24", "ApiAccessLog": "true", "PipeLogLevel": "INFO",
    "GradualDeployment": "Linear10PercentEvery1Minute", "Release": "1",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary", "RolePath": "/webhooks/",
}


def platforms():
    """An endpoint and a key of each platform that the template knows."""
    parameters = expanded.load(ROOT / "template.yaml")["Parameters"]
    names = re.search(r"\(([a-z|]+)\)/", parameters["PlatformEndpoints"]["AllowedPattern"])[1].split("|")
    keys = [name.removesuffix("ApiKeySecret") for name in parameters if re.fullmatch(r"[A-Z]\w+ApiKeySecret", name)]
    return {"PlatformEndpoints": ",".join(f"{name}/main" for name in names), **{f"{key}ApiKeySecret": f"{key.lower()}-api-key" for key in keys}}


# tests/e2e/access.rs: the names of a role's actions against the calls in the function's binary.
BINARY_TEST = "each_role_allows_what_its_code_calls_and_no_more"
# The stack of that test does not need them.
OPTIONAL_CALLS = {"ssm:GetParameter"}
CASES = {"defaults": {}, "a customer key": KEY, "the API key by ARN": API_KEY_BY_ARN, "other platforms": platforms(), "everything": EVERYTHING}


def stack_for(template, chosen):
    resources = expanded.symbolic(expanded.translated(expanded.decided(template, chosen)))["Resources"]
    requires_tls = chosen.get("RequireTls", template["Parameters"]["RequireTls"]["Default"]) == "true"
    return Stack(resources, requires_tls, chosen.get("ApiKeyKmsKeyArn") or None)


def missing(stack):
    """What a rule needs and no role allows, as (rule, problem)."""
    grants = stack.grants()
    for rule, needs in NEEDS.items():
        for need in dict.fromkeys(needs(stack)):
            if not any(need.met_by(grant) for grant in grants):
                yield rule, f"{need.role} may not {need.action} on {need.resource}, which it needs: {need.why}"
    for rule, problems in PROBLEMS.items():
        for problem in problems(stack):
            yield rule, problem


def excessive(stack, tests):
    """What is allowed without need, or on too much."""
    needs = [need for rule in NEEDS.values() for need in rule(stack)]
    for role, _, position, statement in stack.statements():
        if statement["Effect"] != "Allow" or "NotAction" in statement or "NotResource" in statement:
            yield "least privilege", f"{role}: statement {position} is not a plain list of allowed actions"
    for grant in stack.grants():
        if not any(need.met_by(grant) for need in needs) and not any(test.covers(grant) for test in tests):
            yield "least privilege", (
                f"{grant.role} may {grant.action} on {grant.resource}: AWS's documents do not ask for it, and no test takes it away. "
                "Remove it, or add a test to tests/e2e/permissions_*.rs")
        problem = iam_actions.problem(grant.action, grant.resource, stack)
        if problem:
            yield "least privilege", f"{grant.role}: {problem}"


def without_action(grant):
    def change(resources):
        properties = resources[grant.role]["Properties"]
        if grant.action == MANAGED:
            del properties["ManagedPolicyArns"][grant.statement]
            return
        (policy,) = (each["PolicyDocument"] for each in properties["Policies"] if each["PolicyName"] == grant.policy)
        statement = policy["Statement"][grant.statement]
        statement["Action"] = [each for each in listed(statement["Action"]) if each != grant.action]
    return change


def without_trust(role, position, operator=None, key=None):
    def change(resources):
        statements = resources[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        if key:
            del statements[position]["Condition"][operator][key]
        else:
            del statements[position]
    return change


def removals(stack):
    """Each permission of a stack, and the stack without it, as (kind, where, what, on, stack)."""
    for grant in stack.grants():
        yield "action", grant.role, grant, grant.resource, stack.without(without_action(grant))
    for role, properties in stack.of("AWS::IAM::Role"):
        for position, statement in enumerate(properties["AssumeRolePolicyDocument"]["Statement"]):
            yield "trust", role, statement, "", stack.without(without_trust(role, position))
            for operator, keys in statement.get("Condition", {}).items():
                for key in keys:
                    yield "condition", role, key, "", stack.without(without_trust(role, position, operator, key))
    for kind, what in (("AWS::Lambda::Permission", "permission"), ("AWS::SQS::QueuePolicy", "queue policy")):
        for name, properties in stack.of(kind):
            yield what, name, properties, "", stack.without(lambda resources, gone=name: resources.pop(gone))


def rows(stacks, tests):
    """One row per permission of any case, with what notices that it is gone."""
    found = {}
    for stack in stacks.values():
        grants = stack.grants()
        functions = {stack.role_of(name) for name, _ in stack.of("AWS::Lambda::Function")}
        needs = [need for rule in NEEDS.values() for need in rule(stack)]
        for kind, where, what, on, rest in removals(stack):
            action = what.action if kind == "action" else what if kind == "condition" else ""
            rules = {rule for rule, _ in missing(rest)}
            by_tests = {test.name for test in tests if kind == "action" and what.policy and test.covers(what)}
            is_own_call = kind == "action" and where in functions and action not in OPTIONAL_CALLS and not rules - {"secret's tags"}
            if is_own_call and sum((each.role, each.action) == (where, action) for each in grants) == 1:
                by_tests.add(BINARY_TEST)
            why = {need.why for need in needs if kind == "action" and need.met_by(what)}
            row = found.setdefault((kind, where, action, on), {"what": what, "why": set(), "rules": set(), "tests": set()})
            row["why"] |= why
            row["rules"] |= rules
            row["tests"] |= by_tests
    return found


def check(path):
    template = expanded.load(path)
    tests = permission_tests.all_tests()
    stacks = {case: stack_for(template, chosen) for case, chosen in CASES.items()}
    problems = [
        f"{case}: {rule}: {problem}"
        for case, stack in stacks.items() for rule, problem in (*missing(stack), *excessive(stack, tests))
    ]
    table = rows(stacks, tests)
    for (kind, where, action, on), row in table.items():
        if not row["rules"] and not row["tests"]:
            problems.append(f"{where}: nothing notices when {kind} {action} on {on} is gone: add a test to tests/e2e/permissions_*.rs")
    return problems, table


def main():
    action, path = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "template.yaml"
    problems, table = check(ROOT / path)
    if problems:
        sys.exit("policies: " + "\npolicies: ".join(dict.fromkeys(problems)))
    text = document(table)
    if action == "write":
        DOC.write_text(text)
    elif DOC.read_text() != text:
        sys.exit("policies: docs/permissions.md is out of date: run `make permissions`")
    else:
        print(f"policies: {len(table)} permissions for {len(CASES)} sets of parameters; removing each is noticed")


if __name__ == "__main__":
    main()
