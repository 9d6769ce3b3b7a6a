#!/usr/bin/env python3
"""Checks which records of the table's stream the pipe publishes, and what it makes of them.

  pipe.py [TEMPLATE]

Every shape of record is matched against the template's filters by moto's implementation of event patterns, which has nothing in
common with the one that the local AWS uses. What should be published is computed by `is_published`, from docs/reference.md.
"""

import itertools
import json
import pathlib
import re
import sys

import expanded
from moto.events.models import EventPattern

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = sorted((ROOT / "events/eventbridge").glob("*job-*ed*.json"))
RANK = {"pending": 0, "failed": 1, "succeeded": 2}
ENDED = ("failed", "succeeded")
# Kinds of HeyGen carry no platform.
TITLES = {"synthesia": "Synthesia", "elevenlabs": "ElevenLabs", "tavus": "Tavus", "did": "D-ID"}
PATH = re.compile(r"<?(\$(?:\.\w+)+)>?")
STREAM_RECORD = {
    "eventID": "1", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
    "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/table/stream/2026-11-21T00:00:00.000",
}
BY_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def texts(values):
    return {name: {"S": value} for name, value in values.items()}


def job_item(detail):
    """The item whose change is published as this event, with the attributes of docs/reference.md."""
    ours = {name: value for name, value in detail.items() if isinstance(value, str) and name not in ("version", "output_language", "reason")}
    item = texts({**ours, "decided_by": "event#1", "endpoint": "main"})
    item["status_rank"] = {"N": str(RANK[detail["status"]])}
    item |= {name: {"M": detail[name]} for name in ("links", "failure") if detail[name]}
    item |= texts({name: detail[name] for name in ("reason", "output_language") if detail[name]})
    title = TITLES.get(detail["kind"].split(".")[0], "HeyGen")
    item["job_event"] = {"M": {
        "detail_type": {"S": f"{title} Job {detail['status'].capitalize()}"}, "links": {"M": detail["links"]},
        "failure": {"M": detail["failure"]}, "reason": {"S": detail["reason"]}, "output_language": {"S": detail["output_language"]},
    }}
    return item


def images(detail):
    """Each shape of a job's item: absent, with a team's own attributes only, and in every status."""
    key = texts({"id": detail["id"], "item": detail["item"]})
    yield None
    yield {**key, "note": {"S": "a team's own"}}
    marks = itertools.product(RANK, ("", "b", "c"), (False, True), (False, True), (False, True))
    for status, callback_id, own, has_job_event, is_replayed in marks:
        item = job_item({**detail, "status": status, "callback_id": callback_id})
        if own:
            item["note"] = {"S": "a team's own"}
        if not has_job_event:
            del item["job_event"]
        if is_replayed:
            item["replayed_at"] = {"S": "2026-11-22T03:40:00.000Z"}
        yield item


def value(image, name):
    return image[name]["S"] if image and name in image else None


def can_happen(old, new):
    """A status never goes back, and neither does a callback_id; what the processor has written stays."""
    if not old or not new:
        return old != new
    if value(old, "status") is None:
        return True
    if value(new, "status") is None or RANK[value(new, "status")] < RANK[value(old, "status")]:
        return False
    before, after = value(old, "callback_id"), value(new, "callback_id")
    return after == before or (after != "" and (before == "" or after < before))


def is_published(old, new):
    """A job ended otherwise than it had before, has its first callback_id after it ended, or is told again. Not without what the event
    is made of."""
    if not new or not value(new, "item").startswith("job#") or "job_event" not in new or value(new, "status") not in ENDED:
        return False
    if value(old, "status") != value(new, "status"):
        return True
    if "replayed_at" in new and "replayed_at" not in old:
        return True
    return value(old, "callback_id") == "" and value(new, "callback_id") != ""


def record(old, new, **more):
    name = "INSERT" if not old else "MODIFY" if new else "REMOVE"
    key = {name: (new or old)[name] for name in ("id", "item")}
    change = {"Keys": key, "SequenceNumber": "1", "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES", "ApproximateCreationDateTime": 1.0}
    change |= {"OldImage": old} if old else {}
    change |= {"NewImage": new} if new else {}
    return {**STREAM_RECORD, "eventName": name, "dynamodb": change, **more}


def records(detail):
    """Each shape of record about a job's item, and about others that look like one, with what should happen to it."""
    for old, new in itertools.product(images(detail), repeat=2):
        if can_happen(old, new):
            yield record(old, new), is_published(old, new)
            for prefix in ("event#", "pointer#", "note#"):
                other = [image and {**image, "item": {"S": prefix + value(image, "item")}} for image in (old, new)]
                yield record(*other), False
        if old and not new:
            yield record(old, new, userIdentity=BY_TTL), False


def at(found, path):
    for name in path.split(".")[1:]:
        if not isinstance(found, dict) or name not in found:
            raise KeyError(path)
        found = found[name]
    return found


def described(found):
    shown = {name: {key: value(found["dynamodb"].get(name), key) for key in ("item", "status", "callback_id")} for name in ("OldImage", "NewImage")}
    return f"{found['eventName']} {json.dumps(shown)}"


def main():
    template = expanded.load(ROOT / (sys.argv[1] if len(sys.argv) > 1 else "template.yaml"))
    resources = template["Resources"]
    (pipe,) = (each["Properties"] for each in resources.values() if each["Type"] == "AWS::Pipes::Pipe")
    patterns = [EventPattern.load(each["Pattern"]) for each in pipe["SourceParameters"]["FilterCriteria"]["Filters"]]
    target = pipe["TargetParameters"]
    paths = [target["EventBridgeEventBusParameters"]["DetailType"], *PATH.findall(target["InputTemplate"])]
    problems, count, published = set(), 0, 0
    for sample in SAMPLES:
        event = json.loads(sample.read_text())
        for found, expected in records(event["detail"]):
            count, passes = count + 1, any(pattern.matches_event(found) for pattern in patterns)
            if passes != expected:
                problems.add(f"a record is {'published and should not be' if passes else 'not published and should be'}: {described(found)}")
            if passes:
                published += 1
                for path in paths:
                    try:
                        at(found, path)
                    except KeyError:
                        problems.add(f"{path} leads nowhere: {described(found)}")
        made = record(None, job_item(event["detail"]))
        try:
            detail = json.loads(PATH.sub(lambda path: json.dumps(at(made, path[1])), target["InputTemplate"]))
            if (at(made, paths[0]), detail) != (event["detail-type"], event["detail"]):
                problems.add(f"{sample.name}: the pipe makes another event: {json.dumps(detail)}")
        except KeyError as missing:
            problems.add(f"{sample.name}: {missing.args[0]} leads nowhere")
    if problems:
        sys.exit(f"pipe: {len(problems)} problems\npipe: " + "\npipe: ".join(sorted(problems, key=lambda text: ("published" not in text, text))[:20]))
    print(f"pipe: {count} shapes of records from {len(SAMPLES)} samples; {published} are published, and have all {len(paths)} paths")


if __name__ == "__main__":
    main()
