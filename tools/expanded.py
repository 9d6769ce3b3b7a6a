#!/usr/bin/env python3
"""The template as CloudFormation sees it for given parameters: conditions decided, SAM's resources translated.

  expanded.py TEMPLATE [PARAMETER=VALUE…]   print it, with SAM's resources as they are

A parameter that is not given has its default. References to resources stay; everything else is a plain value.
Needs the environment of tools/requirements-lint.txt.
"""

import copy
import json
import logging
import os
import pathlib
import re
import sys

from samcli.yamlhelper import yaml_parse

PSEUDO = {
    "AWS::AccountId": "123456789012", "AWS::NotificationARNs": [], "AWS::Partition": "aws", "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/stack/1", "AWS::StackName": "stack", "AWS::URLSuffix": "amazonaws.com",
}
ABSENT = object()  # AWS::NoValue
VARIABLE = re.compile(r"\$\{([^!}]+)\}")


def load(path):
    return yaml_parse(pathlib.Path(path).read_text())


class Values:
    """The parameters of a template with their values, and what they decide."""

    def __init__(self, template, chosen):
        self.template = template
        parameters = template.get("Parameters", {})
        if unknown := set(chosen) - set(parameters):
            raise SystemExit(f"the template has no parameter {', '.join(sorted(unknown))}")
        self.bound = {**PSEUDO, "AWS::NoValue": ABSENT}
        for name, parameter in parameters.items():
            value = chosen.get(name, parameter.get("Default", ""))
            if parameter["Type"] == "Number":
                value = int(value)
            elif parameter["Type"] == "CommaDelimitedList":
                value = str(value).split(",")
            self.bound[name] = value

    def is_true(self, condition):
        if isinstance(condition, str):
            return self.is_true(self.template["Conditions"][condition])
        ((name, argument),) = condition.items()
        if name == "Condition":
            return self.is_true(argument)
        if name == "Fn::Equals":
            left, right = (str(self.fold(side)) for side in argument)
            return left == right
        decide = {"Fn::Not": lambda results: not results[0], "Fn::And": all, "Fn::Or": any}[name]
        return decide([self.is_true(part) for part in argument])

    def fold(self, value):
        """A value without conditions, parameters and mappings; ABSENT if it is left out."""
        if isinstance(value, list):
            return [part for part in map(self.fold, value) if part is not ABSENT]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return self.bound.get(argument, value)
            if name == "Fn::If":
                condition, then, otherwise = argument
                return self.fold(then if self.is_true(condition) else otherwise)
            if name == "Fn::FindInMap":
                mapping, key, entry = map(self.fold, argument)
                return self.template["Mappings"][mapping][str(key)][entry]
            if name == "Fn::Sub":
                return self.substituted(argument)
            if name == "Fn::Join":
                separator, parts = self.fold(argument)
                return separator.join(map(str, parts)) if all(isinstance(part, (str, int)) for part in parts) else {name: [separator, parts]}
        folded = {key: self.fold(part) for key, part in value.items()}
        return {key: part for key, part in folded.items() if part is not ABSENT}

    def substituted(self, argument):
        text, variables = (argument, {}) if isinstance(argument, str) else argument
        plain = {name: value for name, value in self.fold(variables).items() if isinstance(value, (str, int))}
        if len(plain) != len(variables):
            raise SystemExit(f"expanded.py does not know Fn::Sub with references in its map: {variables}")
        values = {**self.bound, **plain}
        result = VARIABLE.sub(lambda found: str(values.get(found[1], found[0])), text)
        return {"Fn::Sub": result} if VARIABLE.search(result) else result


def decided(template, chosen):
    """The template for these parameters, with SAM's resources as they are."""
    values = Values(template, chosen)

    def applying(section):
        entries = {name: entry for name, entry in template.get(section, {}).items() if "Condition" not in entry or values.is_true(entry["Condition"])}
        return {name: values.fold({key: part for key, part in entry.items() if key != "Condition"}) for name, entry in entries.items()}

    result = {key: part for key, part in template.items() if key not in ("Parameters", "Rules", "Mappings", "Conditions", "Metadata")}
    result["Resources"] = applying("Resources")
    result["Outputs"] = applying("Outputs")
    return {**result, "Globals": values.fold(template.get("Globals", {}))}


def rejections(template, chosen):
    """What the template's Rules say against these parameters."""
    values = Values(template, chosen)
    applied = [rule for rule in template.get("Rules", {}).values() if values.is_true(rule.get("RuleCondition", {"Fn::Equals": ["", ""]}))]
    return [each["AssertDescription"] for rule in applied for each in rule["Assertions"] if not values.is_true(each["Assert"])]


def translated(template):
    """What SAM makes of a decided template."""
    # It is imported only here, because it takes half a second.
    from samtranslator.translator.transform import transform

    os.environ["AWS_DEFAULT_REGION"] = PSEUDO["AWS::Region"]
    logging.getLogger("samtranslator").setLevel(logging.CRITICAL)
    source = copy.deepcopy(template)
    for resource in source["Resources"].values():
        if "CodeUri" in resource.get("Properties", {}):
            resource["Properties"]["CodeUri"] = "s3://bucket/code"
    result = transform(source, {}, None)
    return {key: part for key, part in result.items() if key != "Transform"}


def symbolic(value):
    """The same with each reference to a resource as a text, ${Queue} or ${Queue.Arn}, so that values can be compared."""
    if isinstance(value, list):
        return [symbolic(part) for part in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Ref":
            return f"${{{argument}}}"
        if name == "Fn::GetAtt":
            return f"${{{argument if isinstance(argument, str) else '.'.join(argument)}}}"
        if name == "Fn::Sub":
            return argument
        if name == "Fn::Join":
            return argument[0].join(map(str, symbolic(argument[1])))
    return {key: symbolic(part) for key, part in value.items()}


def main():
    chosen = dict(argument.split("=", 1) for argument in sys.argv[2:])
    print(json.dumps(decided(load(sys.argv[1]), chosen), indent=2))


if __name__ == "__main__":
    main()
