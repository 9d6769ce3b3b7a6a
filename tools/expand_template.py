#!/usr/bin/env python3
"""Prints the template with its conditions decided, for tools that do not know them.

  expand_template.py TEMPLATE [PARAMETER=VALUE…]

What depends on a parameter is decided for the value that is given, or for the default.
Needs the SAM CLI's own environment, whose code decides as CloudFormation does.
"""

import json
import pathlib
import sys

from samcli.lib.cfn_language_extensions.sam_integration import expand_language_extensions
from samcli.yamlhelper import yaml_parse

template = yaml_parse(pathlib.Path(sys.argv[1]).read_text())
# The SAM CLI decides conditions only under this transform.
template["Transform"] = ["AWS::LanguageExtensions", template["Transform"]]
parameters = dict(argument.split("=", 1) for argument in sys.argv[2:])
print(json.dumps(expand_language_extensions(template, parameters, enabled=True).expanded_template, indent=2))
