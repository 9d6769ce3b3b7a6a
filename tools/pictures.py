#!/usr/bin/env python3
"""Draws the dashboards of template.yaml as docs/dashboards.svg: where each widget is and what it shows.

  pictures.py write   draw it
  pictures.py check   fail if it is out of date

Needs PyYAML: `make pictures` runs it with that of the linters.
"""

import html
import json
import pathlib
import re
import sys
import textwrap

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/dashboards.svg"
COLUMN, ROW, GAP, HEAD = 40, 22, 3, 44  # in pixels; a dashboard has 24 columns
STYLE = """.page{fill:#fff}.widget{fill:#f6f8fa;stroke:#8c959f}.text{fill:#ddf4ff;stroke:#0969da}.log{fill:#fff8c5;stroke:#9a6700}
text{fill:#1f2328}.h{font-size:18px;font-weight:600}.b{font-size:13px;font-weight:600}.s{font-size:11px;fill:#57606a}"""


class Template(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their content."""


def short_form(loader, _, node):
    construct = {"scalar": loader.construct_scalar, "sequence": loader.construct_sequence}
    return construct.get(node.id, loader.construct_mapping)(node)


Template.add_multi_constructor("!", short_form)


def dashboards():
    template = yaml.load((ROOT / "template.yaml").read_text(), Template)
    for resource in template["Resources"].values():
        if isinstance(resource, dict) and resource.get("Type") == "AWS::CloudWatch::Dashboard":
            properties = resource["Properties"]
            name = properties["DashboardName"].replace("${AWS::StackName}", "STACK")
            yield name, json.loads(properties["DashboardBody"])["widgets"]


def series(row):
    """A line of a graph, in words."""
    if isinstance(row[0], dict):
        found = re.search(r"\{[^,]+,Stack,(\w+)\} MetricName=\"(\w+)\"", row[0]["expression"])
        return f"{found[2]} by {found[1]}"
    options = row[-1] if isinstance(row[-1], dict) else {}
    return options.get("label", row[1])


def columns_of(query):
    """What a table of log lines shows."""
    if fields := re.search(r"fields ([^|]+)", query):
        return fields[1]
    values, groups = re.search(r"stats (.+?) by ([^|]+)", query).groups()
    return ", ".join([group.split()[-1] for group in groups.split(",")] + re.findall(r" as (\w+)", values))


def contents(widget):
    """The heading and the lines of a widget."""
    properties = widget["properties"]
    if widget["type"] == "text":
        lines = properties["markdown"].replace("${AWS::StackName}", "STACK").replace("*", "").lstrip("# ").split("\n")
        return lines[0], lines[1:]
    if widget["type"] == "log":
        columns = columns_of(properties["query"])
        return properties["title"], [f"table: {columns.strip()}"]
    return properties["title"], [series(row) for row in properties["metrics"]]


def draw(widget, top):
    x, y = widget["x"] * COLUMN + GAP, top + widget["y"] * ROW + GAP
    width, height = widget["width"] * COLUMN - 2 * GAP, widget["height"] * ROW - 2 * GAP
    kind = widget["type"] if widget["type"] in ("text", "log") else "widget"
    heading, lines = contents(widget)
    most = width // 6
    if kind == "text":
        heading, *rest = textwrap.wrap(heading, most)
        lines = rest + [part for line in lines for part in textwrap.wrap(line, most)]
    yield f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>'
    small = height < 2 * ROW
    yield f'<text class="{"s" if small else "b"}" x="{x + 8}" y="{y + (height + 8) // 2 if small else y + 17}">{html.escape(heading)}</text>'
    room = max(0, (height - 22) // 14)
    for number, line in enumerate(lines[:room]):
        yield f'<text class="s" x="{x + 8}" y="{y + 33 + 14 * number}">{html.escape(textwrap.shorten(line, most))}</text>'


def picture():
    parts, top = [], 0
    for name, widgets in dashboards():
        parts.append(f'<text class="h" x="8" y="{top + 28}">{html.escape(name)}</text>')
        for widget in widgets:
            parts.extend(draw(widget, top + HEAD))
        top += HEAD + ROW * max(widget["y"] + widget["height"] for widget in widgets) + GAP
    size = f'viewBox="0 0 {24 * COLUMN} {top}"'
    label = 'role="img" aria-label="The two dashboards: for people who wait for videos, and for operators"'
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="ui-sans-serif, system-ui, Helvetica, Arial, sans-serif" {label}>',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{24 * COLUMN}" height="{top}"/>',
        *parts,
        "</svg>\n",
    ])


if __name__ == "__main__":
    action = (sys.argv[1:2] or ["check"])[0]
    if action == "write":
        PICTURE.write_text(picture())
    elif action == "check":
        if not PICTURE.exists() or PICTURE.read_text() != picture():
            sys.exit("docs/dashboards.svg is out of date: run `make pictures`")
        print("pictures: docs/dashboards.svg matches the template")
    else:
        sys.exit(__doc__)
