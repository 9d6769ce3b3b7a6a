"""What AWS's documents say that the resources of a stack need, whatever its policies say.

Each rule has the page that it is from, below docs.aws.amazon.com. Rules that yield needs of roles are in NEEDS; those that
yield problems of trust, of permissions on a function and of queues are in PROBLEMS.
"""

from policy_stack import MANAGED, Need, listed, name_of

ACCOUNT, REGION = "123456789012", "us-east-1"


def poller(stack):
    # lambda/latest/dg/services-sqs-configure.html
    for _, mapping in stack.of("AWS::Lambda::EventSourceMapping"):
        role = stack.role_of(stack.function_of(mapping["FunctionName"]))
        for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
            yield Need(role, action, mapping["EventSourceArn"], "Lambda polls the queue")


def function_logs(stack):
    # lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
    for name, function in stack.of("AWS::Lambda::Function"):
        group = f"${{{name_of(function['LoggingConfig']['LogGroup'])}.Arn}}"
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            yield Need(stack.role_of(name), action, group, "Lambda writes the function's log")


def traces(stack):
    # lambda/latest/dg/services-xray.html; with PassThrough, Lambda still traces a request whose sender is traced:
    # lambda/latest/api/API_TracingConfig.html
    for name, function in stack.of("AWS::Lambda::Function"):
        if "TracingConfig" in function:
            for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
                yield Need(stack.role_of(name), action, "*", "Lambda sends traces")


def pipe(stack):
    # eventbridge/latest/userguide/eb-pipes-permissions.html, eb-pipes-dynamodb.html
    for _, properties in stack.of("AWS::Pipes::Pipe"):
        role, source = name_of(properties["RoleArn"]), properties["Source"]
        if source.endswith(".StreamArn}"):
            for action in ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"):
                yield Need(role, action, source, "the pipe reads the stream")
            yield Need(role, "dynamodb:ListStreams", "*", "the pipe reads the stream")
        if stack.kind(properties["Target"]) == "AWS::Events::EventBus":
            yield Need(role, "events:PutEvents", properties["Target"], "the pipe's target")
        for parameters in properties["SourceParameters"].values():
            if "DeadLetterConfig" in parameters:
                yield Need(role, "sqs:SendMessage", parameters["DeadLetterConfig"]["Arn"], "the pipe's dead-letter queue")


def pipe_encryption(stack):
    # eventbridge/latest/userguide/eb-encryption-pipes-cmkey.html
    for _, properties in stack.of("AWS::Pipes::Pipe"):
        if "KmsKeyIdentifier" in properties:
            for action in ("kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKey"):
                yield Need(name_of(properties["RoleArn"]), action, properties["KmsKeyIdentifier"], "the pipe itself is encrypted with the key")


def traffic_shifting(stack):
    # codedeploy/latest/userguide/getting-started-create-service-role.html
    for _, group in stack.of("AWS::CodeDeploy::DeploymentGroup"):
        limited = "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"
        yield Need(name_of(group["ServiceRoleArn"]), MANAGED, limited, "CodeDeploy shifts traffic between versions")


def tags_of_secrets(stack):
    # secretsmanager/latest/apireference/API_CreateSecret.html
    for grant in stack.grants():
        if grant.action == "secretsmanager:CreateSecret":
            yield Need(grant.role, "secretsmanager:TagResource", grant.resource, "admin creates secrets with tags")


DECRYPT, ENCRYPT = ("kms:Decrypt",), ("kms:Decrypt", "kms:GenerateDataKey")
KEY_USES = {
    "sqs:ReceiveMessage": DECRYPT, "sqs:SendMessage": ENCRYPT,
    "secretsmanager:GetSecretValue": DECRYPT, "secretsmanager:PutSecretValue": ENCRYPT, "secretsmanager:CreateSecret": ENCRYPT,
    "dynamodb:PutItem": DECRYPT, "dynamodb:UpdateItem": DECRYPT, "dynamodb:Query": DECRYPT, "dynamodb:GetRecords": DECRYPT,
}


def customer_key(stack):
    # AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html, secretsmanager/latest/userguide/
    # security-encryption.html, amazondynamodb/latest/developerguide/encryption.usagenotes.html: the service calls KMS with
    # the caller's permissions.
    derived = [need for rule in (poller, pipe) for need in rule(stack)]
    for use in dict.fromkeys((each.role, each.action, each.resource) for each in (*derived, *stack.grants())):
        role, action, resource = use
        key = stack.key_of(resource)
        for kms in KEY_USES.get(action, ()) if key else ():
            yield Need(role, kms, key, "what it reads or writes is encrypted with the key")


NEEDS = {
    "event source": poller, "function's log": function_logs, "traces": traces, "pipe": pipe, "pipe's encryption": pipe_encryption,
    "gradual deployment": traffic_shifting, "secret's tags": tags_of_secrets, "customer key": customer_key,
}


TRUST = {
    "AWS::Lambda::Function": ("Role", "lambda.amazonaws.com"),
    "AWS::Pipes::Pipe": ("RoleArn", "pipes.amazonaws.com"),
    "AWS::CodeDeploy::DeploymentGroup": ("ServiceRoleArn", "codedeploy.amazonaws.com"),
}
# eventbridge/latest/userguide/eb-pipes-permissions.html, codedeploy/latest/userguide/security_confused_deputy.html. Lambda
# documents no condition.
CALLERS = {
    "pipes.amazonaws.com": f"arn:aws:pipes:{REGION}:{ACCOUNT}:pipe/",
    "codedeploy.amazonaws.com": f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:deploymentgroup:",
}


def trust(stack):
    users = {}
    for kind, (attribute, service) in TRUST.items():
        for _, properties in stack.of(kind):
            users.setdefault(name_of(properties[attribute]), set()).add(service)
    for role, properties in stack.of("AWS::IAM::Role"):
        trusted = set()
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
            services = listed(statement["Principal"].get("Service", []))
            if statement["Action"] != "sts:AssumeRole" or statement["Effect"] != "Allow" or set(statement["Principal"]) != {"Service"}:
                yield f"{role}: a trust policy allows sts:AssumeRole to services, and nothing else"
            for service in services:
                trusted.add(service)
                yield from confused_deputy(role, service, statement.get("Condition", {}))
        if trusted != users.get(role, set()):
            yield f"{role}: is used by {sorted(users.get(role, set()))} and trusts {sorted(trusted)}"


def confused_deputy(role, service, condition):
    caller = CALLERS.get(service)
    if caller:
        account = condition.get("StringEquals", {}).get("aws:SourceAccount")
        source = {**condition.get("ArnLike", {}), **condition.get("ArnEquals", {})}.get("aws:SourceArn", "")
        if account != ACCOUNT or not source.startswith(caller):
            yield f"{role}: {service} has to be limited to this account and to {caller}…"


def invocations(stack):
    """Who invokes which function, or alias, as (what, principal, ARN of the caller)."""
    # apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    for name, integration in stack.of("AWS::ApiGatewayV2::Integration"):
        if integration["IntegrationType"] == "AWS_PROXY":
            arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{integration['ApiId']}/"
            yield name, name_of(integration["IntegrationUri"]), "apigateway.amazonaws.com", arn
    # eventbridge/latest/userguide/eb-use-resource-based.html
    for name, rule in stack.of("AWS::Events::Rule"):
        for target in rule["Targets"]:
            if stack.kind(target["Arn"]) in ("AWS::Lambda::Function", "AWS::Lambda::Alias"):
                yield name, name_of(target["Arn"]), "events.amazonaws.com", f"${{{name}.Arn}}"


def permissions(stack):
    # A custom resource needs none: CloudFormation invokes its function with the deployer's permissions.
    # AWSCloudFormation/latest/UserGuide/template-custom-resources-lambda.html
    given = [
        (name, name_of(each["FunctionName"]), each["Principal"], each.get("SourceArn", ""))
        for name, each in stack.of("AWS::Lambda::Permission") if each["Action"] == "lambda:InvokeFunction"
    ]
    used = set()
    for what, target, principal, arn in invocations(stack):
        from_there = [each for each in given if each[2] == principal and (each[3] == arn or (arn.endswith("/") and each[3].startswith(arn)))]
        matching = [each for each in from_there if each[1] == target]
        # Before and after the change to an alias, the function itself is invoked.
        used.update(each for each in from_there if each[1] in (target, stack.function_of(f"${{{target}}}")))
        if len(matching) != 1:
            yield f"{what}: {len(matching)} permissions allow {principal} to invoke {target} for {arn} only; one has to"
    for name, *_ in set(given) - used:
        yield f"{name}: nothing needs this permission"


def queue_policies(stack):
    # AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html
    policies = stack.of("AWS::SQS::QueuePolicy")
    for name, _ in stack.of("AWS::SQS::Queue"):
        without_tls = {
            "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": f"${{{name}.Arn}}",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        found = [each["PolicyDocument"]["Statement"] for _, each in policies if each["Queues"] == [f"${{{name}}}"]]
        if found != ([[without_tls]] if stack.requires_tls else []):
            yield f"{name}: has to have one policy with one statement, which denies requests without TLS, if RequireTls is set"


def lease(stack):
    # amazondynamodb/latest/developerguide/specifying-conditions.html. Only the processor writes jobs and events; recovery writes
    # tracked jobs, which may have any key.
    for role, _, position, statement in stack.statements():
        if role != "RecoveryRole" and "dynamodb:DeleteItem" in listed(statement["Action"]):
            keys = statement.get("Condition", {}).get("ForAllValues:StringEquals", {}).get("dynamodb:LeadingKeys", [])
            if len(keys) != 1 or not keys[0].startswith("admin#"):
                yield f"{role}: statement {position} has to be limited to admin's own items, by dynamodb:LeadingKeys"


def topics(stack):
    # AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html: CloudWatch cannot use the key alias/aws/sns. A topic's
    # default policy lets the alarms of its own account publish.
    restricted = {name_of(topic) for _, policy in stack.of("AWS::SNS::TopicPolicy") for topic in policy["Topics"]}
    for name, topic in stack.of("AWS::SNS::Topic"):
        if "KmsMasterKeyId" in topic or name in restricted:
            yield f"{name}: alarms can publish only to a topic without a key and without a policy of its own"


def vended_logs(stack):
    # AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html: below /aws/vendedlogs/, AWS's own resource policy applies,
    # and does not outgrow its limit.
    groups = [pipe.get("LogConfiguration", {}).get("CloudwatchLogsLogDestination", {}).get("LogGroupArn") for _, pipe in stack.of("AWS::Pipes::Pipe")]
    groups += [stage.get("AccessLogSettings", {}).get("DestinationArn") for _, stage in stack.of("AWS::ApiGatewayV2::Stage")]
    for group in filter(None, groups):
        if not stack.properties(group)["LogGroupName"].startswith("/aws/vendedlogs/"):
            yield f"{name_of(group)}: the name of a log that AWS delivers has to start with /aws/vendedlogs/"


PROBLEMS = {
    "trust policy": trust, "lease": lease, "permission to invoke": permissions, "queue policy": queue_policies, "alarm topic": topics,
    "log delivery": vended_logs,
}
