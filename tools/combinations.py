#!/usr/bin/env python3
"""Checks the template for combinations of parameters: every pair of their boundary values that the template's Rules accept.

  combinations.py check [TEMPLATE]   expand each combination; run cfn-lint with our rules and the policy checks on it
  combinations.py write              write the few combinations that are deployed locally into tests/combinations.json

Values come from AllowedValues, MinValue, Default and MaxValue. A text without AllowedValues has its values in TEXTS; a parameter that
is in neither fails the check.
"""

import itertools
import json
import pathlib
import re
import subprocess
import sys

import expanded
import permission_tests
from allpairspy import AllPairs
from policies import API_KEY_BY_ARN, CASES, KEY, excessive, missing, stack_for

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRATCH = ROOT / "target/combinations"
SUBSET = ROOT / "tests/combinations.json"
TEXTS = {
    "Endpoints": ["main", "a,second-endpoint," + 40 * "z"],
    "ApiKeySecret": ["", "heygen-api-key"],
    "ApiKeySecretArn": ["", API_KEY_BY_ARN["ApiKeySecretArn"]],
    "ApiKeyKmsKeyArn": ["", API_KEY_BY_ARN["ApiKeyKmsKeyArn"]],
    "EndpointsParameter": ["", "/heygen/endpoints"],
    "EndpointsJson": ["", '{"endpoints": []}'],
    "PublicUrl": ["", "https://proxy.example.com/path"],
    "FormerUrls": ["", "https://old.example.com,https://older.example.com/path"],
    "HeygenBaseUrl": ["https://api.heygen.com", "http://127.0.0.1:8080"],
    "DomainName": ["", "hooks.example.com"],
    "CertificateArn": ["", "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"],
    "HostedZoneId": ["", "Z0123456789ABCDEFGHIJ"],
    "SyncSchedule": ["", "rate(1 hour)", "cron(0 6 * * ? *)"],
    "MinCredits": ["0", "500"],
    "MinUsd": ["0", "50"],
    "RecoverySchedule": ["", "rate(15 minutes)", "cron(0 * * * ? *)"],
    "PlatformEndpoints": ["", "synthesia/main,elevenlabs/main,tavus/main,did/main,heygen/main", "did/a"],
    "SynthesiaApiKeySecret": ["", "synthesia-api-key"],
    "ElevenLabsApiKeySecret": ["", "elevenlabs-api-key"],
    "TavusApiKeySecret": ["", "tavus-api-key"],
    "DidApiKeySecret": ["", "did-api-key"],
    "SynthesiaBaseUrl": ["https://api.synthesia.io", "http://127.0.0.1:8080/synthesia"],
    "ElevenLabsBaseUrl": ["https://api.elevenlabs.io", "https://api.eu.residency.elevenlabs.io"],
    "TavusBaseUrl": ["https://tavusapi.com"],
    "DidBaseUrl": ["https://api.d-id.com"],
    "SignatureHeaders": ["signature,heygen-signature", "signature"],
    "MaxSecretDays": ["0", "7", "90", "3650"],
    "ReceiverConcurrency": ["0", "1", "5", "1000"],
    "ProcessorConcurrency": ["0", "2", "5", "1000"],
    "QuietHours": ["0", "24", "168"],
    "PermissionsBoundaryArn": ["", "arn:aws:iam::123456789012:policy/boundary"],
    "RolePath": ["/", "/teams/webhooks/"],
    "KmsKeyArn": ["", *KEY.values()],
    "AlarmTopicArn": ["", "arn:aws:sns:us-east-1:123456789012:alarms"],
    "AlarmEmail": ["", "operators@example.com"],
    "Release": ["", "1f0c3d2"],
}
# Of a longer list of choices, these decide nothing but a value: the first and the last are enough.
LONG = 6


def values_of(name, parameter):
    if "AllowedValues" in parameter:
        allowed = [str(value) for value in parameter["AllowedValues"]]
        return allowed if len(allowed) <= LONG else [allowed[0], allowed[-1]]
    if parameter["Type"] == "Number":
        bounds = [parameter.get("MinValue"), parameter["Default"], parameter.get("MaxValue")]
        return [str(value) for value in dict.fromkeys(bounds) if value is not None]
    if name not in TEXTS:
        raise SystemExit(f"combinations: {name}: give it values in TEXTS of tools/combinations.py")
    pattern = parameter.get("AllowedPattern", ".*")
    for value in TEXTS[name]:
        items = value.split(",") if parameter["Type"] == "CommaDelimitedList" else [value]
        if not all(re.fullmatch(pattern, item, re.DOTALL) for item in items):
            raise SystemExit(f"combinations: {name}: its pattern rejects {value}")
    return TEXTS[name]


def model(template):
    found = {name: values_of(name, parameter) for name, parameter in template["Parameters"].items()}
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def mentioned(value):
    """The parameters that a part of the template refers to."""
    if isinstance(value, list):
        return set().union(*map(mentioned, value))
    if isinstance(value, dict):
        return {value["Ref"]} if "Ref" in value else mentioned(list(value.values()))
    return set()


def groups(template):
    """The parameters that Rules relate to each other, directly or through others."""
    found = []
    for names in map(mentioned, template["Rules"].values()):
        related = [group for group in found if group & names]
        found = [group for group in found if not group & names] + [names.union(*related)]
    return found


def acceptable_pairs(template, factors):
    """Each pair of values that some combination has which the Rules accept, and how many pairs there are."""
    found = {
        frozenset([(left, a), (right, b)])
        for left, right in itertools.combinations(factors, 2) for a in factors[left] for b in factors[right]
    }
    total = len(found)
    for group in map(sorted, groups(template)):
        together = set()
        for row in itertools.product(*(factors[name] for name in group)):
            chosen = dict(zip(group, row))
            if not expanded.rejections(template, chosen):
                together.update(map(frozenset, itertools.combinations(chosen.items(), 2)))
        found = {pair for pair in found if pair in together or not {name for name, _ in pair} <= set(group)}
    return found, total


def combinations(template, factors, acceptable):
    """Combinations that contain every acceptable pair, each accepted by the Rules."""
    rules = [(mentioned(rule), rule) for rule in template["Rules"].values()]

    def possible(row):
        chosen = dict(zip(factors, row))
        known = {"Rules": {str(i): rule for i, (names, rule) in enumerate(rules) if names <= chosen.keys()}}
        return not expanded.rejections({**template, **known}, chosen)

    rows = [dict(zip(factors, row)) for row in AllPairs(list(factors.values()), filter_func=possible) if len(row) == len(factors)]
    for pair in sorted(acceptable, key=sorted):
        if not any(pair <= row.items() for row in rows):
            rows.append(next(changed for row in rows if not expanded.rejections(template, changed := {**row, **dict(pair)})))
    return rows


def allowed(stack):
    return {(each.role, each.action, each.resource) for each in stack.grants()}


def lint(template, rows):
    SCRATCH.mkdir(parents=True, exist_ok=True)
    tests, problems, files = permission_tests.all_tests(), [], []
    in_table = set().union(*(allowed(stack_for(template, chosen)) for chosen in CASES.values()))
    for number, row in enumerate(rows):
        result = expanded.translated(expanded.decided(template, row))
        files.append(SCRATCH / f"{number}.json")
        files[-1].write_text(json.dumps(result, indent=1))
        stack = stack_for(template, row)
        problems += [f"{number}.json: {rule}: {problem}" for rule, problem in (*missing(stack), *excessive(stack, tests))]
        problems += [
            f"{number}.json: {role} may {action} on {on}, which docs/permissions.md does not have: extend CASES of tools/policies.py"
            for role, action, on in allowed(stack) - in_table]
    run = subprocess.run(
        [pathlib.Path(sys.executable).parent / "cfn-lint", "--append-rules", ROOT / "tools/rules", "-t", *files], capture_output=True, text=True)
    return problems + ([run.stdout + run.stderr] if run.returncode else [])


def deciding(template, row):
    """The parameters of a combination that conditions or rules depend on."""
    names = mentioned(template["Conditions"]) | mentioned(template["Rules"])
    return {name: value for name, value in sorted(row.items()) if name in names}


def subset(template, rows):
    """A few combinations that have each value of the deciding parameters, and each condition both true and false."""
    def shows(row):
        values = expanded.Values(template, row)
        return {(name, values.is_true(name)) for name in template["Conditions"]} | deciding(template, row).items()

    left, picked = set().union(*map(shows, rows)), []
    while left:
        best = max(rows, key=lambda row: len(left & shows(row)))
        picked.append(deciding(template, best))
        left -= shows(best)
    return picked


def main():
    action, path = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "template.yaml"
    template = expanded.load(ROOT / path)
    factors = model(template)
    acceptable, total = acceptable_pairs(template, factors)
    rows = combinations(template, factors, acceptable)
    text = json.dumps(subset(template, rows), indent=2) + "\n"
    if action == "write":
        SUBSET.write_text(text)
        return
    problems = lint(template, rows)
    if SUBSET.read_text() != text:
        problems.append("tests/combinations.json is out of date: run `make combinations`")
    if problems:
        sys.exit("combinations: " + "\ncombinations: ".join(problems))
    print(f"combinations: {len(rows)} with all {len(acceptable)} pairs of values of {len(factors)} parameters; "
          f"the template's Rules reject {total - len(acceptable)} pairs")


if __name__ == "__main__":
    main()
