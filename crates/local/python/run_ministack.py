"""MiniStack, with nine deviations from AWS corrected.

HeyGen's probe: an HTTP API without a CORS configuration routes OPTIONS like any other method. MiniStack
responds to it with 403.

The pipe from the table's stream to the event bus: see ministack_pipes.py.

Saved queries of CloudWatch Logs: MiniStack has none, and rejects a template with one. Here they exist by name only.

CodeDeploy: MiniStack has none. Here its resources exist by name only, and an alias changes to another version at once.

Texts in place of numbers, which CloudFormation converts: MiniStack keeps those of an event source mapping as they are, and
its poller ends with an error.

The permissions to read one event source mapping and to list alarms by a prefix: MiniStack asks for the one to list all mappings, and
for all resources.

The permission for a batch of messages: IAM asks for the one for a single message, such as sqs:DeleteMessage. MiniStack asks for
sqs:DeleteMessageBatch.

Alarms with metric math: MiniStack rejects a template with one. Here they can be described, and never ring.

requirements.txt pins the version; with other code than expected, MiniStack does not start.
"""

import inspect

from ministack.app import main
from ministack.core import iam_actions
from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

import ministack_pipes

ANSWERS_ALWAYS = '    if method == "OPTIONS":\n'
ANSWERS_IF_CONFIGURED = '    if method == "OPTIONS" and cors_cfg:\n'

source = inspect.getsource(apigateway._handle_execute_in_scope)
if source.count(ANSWERS_ALWAYS) != 1:
    raise SystemExit("this MiniStack treats OPTIONS differently: check whether crates/local/python/run_ministack.py is still needed")
exec(source.replace(ANSWERS_ALWAYS, ANSWERS_IF_CONFIGURED), vars(apigateway))

ministack_pipes.install()

LISTS_ALWAYS = '            if method == "GET":\n                return "ListEventSourceMappings"\n'
GETS_ONE = '            if method == "GET" and parts[-1] != "event-source-mappings":\n                return "GetEventSourceMapping"\n'
action = inspect.getsource(iam_actions._lambda_action)
if action.count(LISTS_ALWAYS) != 1:
    raise SystemExit("this MiniStack authorizes event source mappings differently: check whether crates/local/python/run_ministack.py is still needed")
exec(action.replace(LISTS_ALWAYS, GETS_ONE + LISTS_ALWAYS), vars(iam_actions))
action_of_target = iam_actions._action_from_target
if action_of_target({"x-amz-target": "AmazonSQS.DeleteMessageBatch"}) != "DeleteMessageBatch":
    raise SystemExit("this MiniStack authorizes batches differently: check whether crates/local/python/run_ministack.py is still needed")


def action_of_single_message(headers):
    action = action_of_target(headers)
    return action.removesuffix("Batch") if headers.get("x-amz-target", "").startswith("AmazonSQS.") else action


iam_actions._action_from_target = action_of_single_message
resource_of = iam_actions.extract_resource_arn


def resource_with_mappings_and_alarms(service, method, path, headers, body, query, region, account):
    if service == "lambda" and "/event-source-mappings/" in path:
        return f"arn:aws:lambda:{region}:{account}:event-source-mapping:{path.rsplit('/', 1)[1]}"
    if service == "monitoring" and b"AlarmNames" in body:
        return f"arn:aws:cloudwatch:{region}:{account}:alarm:*"
    return resource_of(service, method, path, headers, body, query, region, account)


iam_actions.extract_resource_arn = resource_with_mappings_and_alarms

for by_name_only in ("AWS::Logs::QueryDefinition", "AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"):
    if by_name_only in provisioners._RESOURCE_HANDLERS:
        raise SystemExit(f"this MiniStack has {by_name_only}: remove it from crates/local/python/run_ministack.py")
    provisioners._RESOURCE_HANDLERS[by_name_only] = {
        "create": lambda logical_id, properties, stack: (logical_id, {}),
        "update": lambda physical_id, old, new, stack: (physical_id, {}),
        "delete": lambda physical_id, properties: None,
    }

MAPPING = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
create_mapping, update_mapping = MAPPING["create"], MAPPING["update"]


def with_numbers(properties):
    scaling = properties.get("ScalingConfig") or {}
    numbers = {name: int(properties[name]) for name in ("BatchSize", "MaximumBatchingWindowInSeconds") if name in properties}
    if "MaximumConcurrency" in scaling:
        numbers["ScalingConfig"] = {**scaling, "MaximumConcurrency": int(scaling["MaximumConcurrency"])}
    return {**properties, **numbers}


MAPPING["create"] = lambda logical_id, new, stack: create_mapping(logical_id, with_numbers(new), stack)
MAPPING["update"] = lambda physical_id, old, new, stack: update_mapping(physical_id, with_numbers(old), with_numbers(new), stack)

alarm_record = provisioners._cw_metric_alarm_record
if "(metric math) is not supported" not in inspect.getsource(alarm_record):
    raise SystemExit("this MiniStack has alarms with metric math: remove them from crates/local/python/run_ministack.py")


def alarm_record_with_math(name, properties):
    if "Metrics" not in properties:
        return alarm_record(name, properties)
    required = {"MetricName": "-", "Namespace": "-"}
    record = alarm_record(name, {key: value for key, value in properties.items() if key != "Metrics"} | required)
    return record | dict.fromkeys(required) | {"Metrics": properties["Metrics"]}


provisioners._cw_metric_alarm_record = alarm_record_with_math

main()
