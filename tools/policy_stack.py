"""A translated template as the policy checks read it: its resources by type, what its roles allow, and which key encrypts what."""

import copy
import fnmatch
import re
from dataclasses import dataclass

# In place of an action: the policy is AWS's own.
MANAGED = "managed policy"
REFERENCE = re.compile(r"\$\{(\w+)(?:\.(\w+))?\}")


@dataclass(frozen=True)
class Grant:
    """One action that a role allows on one resource."""

    role: str
    policy: str
    statement: int
    action: str
    resource: str


@dataclass(frozen=True)
class Need:
    """One action that AWS's documents say a role needs, and why."""

    role: str
    action: str
    resource: str
    why: str

    def met_by(self, grant):
        same = (self.role, self.action) == (grant.role, grant.action)
        return same and (self.resource == grant.resource or fnmatch.fnmatchcase(self.resource, grant.resource))


def listed(value):
    return value if isinstance(value, list) else [value]


def name_of(reference):
    """The logical id in a text such as ${Queue.Arn}."""
    found = REFERENCE.search(reference) if isinstance(reference, str) else None
    return found and found[1]


class Stack:
    def __init__(self, resources, requires_tls, api_key_kms_key=None):
        self.resources = resources
        self.requires_tls = requires_tls
        # What encrypts the secret with HeyGen's API key, which is no resource of the stack.
        self.api_key_kms_key = api_key_kms_key

    def without(self, change):
        """The same stack, with its resources changed by a function."""
        resources = copy.deepcopy(self.resources)
        change(resources)
        return Stack(resources, self.requires_tls, self.api_key_kms_key)

    def of(self, kind):
        """The resources of a type, each with its properties."""
        return [(name, each.get("Properties", {})) for name, each in self.resources.items() if each["Type"] == kind]

    def properties(self, reference):
        return self.resources[name_of(reference)]["Properties"]

    def kind(self, reference):
        return self.resources.get(name_of(reference), {}).get("Type")

    def function_of(self, reference):
        """The function that a reference to it, to a version or to an alias of it leads to."""
        while self.kind(reference) in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
            reference = self.properties(reference)["FunctionName"]
        return name_of(reference)

    def role_of(self, function):
        return name_of(self.resources[function]["Properties"]["Role"])

    def statements(self):
        """Each statement of a role's policy, as (role, policy's name, position, statement)."""
        for role, properties in self.of("AWS::IAM::Role"):
            for policy in properties.get("Policies", []):
                for position, statement in enumerate(policy["PolicyDocument"]["Statement"]):
                    yield role, policy["PolicyName"], position, statement

    def grants(self):
        return [
            Grant(role, "", position, MANAGED, arn)
            for role, properties in self.of("AWS::IAM::Role") for position, arn in enumerate(properties.get("ManagedPolicyArns", []))
        ] + [
            Grant(role, policy, position, action, resource)
            for role, policy, position, statement in self.statements() if statement["Effect"] == "Allow"
            for action in listed(statement["Action"]) for resource in listed(statement["Resource"])
        ]

    def key_of(self, resource):
        """The customer's key that encrypts a queue, a table, its stream, or an endpoint's secret."""
        kind = self.kind(resource)
        if kind == "AWS::SQS::Queue":
            return self.properties(resource).get("KmsMasterKeyId")
        if kind == "AWS::DynamoDB::Table":
            return self.properties(resource).get("SSESpecification", {}).get("KMSMasterKeyId")
        if ":secret:" in resource:
            return self.key_of_secret(resource)
        return None

    def key_of_secret(self, resource):
        """The endpoints' secrets are created by the function that knows their prefix and the key."""
        for _, function in self.of("AWS::Lambda::Function"):
            variables = function.get("Environment", {}).get("Variables", {})
            if variables.get("API_KEY_SECRET") and variables["API_KEY_SECRET"] in resource:
                return self.api_key_kms_key
            if "KMS_KEY_ARN" in variables and f":secret:{variables['SECRET_PREFIX']}" in resource:
                return variables["KMS_KEY_ARN"] or None
        return None
