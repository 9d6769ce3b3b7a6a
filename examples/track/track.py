"""Tracks a video that HeyGen was just asked for: TABLE_NAME=… python3 track.py VIDEO_ID CALLBACK_ID"""

import os
import secrets
import sys
from datetime import datetime, timedelta, timezone

import boto3

# What an event or an earlier request wrote stays.
FIRST = ["kind", "entity_id", "status", "status_rank", "updated_at", "tracked_at", "due_shard"]


def text(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def track(client, table, video_id, callback_id, expected_by):
    """Writes what `recovery` writes for {"action": "track"}: the job's item, and the pointer from its callback_id."""
    now = datetime.now(timezone.utc)
    job = {"id": {"S": video_id}, "item": {"S": f"job#avatar_video#{video_id}"}}  # a "#" or "%" in an id is percent-encoded
    values = {
        "kind": {"S": "avatar_video"},
        "entity_id": {"S": video_id},
        "status": {"S": "pending"},
        "status_rank": {"N": "0"},
        "updated_at": {"S": text(now)},
        "tracked_at": {"S": text(now)},
        "due_shard": {"S": secrets.choice("0123456789abcdef")},
        "due_at": {"N": str(int(expected_by.timestamp()))},
        "expected_by": {"S": text(expected_by)},
        "callback_id": {"S": callback_id},
    }
    pointer = {"id": {"S": callback_id}, "item": {"S": f"pointer#{job['item']['S']}"}, "partition": job["id"], "job": job["item"]}
    try:
        write(client, table, job, values, pointer)
    except client.exceptions.TransactionCanceledException as cancelled:
        if cancelled.response["CancellationReasons"][0]["Code"] != "ConditionalCheckFailed":
            raise
        # Of several callback_ids of one video, the smallest stays.
        del values["callback_id"]
        write(client, table, job, values, pointer)


def write(client, table, job, values, pointer):
    sets = [f"#{name} = " + (f"if_not_exists(#{name}, :{name})" if name in FIRST else f":{name}") for name in values]
    update = {
        "TableName": table,
        "Key": job,
        "UpdateExpression": f"SET {', '.join(sets)} ADD times_tracked :one",
        "ExpressionAttributeNames": {f"#{name}": name for name in values},
        "ExpressionAttributeValues": {":one": {"N": "1"}, **{f":{name}": value for name, value in values.items()}},
    }
    if "callback_id" in values:
        update["ConditionExpression"] = "attribute_not_exists(callback_id) OR callback_id = :none OR callback_id >= :callback_id"
        update["ExpressionAttributeValues"][":none"] = {"S": ""}
    client.transact_write_items(TransactItems=[{"Update": update}, {"Put": {"TableName": table, "Item": pointer}}])


if __name__ == "__main__":
    in_an_hour = datetime.now(timezone.utc) + timedelta(hours=1)
    track(boto3.client("dynamodb"), os.environ["TABLE_NAME"], sys.argv[1], sys.argv[2], in_an_hour)
