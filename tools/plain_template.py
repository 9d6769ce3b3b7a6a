#!/usr/bin/env python3
"""Writes out the YAML aliases of a template: CloudFormation accepts none.

  plain_template.py print TEMPLATE   print the template without aliases
  plain_template.py check TEMPLATE   check that this is the same template; needs the SAM CLI's Python

Works on the text, so that comments stay. An anchor's value is the rest of its line and the lines below it that are indented more.
"""

import pathlib
import re
import sys

ANCHOR = re.compile(r"^(?P<head>(?P<indent> *)(- )?(\w+: )?)&(?P<name>[\w-]+)(?P<rest>.*)$")
ALIAS = re.compile(r"^(?P<head>(?P<indent> *)(- )?(\w+:)?) ?\*(?P<name>[\w-]+)$")


def written_out(text):
    anchors, lines = {}, []
    source = text.split("\n")
    for number, line in enumerate(source):
        if anchor := ANCHOR.match(line):
            indent = len(anchor["indent"])
            anchors[anchor["name"]] = (indent, anchor["rest"].strip(), block(source[number + 1:], indent))
            lines.append((anchor["head"] + anchor["rest"].strip()).rstrip())
        elif alias := ALIAS.match(line):
            if alias["name"] not in anchors:
                sys.exit(f"plain_template: line {number + 1}: write the anchor of *{alias['name']} before its tag and value")
            indent, rest, below = anchors[alias["name"]]
            shift = len(alias["indent"]) - indent
            lines.append(f"{alias['head'].rstrip()} {rest}".rstrip())
            lines += [shifted(line, shift) for line in below]
        else:
            lines.append(line)
    return "\n".join(lines)


def block(lines, indent):
    """The first lines that are indented more, without a comment or an empty line at their end."""
    below = []
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        below.append(line)
    while below and not below[-1].strip():
        below.pop()
    return below


def shifted(line, by):
    if not line.strip():
        return line
    return " " * by + line if by >= 0 else line[-by:]


def check(path):
    # Only here, because `make package` runs without them.
    import yaml
    from samcli.yamlhelper import yaml_parse

    text = path.read_text()
    plain = written_out(text)
    left = [token for token in yaml.scan(plain) if isinstance(token, (yaml.AnchorToken, yaml.AliasToken))]
    if left:
        sys.exit(f"plain_template: line {left[0].start_mark.line + 1} of the result has *{left[0].value} still")
    if yaml_parse(plain) != yaml_parse(text):
        sys.exit(f"plain_template: without its aliases, {path} is another template")


def main():
    action, path = sys.argv[1], pathlib.Path(sys.argv[2])
    if action == "check":
        check(path)
    else:
        print(written_out(path.read_text()), end="")


if __name__ == "__main__":
    main()
