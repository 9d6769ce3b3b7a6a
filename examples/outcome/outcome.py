"""Prints the jobs of one order, a line of JSON each: TABLE_NAME=… python3 outcome.py CALLBACK_ID"""

import json
import os
import sys

import boto3
from boto3.dynamodb.conditions import Key


def jobs_of(table, callback_id):
    """The jobs that were started with this callback_id. Those of its videos, translations, … that HeyGen reported
    without a callback_id are among them; those with another one are not."""
    order = list(items(table, callback_id))
    # A partition per video, translation, …, each with the jobs that events with this callback_id named there.
    partitions = {callback_id: set()}
    for item in order:
        if item["item"].startswith("pointer#"):
            partitions.setdefault(item["partition"], set()).add(item.get("job"))
    for partition, named in partitions.items():
        for item in order if partition == callback_id else items(table, partition):
            is_of_order = item.get("callback_id", "") in ("", callback_id) or item["item"] in named
            if item["item"].startswith("job#") and is_of_order:
                yield item


def items(table, partition):
    """Jobs and pointers, page by page. Events are not read: their keys come before job#."""
    query = {
        "KeyConditionExpression": Key("id").eq(partition) & Key("item").gte("job#"),
        "ConsistentRead": True,
    }
    while True:
        page = table.query(**query)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


if __name__ == "__main__":
    for job in jobs_of(boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"]), sys.argv[1]):
        shown = ["kind", "entity_id", "output_language", "status", "links", "failure", "reason"]
        print(json.dumps({name: job[name] for name in shown if name in job}))
