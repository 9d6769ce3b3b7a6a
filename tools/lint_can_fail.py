#!/usr/bin/env python3
"""Breaks the template on purpose, once for each of its checks, and expects the check to report it.

Each break is one line, taken out or replaced. The check is the target that `make check` runs, and it must
name the defect: a check that fails for another reason proves nothing.

  lint_can_fail.py [CHECK…]   all, or only those of these checks
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRATCH = ROOT / "target/lint-can-fail"

# target of the Makefile, what is broken, the line, its replacement, what the check has to report
BREAKS = [
    ("lint-cfn", "a property that is required is missing",
     "      IntegrationType: AWS_PROXY\n", "", "E3003"),
    ("lint-cfn", "a function has no timeout, which the rules for serverless applications reject",
     "      Timeout: 300\n", "", "ES1006"),
    ("lint-sam", "all functions have an unknown property",
     "    Handler: bootstrap\n", "    Handlr: bootstrap\n", "'Handlr' is not a supported property"),
    ("lint-checkov", "the record cannot be restored to a point in time",
     "        PointInTimeRecoveryEnabled: true\n", "        PointInTimeRecoveryEnabled: false\n", "CKV_AWS_28"),
    ("lint-checkov", "the record is not encrypted with the key that is given",
     "          KMSMasterKeyId: !Ref KmsKeyArn\n", "", "CKV_AWS_119"),
    ("lint-cfn", "a queue policy covers another queue",
     "      Queues: [!Ref DeadLetters]\n", "      Queues: [!Ref DeadLetters, !Ref Queue]\n", "E9001"),
    ("lint-cfn", "a condition compares a number",
     "[!Ref QuietHours, \"0\"]]]\n", "[!Ref QuietHours, 0]]]\n", "E9002"),
    ("lint-cfn", "the concurrency of a queue's function can be 1",
     "AllowedPattern: \"0|[2-9]|", "AllowedPattern: \"0|[1-9]|", "E9003"),
    ("lint-cfn", "a queue's visibility timeout is too short",
     "{ Seconds: 1800 }", "{ Seconds: 1799 }", "E9004"),
    ("lint-cfn", "an alarm can evaluate more than a week",
     "|1[0-5][0-9]|16[0-8]\"", "|1[0-5][0-9]|16[0-9]\"", "E9005"),
    ("lint-cfn", "an alarm can evaluate no period",
     "  HasQuietAlarm: !And [!Condition HasAlarms, !Not [!Equals [!Ref QuietHours, \"0\"]]]\n",
     "  HasQuietAlarm: !Condition HasAlarms\n", "E9005"),
    ("lint-cfn", "an alarm rings when its metric has no values yet",
     "      Threshold: 1\n      TreatMissingData: notBreaching\n", "      Threshold: 1\n      TreatMissingData: breaching\n", "E9006"),
    ("lint-cfn", "a queue does not state its largest message",
     "      MaximumMessageSize: 1048576\n      MessageRetentionPeriod: 1209600 # 14 days\n",
     "      MessageRetentionPeriod: 1209600 # 14 days\n", "E9007"),
    ("lint-cfn", "a failed first deployment keeps the table",
     "    DeletionPolicy: RetainExceptOnCreate\n    Properties:\n      BillingMode",
     "    DeletionPolicy: Retain\n    Properties:\n      BillingMode", "E9008"),
    ("lint-cfn", "a parameter of a function publishes no version",
     " ${DedupeDays} ${MaxRetryWaitSeconds}\n", " ${MaxRetryWaitSeconds}\n", "a change of it is never published"),
    ("lint-cfn", "a version's description is not that of its function",
     "      Description: *receiver-version\n", "      Description: *processor-version\n", "the function has another description"),
    ("lint-cfn", "a version's description is too long",
     "Sub ${Release} ${Architecture} ${MemoryMegabytes} ${Tracing} ${LogLevel} ${Proc",
     "Sub " + 160 * "-" + "${Release} ${Architecture} ${MemoryMegabytes} ${Tracing} ${LogLevel} ${Proc", "characters: "),
    ("lint-cfn", "a role trusts any pipe of the account",
     "              ArnLike:\n                aws:SourceArn: !Sub arn:${AWS::Partition}:pipes:${AWS::Region}:${AWS::AccountId}:pipe/*\n",
     "", "E9009"),
    ("lint-cfn", "an action without resource is granted on one",
     "                Resource: \"*\" # It has no resource.\n", "                Resource: !GetAtt Table.StreamArn\n", "E9010"),
    ("lint-cfn", "a role has no permissions boundary",
     "  AdminRole:\n    Type: AWS::IAM::Role\n    Properties:\n      Path: !Ref RolePath\n"
     "      PermissionsBoundary: !If [HasBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]\n",
     "  AdminRole:\n    Type: AWS::IAM::Role\n    Properties:\n      Path: !Ref RolePath\n", "E9014"),
    ("lint-cfn", "concurrency is reserved by default",
     "0 to 1000\n    Default: \"0\"\n  ProcessorC", "0 to 1000\n    Default: \"5\"\n  ProcessorC", "E9012"),
    ("lint-cfn", "a domain without a certificate is not rejected",
     "    RuleCondition: !Not [!Equals [!Ref DomainName, \"\"]]\n", "    RuleCondition: !Equals [!Ref DomainName, \"-\"]\n", "E9013"),
    ("lint-cfn", "the template has another transform",
     "Transform: AWS::Serverless-2016-10-31\n", "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\n", "E9016"),
    ("lint-cfn", "the largest body does not fit into a request to Lambda",
     "    MaxValue: 4500000\n", "    MaxValue: 5000000\n", "E9017"),
    ("lint-cfn", "a secret is deleted with the stack",
     "  CallbackQuery:\n", "  Secret: { Type: AWS::SecretsManager::Secret }\n\n  CallbackQuery:\n", "E9018"),
    ("lint-cfn", "no output says what a domain's record has to point to",
     "    Value: !GetAtt Domain.RegionalHostedZoneId\n", "    Value: !Ref Domain\n", "E9019"),
    ("lint-cfn", "an alarm is on a metric that only REST APIs have",
     "      Namespace: AWS/ApiGateway\n      MetricName: 5xx\n", "      Namespace: AWS/ApiGateway\n      MetricName: 5XXError\n", "E9020"),
    ("lint-cfn", "the pipe holds a record until the stream deletes those behind it",
     "          MaximumRecordAgeInSeconds: 3600\n", "          MaximumRecordAgeInSeconds: 86400\n", "E9021"),
    ("lint-cfn", "a parameter changes the table's stream",
     "        StreamViewType: NEW_AND_OLD_IMAGES\n", "        StreamViewType: !If [HasKey, NEW_AND_OLD_IMAGES, NEW_IMAGE]\n", "E9022"),
    ("lint-policies", "an encrypted pipe may not describe its key",
     "                  Action: kms:DescribeKey\n", "                  Action: kms:Decrypt\n", "may not kms:DescribeKey"),
    ("lint-policies", "a role may not use the key for what it encrypts",
     "Action: [kms:Decrypt, kms:GenerateDataKey]\n", "Action: [kms:Decrypt]\n", "may not kms:GenerateDataKey"),
    ("lint-policies", "the pipe cannot read the stream",
     "dynamodb:GetShardIterator, dynamodb:GetRecords]", "dynamodb:GetShardIterator]", "may not dynamodb:GetRecords"),
    ("lint-policies", "Lambda cannot poll the queue",
     "[sqs:ReceiveMessage, sqs:DeleteMessage, ", "[sqs:ReceiveMessage, ", "may not sqs:DeleteMessage"),
    ("lint-policies", "a role allows what nothing needs",
     "sqs:GetQueueAttributes, sqs:ChangeMessageVisibility]", "sqs:GetQueueAttributes, sqs:ChangeMessageVisibility, sqs:PurgeQueue]",
     "no test takes it away"),
    ("lint-policies", "a role allows an action on everything that could be limited",
     "Action: events:PutEvents\n                Resource: !GetAtt Bus.Arn\n", "Action: events:PutEvents\n                Resource: \"*\"\n",
     "can be limited to event-bus"),
    ("lint-policies", "an action does not exist",
     "Action: events:PutEvents\n", "Action: [events:PutEvents, events:PutEvent]\n", "there is no action events:PutEvent"),
    ("lint-policies", "an action is granted on another kind of resource",
     "Action: [dynamodb:PutItem, dynamodb:UpdateItem]\n                Resource: !GetAtt Table.Arn\n",
     "Action: [dynamodb:PutItem, dynamodb:UpdateItem]\n                Resource: !GetAtt Table.StreamArn\n",
     "is not granted on ${Table.StreamArn}"),
    ("lint-policies", "admin may write jobs",
     "                    dynamodb:LeadingKeys: [!Sub \"admin#${AWS::StackName}/endpoints/\"]\n", "                    dynamodb:LeadingKeys: []\n",
     "has to be limited to admin"),
    ("lint-policies", "a role trusts a service that does not use it",
     "              Service: pipes.amazonaws.com\n", "              Service: [pipes.amazonaws.com, events.amazonaws.com]\n",
     "JobEventsRole: is used by"),
    ("lint-policies", "a role trusts the pipes of any account",
     "                aws:SourceArn: !Sub arn:${AWS::Partition}:pipes:${AWS::Region}:${AWS::AccountId}:pipe/*\n",
     "                aws:SourceArn: arn:aws:pipes:*:*:pipe/*\n", "has to be limited to this account"),
    ("lint-policies", "any rule may invoke a function",
     "      SourceArn: !GetAtt SyncRule.Arn\n", "", "SyncRule: 0 permissions"),
    ("lint-policies", "a permission to invoke is for nothing",
     "      FunctionName: !Ref Admin\n      Principal: events.amazonaws.com\n",
     "      FunctionName: !Ref Admin\n      Principal: sns.amazonaws.com\n",
     "RuleMayInvokeAdmin: nothing needs this permission"),
    ("lint-policies", "a queue accepts requests without TLS",
     "                aws:SecureTransport: \"false\"\n", "                aws:SecureTransport: \"true\"\n", "denies requests without TLS"),
    ("lint-policies", "alarms cannot publish to their topic",
     "    Condition: NeedsAlarmTopic\n", "    Condition: NeedsAlarmTopic\n    Properties: { KmsMasterKeyId: alias/aws/sns }\n",
     "AlarmTopic: alarms can publish"),
    ("lint-policies", "AWS cannot deliver the API's log",
     "LogGroupName: !Sub /aws/vendedlogs/${AWS::StackName}-api\n", "LogGroupName: !Sub /aws/api/${AWS::StackName}\n",
     "has to start with /aws/vendedlogs/"),
    ("lint-combinations", "a parameter has no values to try",
     "  Endpoints:\n    Description: >-\n", "  Unplaced: { Type: String, Default: \"\" }\n  Endpoints:\n    Description: >-\n",
     "Unplaced: give it values"),
    ("lint-combinations", "a parameter's largest value is more than AWS accepts",
     "    MaxValue: 60\n", "    MaxValue: 600\n", "600 is greater than the maximum of 300"),
    ("lint-combinations", "a rule without a permission exists only for some parameters",
     "  SyncRule:\n    Type: AWS::Events::Rule\n    Condition: IsScheduled\n",
     "  SyncRule:\n    Type: AWS::Events::Rule\n    Condition: HasApiKey\n", "SyncRule: 0 permissions"),
    ("lint-combinations", "a permission exists only for parameters that docs/permissions.md leaves out",
     "              - Effect: Allow\n                Action: sqs:SendMessage\n                Resource: !GetAtt DeadLetters.Arn\n",
     "              - Effect: Allow\n                Action: sqs:SendMessage\n"
     "                Resource: !If [HasDashboards, !GetAtt DeadLetters.Arn, !GetAtt UndeliveredJobEvents.Arn]\n",
     "which docs/permissions.md does not have"),
    ("lint-pipe", "a success after a failure is not published",
     "[\"pending\", \"failed\"]}}}}", "[\"pending\"]}}}}", "a record is not published and should be"),
    ("lint-pipe", "fresh links are published as a status change",
     "\"OldImage\": {\"status\": {\"S\": [{\"exists\": false}]}}}}", "\"OldImage\": {\"status\": {\"S\": [{\"exists\": false}, \"failed\"]}}}}",
     "a record is published and should not be"),
    ("lint-pipe", "the template has a path that not every item has",
     "<$.dynamodb.NewImage.job_event.M.links.M>", "<$.dynamodb.NewImage.links.M>", "$.dynamodb.NewImage.links.M leads nowhere"),
    ("lint-pipe", "an item without what the event is made of is published when its callback_id comes late",
     "\"callback_id\": {\"S\": [{\"anything-but\": [\"\"]}]},\n                    \"job_event\": {\"M\": {\"detail_type\": {\"S\": [{\"exists\": true}]}}}},\n",
     "\"callback_id\": {\"S\": [{\"anything-but\": [\"\"]}]}},\n", "a record is published and should not be"),
    ("lint-pipe", "each change after the end is published, not only the first callback_id",
     "\"OldImage\": {\"status\": {\"S\": [\"succeeded\", \"failed\"]}, \"callback_id\": {\"S\": [\"\"]}}}}",
     "\"OldImage\": {\"status\": {\"S\": [\"succeeded\", \"failed\"]}}}}", "a record is published and should not be"),
    ("lint-pipe", "a field has another field's value",
     "\"kind\": <$.dynamodb.NewImage.kind.S>", "\"kind\": <$.dynamodb.NewImage.event_type.S>", "the pipe makes another event"),
    ("lint-deployer", "the deployer may not create a new type of resource",
     "  CallbackQuery:\n", "  Key: { Type: AWS::KMS::Key }\n\n  CallbackQuery:\n", "kms:CreateKey is missing: AWS::KMS::Key"),
    ("lint-deployer", "the deployer may not pass a role to its service",
     "              Service: codedeploy.amazonaws.com\n", "              Service: [codedeploy.amazonaws.com, ecs.amazonaws.com]\n",
     "iam:PassRole has to be limited to"),
    ("lint-deployer", "the deployer may do what nothing needs",
     "    Type: AWS::Route53::RecordSet\n", "    Type: AWS::Logs::LogGroup\n", "Domain allows route53:GetChange, which nothing needs"),
    ("lint-cost", "a default changes that the documented costs are calculated with",
     "    MaxValue: 3008\n    Default: 256\n", "    MaxValue: 3008\n    Default: 512\n", "docs/operations.md is out of date"),
    ("lint-plain", "an alias cannot be written out for the released template",
     "              - &may-use-key !If\n", "              - !If &may-use-key\n", "the anchor of *may-use-key"),
    ("lint-version", "the template has another version than Cargo.toml",
     "    SemanticVersion: ", "    SemanticVersion: 9", "SemanticVersion in "),
]


def main():
    only = sys.argv[1:]
    SCRATCH.mkdir(parents=True, exist_ok=True)
    template = (ROOT / "template.yaml").read_text()
    silent = []
    for number, (check, what, old, new, message) in enumerate(BREAKS):
        if only and check not in only:
            continue
        if template.count(old) != 1:
            sys.exit(f"lint-can-fail: the line to break occurs {template.count(old)} times, not once: {old.strip()}")
        broken = SCRATCH / f"{number}-{check}.yaml"
        broken.write_text(template.replace(old, new))
        run = subprocess.run(
            ["make", "--no-print-directory", check, f"TEMPLATE={broken.relative_to(ROOT)}"],
            cwd=ROOT, capture_output=True, text=True)
        output = run.stdout + run.stderr
        line = next((line.strip() for line in output.splitlines() if message in line), None)
        if run.returncode and line:
            print(f"{check:13} fails when {what}:\n{'':13}   {line[:140]}")
        else:
            silent.append(f"{check} did not report it when {what}:\n{output}")
    if silent:
        sys.exit("lint-can-fail: " + "\nlint-can-fail: ".join(silent))


if __name__ == "__main__":
    main()
