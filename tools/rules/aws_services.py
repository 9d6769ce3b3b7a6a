"""More of what no other check reports: what single services lose, reject or never show. `make lint-can-fail` breaks each."""

import math
import pathlib
import sys

from cfnlint.rules import CloudFormationLintRule, RuleMatch

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from aws_traps import Trap, only, walk  # noqa: E402

SERVERLESS = "AWS::Serverless-2016-10-31"
# Lambda's limit for a request, the API's for all headers, and what is in an event beside headers and body.
PAYLOAD, HEADERS, EVENT = 6 * 1024 * 1024, 10_240, 4_096
STREAM_KEEPS = 86_400
API_METRICS = {"4xx", "5xx", "Count", "DataProcessed", "IntegrationLatency", "Latency"}


class OneTransform(CloudFormationLintRule):
    id, tags, source_url = "E9016", ["aws"], Trap.source_url
    shortdesc = description = "The template has no transform but SAM's: the Serverless Application Repository accepts no other"

    def match(self, cfn):
        if cfn.template.get("Transform", SERVERLESS) != SERVERLESS:
            yield RuleMatch(["Transform"], f"the only transform has to be {SERVERLESS}")


class LargestBody(CloudFormationLintRule):
    id, tags, source_url = "E9017", ["aws"], Trap.source_url
    shortdesc = description = "The largest body, in base64, fits into what Lambda accepts"

    def match(self, cfn):
        largest = cfn.template.get("Parameters", {}).get("MaxBodyBytes", {}).get("MaxValue", 0)
        size = 4 * math.ceil(largest / 3) + HEADERS + EVENT
        if size > PAYLOAD:
            yield RuleMatch(["Parameters", "MaxBodyBytes", "MaxValue"], f"a request has {size} bytes then, and Lambda accepts {PAYLOAD}")


class SecretsOutliveTheStack(Trap):
    id, type = "E9018", "AWS::SecretsManager::Secret"
    shortdesc = description = "No secret is a resource: CloudFormation deletes a secret without a recovery window"

    def problems(self, *_):
        yield [], "CloudFormation deletes a secret without a recovery window"


class DnsOfADomain(CloudFormationLintRule):
    id, tags, source_url = "E9019", ["aws"], Trap.source_url
    shortdesc = description = "Outputs say what the DNS record of a domain has to point to"

    def match(self, cfn):
        shown = [output["Value"] for output in cfn.template.get("Outputs", {}).values()]
        for name in cfn.get_resources(["AWS::ApiGatewayV2::DomainName"]):
            for attribute in ("RegionalDomainName", "RegionalHostedZoneId"):
                if {"Fn::GetAtt": [name, attribute]} not in shown:
                    yield RuleMatch(["Resources", name], f"{name}: no output has {attribute}, which the record needs")


class MetricsOfAnApi(Trap):
    id, type = "E9020", "AWS::CloudWatch::Alarm"
    shortdesc = description = "An alarm of an HTTP API is on a metric that HTTP APIs have"

    def problems(self, _, properties, __):
        for path, metric in walk(properties, ("Properties",)):
            if metric.get("Namespace") == "AWS/ApiGateway":
                dimensions = {dimension["Name"] for dimension in metric["Dimensions"]}
                if metric["MetricName"] not in API_METRICS or "ApiId" not in dimensions:
                    yield path, f"HTTP APIs have the metrics {', '.join(sorted(API_METRICS))}, by ApiId"


class PipeGivesUp(Trap):
    id, type = "E9021", "AWS::Pipes::Pipe"
    shortdesc = description = "A record that the target never accepts leaves the pipe before the stream deletes those behind it"

    def problems(self, _, properties, __):
        stream = properties["SourceParameters"]["DynamoDBStreamParameters"]
        age = stream.get("MaximumRecordAgeInSeconds", -1)
        if not 0 < age <= STREAM_KEEPS / 2 or not only(stream.get("DeadLetterConfig", {}).get("Arn"), "Fn::GetAtt"):
            yield ["Properties", "SourceParameters"], "it needs a dead-letter queue, and a largest age of at most half a day"


class StreamStays(Trap):
    id, type = "E9022", "AWS::DynamoDB::Table"
    shortdesc = description = "No parameter changes a table's stream: a pipe keeps reading the stream that was there before"

    def problems(self, _, properties, __):
        for path, part in walk(properties.get("StreamSpecification", {}), ("Properties", "StreamSpecification")):
            if any(name == "Ref" or name.startswith("Fn::") for name in part):
                yield path, "the pipe would keep reading the old stream"
