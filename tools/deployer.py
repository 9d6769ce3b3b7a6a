#!/usr/bin/env python3
"""Checks that docs/deployer-policy.json allows what deploying the template needs, and nothing else.

  deployer.py check [TEMPLATE]

What CloudFormation calls for a type of resource is in the type's schema, which cfn-lint ships. What the SAM CLI calls is in its source.
What belongs to properties that the template does not use is in LEFT_OUT.
"""

import fnmatch
import json
import pathlib
import re
import sys

import cfnlint
import expanded
import iam_actions
import samcli
from policies import CASES
from policy_stack import listed

ROOT = pathlib.Path(__file__).resolve().parent.parent
POLICY = ROOT / "docs/deployer-policy.json"
SCHEMAS = pathlib.Path(cfnlint.__file__).parent / "data/schemas"
# The longest policy that a role can hold; a managed policy may have 6,144.
LONGEST = 10_240
# `sam sync` calls the first three, and the others are boto3's own.
NOT_CALLED = {"CreateStack", "RollbackStack", "UpdateStack", "GetPaginator", "GetWaiter"}
# IAM's reference does not have it; the guide to IAM in CloudFormation does.
TRANSFORM = "arn:aws:cloudformation:REGION:aws:transform/Serverless-2016-10-31"

# Below docs.aws.amazon.com.
BY_HAND = {
    "CreateChangeSet of the transform: AWSCloudFormation/latest/UserGuide/using-iam-template.html": ["cloudformation:CreateChangeSet"],
    "a stack that waits for its operator, and its deletion": [
        "cloudformation:ContinueUpdateRollback", "cloudformation:DeleteChangeSet", "cloudformation:DescribeStackResources",
        "cloudformation:GetTemplate", "cloudformation:ListStackResources"],
    "the SAM CLI's uploads: serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-deploy.html": [
        "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
    "the custom resource: AWSCloudFormation/latest/UserGuide/template-custom-resources-lambda.html": ["lambda:InvokeFunction"],
    "the domain's certificate: apigateway/latest/developerguide/using-service-linked-roles.html": ["iam:CreateServiceLinkedRole"],
    "the API's access log: apigateway/latest/developerguide/http-api-logging.html": [
        "logs:CreateLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:GetLogDelivery", "logs:ListLogDeliveries",
        "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"],
    "the tags in samconfig.toml: service-authorization/latest/reference/list_awscloudformation.html": [
        "cloudformation:TagResource", "cloudformation:UntagResource"],
    "tools/deploy.py": ["cloudformation:DescribeStacks", "lambda:GetAccountSettings", "lambda:InvokeFunction"],
}
LEFT_OUT = {
    "a table that is imported or replicated, has a Kinesis stream, contributor insights or a policy": [
        "dynamodb:AssociateTableReplica", "dynamodb:BatchWriteItem", "dynamodb:CreateTableReplica", "dynamodb:DeleteItem",
        "dynamodb:DeleteResourcePolicy", "dynamodb:DescribeImport", "dynamodb:*ableKinesisStreamingDestination", "dynamodb:GetItem",
        "dynamodb:ImportTable", "dynamodb:PutItem", "dynamodb:PutResourcePolicy", "dynamodb:Query", "dynamodb:Scan",
        "dynamodb:UpdateContributorInsights", "dynamodb:UpdateItem", "dynamodb:UpdateKinesisStreamingDestination", "kinesis:*",
        "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents", "s3:GetObjectMetadata"],
    "a function in a VPC, with a file system, a layer, code signing, provisioned or managed capacity": [
        "ec2:*", "elasticfilesystem:*", "s3files:*", "lambda:AssociateRuntimeAlias", "lambda:DeleteFunctionCodeSigningConfig",
        "lambda:DeleteProvisionedConcurrencyConfig", "lambda:GetCodeSigningConfig", "lambda:GetLayerVersion", "lambda:PassCapacityProvider",
        "lambda:PutFunctionCodeSigningConfig", "lambda:PutFunctionRecursionConfig", "lambda:PutFunctionScalingConfig",
        "lambda:PutProvisionedConcurrencyConfig", "lambda:PutRuntimeManagementConfig"],
    "a log with data protection, indexes, deletion protection or tokens, or that is delivered elsewhere": [
        "firehose:*", "logs:*IndexPolicy", "logs:DeleteDataProtectionPolicy", "logs:PutBearerTokenAuthentication",
        "logs:PutDataProtectionPolicy", "logs:PutLogGroupDeletionProtection", "s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:REST.PUT.OBJECT"],
    "a bus with a policy": ["events:PutPermission", "events:RemovePermission"],
    "a topic with data protection": ["sns:PutDataProtectionPolicy"],
    "servers": ["codedeploy:RegisterOnPremisesInstance"],
    "a key that is given by its alias": ["kms:ListAliases"],
}


def matches(pattern, action):
    """IAM does not distinguish case in actions."""
    return fnmatch.fnmatchcase(action.lower(), pattern.lower())


def schema(kind):
    providers = json.loads((SCHEMAS / "providers/us-east-1.json").read_text())
    return json.loads((SCHEMAS / f"resources/{providers[kind]}.json").read_text()) if kind in providers else {}


def needed(resources):
    """Each action that deploying, changing and deleting the stack needs, with what needs it."""
    found = {}
    for kind in sorted({each["Type"] for each in resources.values() if not each["Type"].startswith("Custom::")}):
        known = schema(kind)
        handlers = known.get("handlers")
        if handlers is None:
            raise SystemExit(f"deployer: the schema of {kind} names no permissions: add them to BY_HAND")
        for operation, handler in handlers.items():
            for action in handler["permissions"] if operation != "list" else ():
                found.setdefault(action, kind)
        # The stack's tags are put on each resource.
        for action in known.get("tagging", {}).get("permissions", ()):
            found.setdefault(action, kind)
    source = (pathlib.Path(samcli.__file__).parent / "lib/deploy/deployer.py").read_text()
    for call in [*re.findall(r"_client\.([a-z_]+)\(", source), *re.findall(r'get_paginator\("([a-z_]+)"\)', source)]:
        name = "".join(map(str.capitalize, call.split("_")))
        if name not in NOT_CALLED:
            found.setdefault(f"cloudformation:{name}", "the SAM CLI")
    return found | {action: reason for reason, actions in BY_HAND.items() for action in actions}


def scope(statement, action, resource):
    """Whether an action is granted on more than it can be limited to, or on another kind of resource."""
    if iam_actions.action(action) is None or resource == TRANSFORM or (resource == "*" and "Condition" in statement):
        return None
    return iam_actions.problem(action, resource, None)


def problems(document, resources, required):
    granted = [(statement, action) for statement in document["Statement"] for action in listed(statement["Action"])]
    left_out = [pattern for patterns in LEFT_OUT.values() for pattern in patterns]
    for action, reason in required.items():
        if not any(matches(pattern, action) for pattern in [*left_out, *(pattern for _, pattern in granted)]):
            yield f"{action} is missing: {reason}"
    for pattern in left_out:
        if not any(matches(pattern, action) for action in required):
            yield f"LEFT_OUT has {pattern}, which nothing needs"
    for statement, pattern in granted:
        if not any(matches(pattern, action) for action in required):
            yield f"{statement['Sid']} allows {pattern}, which nothing needs"
        scopes = [scope(statement, pattern, resource) for resource in listed(statement["Resource"])]
        if all(scopes):
            yield f"{statement['Sid']}: {scopes[0]}"
    trusted = {
        service for each in resources.values() if each["Type"] == "AWS::IAM::Role"
        for trust in each["Properties"]["AssumeRolePolicyDocument"]["Statement"] for service in listed(trust["Principal"]["Service"])
    }
    (condition,) = (statement["Condition"] for statement, action in granted if action == "iam:PassRole")
    if set(condition["StringEquals"]["iam:PassedToService"]) != trusted:
        yield f"iam:PassRole has to be limited to {sorted(trusted)}"
    length = len(json.dumps(document, separators=(",", ":")))
    if length > LONGEST:
        yield f"it has {length} characters, and a role's policy can have {LONGEST}"


def main():
    path = sys.argv[2] if len(sys.argv) > 2 else "template.yaml"
    template, document = expanded.load(ROOT / path), json.loads(POLICY.read_text())
    stacks = [expanded.translated(expanded.decided(template, chosen))["Resources"] for chosen in CASES.values()]
    resources = {name: each for stack in stacks for name, each in stack.items()}
    required = needed(resources)
    if found := list(problems(document, resources, required)):
        sys.exit("deployer: docs/deployer-policy.json: " + "\ndeployer: docs/deployer-policy.json: ".join(found))
    print(f"deployer: docs/deployer-policy.json allows what {len(required)} calls need, without what unused properties would need")


if __name__ == "__main__":
    main()
