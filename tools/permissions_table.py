"""Writes docs/permissions.md: each permission of the template, why it is needed, and what notices when it is gone."""

import re

from policy_rules import ACCOUNT
from policy_stack import MANAGED, REFERENCE

INTRODUCTION = """# Permissions

Every permission in `template.yaml`, and which check fails if it is removed. `make lint-policies` derives from the resources what AWS's documents
ask for, and removes each permission in turn: with the default parameters, a customer key, an API key by its ARN, and all features switched on.
The rules and their sources are in `tools/policy_rules.py`. What a function's own code calls is removed by an end-to-end test, from the role of a
running stack. The check also fails for a permission that neither a rule nor a test needs. `make permissions` writes this page.
"""

# What the parameters of policies.py make of the template, and what a reader knows it as.
SHOWN = {
    "secret:stack/": "secret:STACK/", "secret:heygen-api-key-??????": "secret:ApiKeySecret-??????",
    "secret:heygen-api-key-AbCdEf": "ApiKeySecretArn", "parameter/heygen/endpoints": "parameter/EndpointsParameter", "key/": "",
}


def document(table):
    rows = {}
    for (kind, where, action, on), row in table.items():
        rows.setdefault(kind, []).append((where, action, on, row))
    return INTRODUCTION + section(
        "What the roles may do", ("role", "action", "on", "why it is needed", "noticed by"),
        [(code(where), code(action), resource(on), why(row), noticed(row)) for where, action, on, row in rows["action"]],
    ) + section(
        "Who may assume the roles", ("role", "what is removed", "noticed by"),
        [(code(where), f"the statement for {code(row['what']['Principal']['Service'])}", noticed(row)) for where, _, _, row in rows["trust"]]
        + [(code(where), f"the condition {code(action)}", noticed(row)) for where, action, _, row in rows["condition"]],
    ) + section(
        "Who may invoke a function", ("resource", "principal", "function", "noticed by"),
        [(code(where), code(row["what"]["Principal"]), resource(row["what"]["FunctionName"]), noticed(row))
         for where, _, _, row in rows["permission"]],
    ) + section(
        "Queue policies", ("resource", "queue", "what it denies", "noticed by"),
        [(code(where), resource(row["what"]["Queues"][0]), "requests without TLS", noticed(row)) for where, _, _, row in rows["queue policy"]],
    )


def section(title, heads, lines):
    table = [f"| {' | '.join(cells)} |\n" for cells in (heads, *sorted(lines))]
    table.insert(1, "|" + "---|" * len(heads) + "\n")
    return f"\n## {title}\n\n" + "".join(table)


def code(text):
    return text if text == MANAGED else f"`{text}`"


def resource(arn):
    """An ARN as a reader knows it: the template's name, or the part after the account."""
    found = REFERENCE.fullmatch(arn)
    if found:
        return code(found[1] + (".StreamArn" if found[2] == "StreamArn" else ""))
    short = re.sub(rf"^arn:aws:[a-z]+:[a-z0-9-]*:(?:{ACCOUNT}|aws)?:", "", arn)
    for found, shown in SHOWN.items():
        short = short.replace(found, shown)
    return code(short)


def why(row):
    return "; ".join(sorted(row["why"])) or "the function's code calls it"


def noticed(row):
    rules = [f"rule *{rule}*" for rule in sorted(row["rules"])]
    return ", ".join(rules + [code(test) for test in sorted(row["tests"])])
