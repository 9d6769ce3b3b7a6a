"""What AWS rejects or does differently and no other check reports, as rules of cfn-lint.

`make lint-can-fail` breaks the template once for each of them.
"""

import re

from cfnlint.rules import CloudFormationLintRule, RuleMatch

LARGEST_MESSAGE = 1048576
DAY, WEEK = 86_400, 604_800


def listed(value):
    return value if isinstance(value, list) else [value]


def only(value, name):
    """The argument of an intrinsic function, if the value is that function."""
    return value.get(name) if isinstance(value, dict) and len(value) == 1 else None


def walk(value, path=()):
    """Each mapping in a value, with its path."""
    if isinstance(value, dict):
        yield list(path), value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from walk(part, (*path, key))


class Values:
    """What the values of a template can be, for some or all values of its parameters."""

    def __init__(self, template):
        self.parameters = template.get("Parameters", {})
        self.conditions = template.get("Conditions", {})
        self.mappings = template.get("Mappings", {})

    def allowed(self, name):
        """The values of a parameter that is a number or a choice, as texts."""
        parameter = self.parameters[name]
        if "AllowedValues" in parameter:
            return [str(value) for value in parameter["AllowedValues"]]
        if parameter["Type"] == "Number":
            return [str(n) for n in range(int(parameter.get("MinValue", 0)), int(parameter.get("MaxValue", 10_000)) + 1)]
        return [str(n) for n in range(10_001) if re.fullmatch(parameter.get("AllowedPattern", ".*"), str(n))]

    def named(self, value):
        """The parameters that a value refers to."""
        found = {part["Ref"] for _, part in walk(value) if part.get("Ref") in self.parameters}
        for _, part in walk(value):
            text = only(part, "Fn::Sub")
            found |= set(re.findall(r"\$\{(\w+)\}", text if isinstance(text, str) else text[0])) if text else set()
        return found & set(self.parameters)

    def number(self, value, bound):
        """A number, if these parameters say what it is."""
        if only(value, "Ref"):
            value = bound.get(value["Ref"])
        found = only(value, "Fn::FindInMap")
        if found:
            name, key, entry = found
            value = self.mappings[name].get(bound.get(only(key, "Ref"), key), {}).get(entry)
        return int(value) if isinstance(value, (int, str)) and str(value).isdigit() else None

    def is_true(self, condition, bound):
        """A condition, or None if it depends on other parameters."""
        if isinstance(condition, str):
            return self.is_true(self.conditions[condition], bound)
        ((name, argument),) = condition.items()
        if name == "Condition":
            return self.is_true(argument, bound)
        if name == "Fn::Equals":
            left, right = (bound.get(side["Ref"]) if only(side, "Ref") else side for side in argument)
            return None if left is None or right is None else left == right
        results = [self.is_true(part, bound) for part in argument]
        if name == "Fn::Not":
            return None if results[0] is None else not results[0]
        decisive = name == "Fn::Or"
        return decisive if decisive in results else None if None in results else not decisive

    def choices(self, value):
        """Each choice of the one parameter in a value, or one empty choice without a parameter."""
        return [{name: choice} for name in self.named(value) for choice in self.allowed(name)] or [{}]


class Trap(CloudFormationLintRule):
    source_url = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
    tags = ["aws"]
    type = None

    def match(self, cfn):
        for name, resource in cfn.get_resources([self.type]).items():
            path = ["Resources", name]
            for where, problem in self.problems(resource, resource.get("Properties", {}), cfn.template) or ():
                yield RuleMatch(path + where, f"{name}: {problem}")


class OneQueuePerPolicy(Trap):
    id, type = "E9001", "AWS::SQS::QueuePolicy"
    shortdesc = description = "A queue policy covers one queue, which is its only resource"

    def problems(self, _, properties, __):
        queues = properties["Queues"]
        if len(queues) != 1:
            yield ["Properties", "Queues"], "SQS accepts only a policy whose resource is the queue: one policy for each queue"
        expected = {"Fn::GetAtt": [only(queues[0], "Ref"), "Arn"]}
        for statement in properties["PolicyDocument"]["Statement"]:
            if statement["Resource"] != expected:
                yield ["Properties", "PolicyDocument"], "its resource has to be the ARN of the queue, and nothing else"


class TextsAreCompared(CloudFormationLintRule):
    id, tags, source_url = "E9002", ["aws"], Trap.source_url
    shortdesc = description = "Conditions compare texts: whether a number equals a text is not documented"

    def match(self, cfn):
        parameters = cfn.template.get("Parameters", {})
        for section in ("Conditions", "Rules"):
            for path, part in walk(cfn.template.get(section, {}), (section,)):
                for side in only(part, "Fn::Equals") or ():
                    is_number = parameters.get(only(side, "Ref"), {}).get("Type") == "Number"
                    if is_number or not isinstance(side, (str, dict)):
                        yield RuleMatch(path, "compares a number: make the parameter a String with a pattern, and quote the value")


class ConcurrencyOfAQueue(Trap):
    id, type = "E9003", "AWS::Lambda::EventSourceMapping"
    shortdesc = description = "The largest concurrency of a queue's functions is absent, or 2 to 1000"

    def problems(self, _, properties, template):
        values, scaling = Values(template), properties.get("ScalingConfig", {})
        condition, limited, _ = only(scaling, "Fn::If") or [None, scaling, None]
        limit = limited.get("MaximumConcurrency")
        for bound in values.choices(limit) if limit is not None else ():
            applies = condition is None or values.is_true(condition, bound) is not False
            if applies and not 2 <= values.number(limit, bound) <= 1000:
                yield ["Properties"], f"MaximumConcurrency can be {values.number(limit, bound)}, and has to be 2 to 1000"


class VisibilityOfAQueue(Trap):
    id, type = "E9004", "AWS::Lambda::EventSourceMapping"
    shortdesc = description = "A queue's visibility timeout is at least six times its function's timeout"

    def problems(self, _, properties, template):
        values, resources = Values(template), template["Resources"]
        names = {part["Ref"] for _, part in walk(properties["FunctionName"]) if "Ref" in part}
        queue = resources[properties["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]["VisibilityTimeout"]
        for timeout in (resources[name]["Properties"]["Timeout"] for name in names if "Timeout" in resources[name]["Properties"]):
            for bound in values.choices([timeout, queue]):
                longest, visibility = values.number(timeout, bound), values.number(queue, bound)
                if longest is None or visibility is None or visibility < 6 * longest:
                    yield ["Properties"], f"visibility {visibility} s is not six times the function's timeout of {longest} s, with {bound}"


class VersionsOfAFunction(Trap):
    id, type = "E9015", "AWS::Lambda::Version"
    shortdesc = description = "A version is published whenever its function changes, and its function changes with it"
    # Lambda allows 256 characters; endpoints may have more names than the default.
    longest = 200

    def problems(self, _, properties, template):
        values = Values(template)
        function = template["Resources"][only(properties["FunctionName"], "Ref")]["Properties"]
        described = properties["Description"]
        _, stated, _ = only(function["Description"], "Fn::If") or (None, function["Description"], None)
        if stated != described:
            yield ["Properties", "Description"], "the function has another description: Lambda publishes nothing if only the version's changes"
        if not values.parameters:
            return
        configured = {name: part for name, part in function.items() if name not in ("Description", "Role", "ReservedConcurrentExecutions")}
        missing = (values.named(configured) | {"Release"}) - values.named(described)
        if missing:
            yield ["Properties", "Description"], f"without {', '.join(sorted(missing))}, a change of it is never published"
        text = only(described, "Fn::Sub")
        for name, value in {**{name: parameter.get("Default", "") for name, parameter in values.parameters.items()},
                            "Release": "r" * 40, "Names": "main"}.items():
            text = (text if isinstance(text, str) else text[0]).replace(f"${{{name}}}", str(value))
        if len(text) > self.longest:
            yield ["Properties", "Description"], f"it has {len(text)} characters: {text}"


class PeriodsOfAnAlarm(Trap):
    id, type = "E9005", "AWS::CloudWatch::Alarm"
    shortdesc = description = "An alarm evaluates at least one period, and at most a week; a day, if they are shorter than an hour"

    def problems(self, resource, properties, template):
        values, periods = Values(template), properties["EvaluationPeriods"]
        metrics = properties.get("Metrics", [{"MetricStat": properties}])
        period = max(int(metric["MetricStat"]["Period"]) for metric in metrics if "MetricStat" in metric)
        for bound in values.choices(periods):
            if "Condition" in resource and values.is_true(resource["Condition"], bound) is False:
                continue
            number = values.number(periods, bound)
            if number < 1 or number * period > (WEEK if period >= 3600 else DAY):
                yield ["Properties", "EvaluationPeriods"], f"{number} periods of {period} s are too few or too many"


class SilenceIsNoAlarm(Trap):
    id, type = "E9006", "AWS::CloudWatch::Alarm"
    shortdesc = description = "No alarm rings right after the first deployment, when its metric has no values yet"

    def problems(self, _, properties, __):
        if properties.get("TreatMissingData") not in ("notBreaching", "ignore"):
            yield ["Properties"], "TreatMissingData has to be notBreaching or ignore"


class MessageSize(Trap):
    id, type = "E9007", "AWS::SQS::Queue"
    shortdesc = description = "A queue states the size of its largest message, whose default differs by region and year"

    def problems(self, _, properties, __):
        if properties.get("MaximumMessageSize") != LARGEST_MESSAGE:
            yield ["Properties"], f"MaximumMessageSize has to be {LARGEST_MESSAGE}"


class KeptAfterASuccess(CloudFormationLintRule):
    id, tags, source_url = "E9008", ["aws"], Trap.source_url
    shortdesc = description = "A failed first deployment keeps nothing that would block the next one"

    def match(self, cfn):
        for name, resource in cfn.template["Resources"].items():
            if resource.get("DeletionPolicy") == "Retain":
                yield RuleMatch(["Resources", name, "DeletionPolicy"], f"{name}: use RetainExceptOnCreate")


class TrustInOneAccount(Trap):
    id, type = "E9009", "AWS::IAM::Role"
    shortdesc = description = "A pipe, a rule or CodeDeploy assumes a role only for this account's own"

    def problems(self, _, properties, __):
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
            keys = {key for operator in statement.get("Condition", {}).values() for key in operator}
            service = statement["Principal"]["Service"]
            if service in ("pipes.amazonaws.com", "events.amazonaws.com", "codedeploy.amazonaws.com") and keys != {"aws:SourceAccount", "aws:SourceArn"}:
                yield ["Properties", "AssumeRolePolicyDocument"], f"{service} needs aws:SourceAccount and aws:SourceArn as conditions"


class ActionsWithoutResource(Trap):
    id, type = "E9010", "AWS::IAM::Role"
    shortdesc = description = "Actions that AWS allows on no resource are granted on all"
    actions = {"dynamodb:ListStreams", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}

    def problems(self, _, properties, __):
        for path, statement in walk(properties.get("Policies", []), ("Properties", "Policies")):
            if self.actions.intersection(listed(statement.get("Action"))) and statement["Resource"] != "*":
                yield path, f"{statement['Action']} needs \"*\" as its resource"


class RolesOfAnOrganization(Trap):
    id, type = "E9014", "AWS::IAM::Role"
    shortdesc = description = "If roles can have a path and a boundary, each role has them"

    def problems(self, _, properties, template):
        missing = {"Path", "PermissionsBoundary"} - set(properties)
        if "PermissionsBoundaryArn" in template.get("Parameters", {}) and missing:
            yield ["Properties"], f"{' and '.join(sorted(missing))} is missing"


class NoConditionAtATopic(Trap):
    id, type = "E9011", "AWS::SNS::TopicPolicy"
    shortdesc = description = "EventBridge may publish without a condition: AWS documents that it passes none to SNS"

    def problems(self, _, properties, __):
        for statement in properties["PolicyDocument"]["Statement"]:
            if statement["Principal"] == {"Service": "events.amazonaws.com"} and "Condition" in statement:
                yield ["Properties", "PolicyDocument"], "a condition is never true for EventBridge, and its events are dropped"


class NothingReserved(Trap):
    id, type = "E9012", "AWS::Serverless::Function"
    shortdesc = description = "By default no concurrency is reserved, of which a new account has none"

    def problems(self, _, properties, template):
        reserved, values = properties.get("ReservedConcurrentExecutions"), Values(template)
        defaults = {name: str(parameter.get("Default", "")) for name, parameter in values.parameters.items()}
        if reserved is not None and (not only(reserved, "Fn::If") or values.is_true(reserved["Fn::If"][0], defaults)):
            yield ["Properties"], "ReservedConcurrentExecutions is set by default"


class Combinations(CloudFormationLintRule):
    id, tags, source_url = "E9013", ["aws"], Trap.source_url
    shortdesc = description = "Parameters that cannot work together are rejected before anything is created, and no others are"
    domain = {"DomainName": "hooks.example.com", "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1"}
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:key-AbCdEf"
    accepted = [
        {},
        {**domain, "DisableExecuteApi": "true"},
        {"KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1", "EncryptJobEvents": "true"},
        domain,
        {**domain, "HostedZoneId": "Z1"},
        {"PublicUrl": "https://proxy.example.com"},
        {"ApiKeySecret": "key", "ApiKeyKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1"},
        {"ApiKeySecretArn": secret, "ApiKeyKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1"},
        {"QuietHours": "24", "AlarmEmail": "operators@example.com"},
        {"QuietHours": "24", "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:topic"},
        {"GradualDeployment": "Linear10PercentEvery1Minute", "Release": "1"},
    ]
    rejected = [
        {"DisableExecuteApi": "true"},
        {"EncryptJobEvents": "true"},
        {"DomainName": domain["DomainName"]},
        {"CertificateArn": domain["CertificateArn"]},
        {"HostedZoneId": "Z1"},
        {"ApiKeySecret": "key", "ApiKeySecretArn": secret},
        {"ApiKeyKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1"},
        {**domain, "PublicUrl": "https://proxy.example.com"},
        {"QuietHours": "24"},
        {"GradualDeployment": "Linear10PercentEvery1Minute"},
    ]

    def match(self, cfn):
        values, rules = Values(cfn.template), cfn.template.get("Rules", {})
        if "DomainName" not in values.parameters:
            return
        defaults = {name: str(parameter.get("Default", "")) for name, parameter in values.parameters.items()}
        for chosen, is_rejected in [*((c, False) for c in self.accepted), *((c, True) for c in self.rejected)]:
            bound = {**defaults, **chosen}
            applied = [rule for rule in rules.values() if values.is_true(rule["RuleCondition"], bound)]
            failed = [a for rule in applied for a in rule["Assertions"] if not values.is_true(a["Assert"], bound)]
            if bool(failed) != is_rejected:
                verb = "accept" if is_rejected else "reject"
                yield RuleMatch(["Rules" if rules else "Parameters"], f"the rules {verb} {chosen}")
