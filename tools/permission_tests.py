"""The end-to-end tests that take one action away from a role of a running stack, found in their source.

Such a test calls `Without::new(&stack, POLICY, ACTION, PART_OF_RESOURCE)`, or a function that passes its own arguments on to it.
"""

import pathlib
import re
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "tests/e2e").glob("permissions*.rs"))
CONSTANTS = ROOT / "crates/local/src"
FUNCTION = re.compile(r"^(?:pub )?fn (\w+)\(([^)]*)\)[^{;]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
CONSTANT = re.compile(r'const (\w+): &str = "([^"]*)";')


@dataclass(frozen=True)
class PermissionTest:
    name: str
    policy: str
    action: str
    resource_with: str

    def covers(self, grant):
        same = (self.policy, self.action) == (grant.policy, grant.action)
        return same and self.resource_with.lower() in grant.resource.lower()


def calls(body, name):
    """The arguments of each call of a function."""
    for found in re.finditer(rf"\b{name}\(", body):
        passed, part, depth = [], "", 1
        for char in body[found.end():]:
            depth += (char in "([{") - (char in ")]}")
            if depth == 0 or (depth == 1 and char == ","):
                passed.append(part.strip())
                part = ""
            else:
                part += char
            if depth == 0:
                break
        yield passed


def literal(text, constants):
    found = re.fullmatch(r'"([^"]*)"', text)
    return found[1] if found else constants.get(text)


def all_tests():
    constants = {name: value for source in CONSTANTS.rglob("*.rs") for name, value in CONSTANT.findall(source.read_text())}
    functions = {
        name: ([each.split(":")[0].strip() for each in parameters.split(",")], body)
        for source in SOURCES for name, parameters, body in FUNCTION.findall(source.read_text())
    }
    found = set()
    for name, (parameters, body) in functions.items():
        for _, *given in calls(body, "Without::new"):
            values = [literal(each, constants) for each in given]
            if all(values):
                found.add(PermissionTest(name, *values))
            else:
                found.update(through(functions, name, parameters, given, constants))
    return sorted(found, key=lambda test: (test.name, test.action))


def through(functions, helper, parameters, given, constants):
    """The tests that call a helper, with what they pass on."""
    for name, (_, body) in functions.items():
        for call in calls(body, helper):
            passed = dict(zip(parameters, call))
            values = [literal(passed.get(each, each), constants) for each in given]
            if name != helper and all(values):
                yield PermissionTest(name, *values)
