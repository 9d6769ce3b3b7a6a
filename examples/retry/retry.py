"""Starts failed HeyGen jobs again, with the same callback_id.

It takes them from the queue of ../retry.yaml. The application tracks each job when it starts it, and keeps its own request to HeyGen
with it: {"action": "track", …, "attributes": {"request": {"path": "/v3/…", "body": {…}}}}. That request is sent again.

  QUEUE_URL=… TABLE_NAME=… RECOVERY_FUNCTION=… HEYGEN_API_KEY=… python3 retry.py [--once]
"""

import json
import os
import sys
import urllib.request

import boto3

MAX_ATTEMPTS = int(os.environ.get("MAX_ATTEMPTS", "3"))
# Where HeyGen's response has the id of the new job.
ID_AT = os.environ.get("ID_AT", "data.video_id").split(".")
BASE_URL = os.environ.get("HEYGEN_BASE_URL", "https://api.heygen.com")
# HeyGen documents no reasons of failed jobs: these are words that they usually have.
NO_CREDIT = ["credit", "quota", "payment", "balance", "billing"]
MAY_PASS = ["timeout", "timed out", "time out", "internal", "try again", "unavailable", "rate limit", "overload"]


def reason(failure):
    """Whether the same job may succeed. What is not known will not pass, so that nothing is paid for again and again."""
    text = " ".join(value["S"] for value in failure.values()).lower().replace("_", " ").replace("-", " ")
    if any(word in text for word in NO_CREDIT):
        return "no_credit"
    return "may_pass" if any(word in text for word in MAY_PASS) else "will_not_pass"


def number(decimal):
    """What boto3 reads from the table, as JSON has it."""
    return int(decimal) if decimal == int(decimal) else float(decimal)


def start(request, key):
    """Sends a request to HeyGen, and returns the id of the new job."""
    headers = {"Content-Type": "application/json", "X-Api-Key": os.environ["HEYGEN_API_KEY"], "Idempotency-Key": key}
    body = json.dumps(request["body"], default=number).encode()
    with urllib.request.urlopen(urllib.request.Request(BASE_URL + request["path"], body, headers), timeout=30) as response:
        found = json.load(response)
    for step in ID_AT:
        found = found[int(step)] if isinstance(found, list) else found[step]
    return found


def handle(job, table, track):
    """True if the message is done with. Handled twice, it does nothing more the second time."""
    key = {"id": job["id"], "item": job["item"]}
    item = table.get_item(Key=key, ConsistentRead=True).get("Item", {})
    if item.get("status") != "failed" or "retried_as" in item or "given_up" in item:
        return True
    why, attempt = reason(job["failure"]), int(item.get("attempt", 1))
    if why == "no_credit":
        return False  # It waits on the queue; after its last receive it is in the dead-letter queue.
    if why == "will_not_pass" or attempt >= MAX_ATTEMPTS or "request" not in item:
        set_on(table, key, "given_up", "too many attempts" if why == "may_pass" and "request" in item else why)
        return True
    # The same key for the same failure: a repetition of the request starts no second job, if HeyGen recognises it.
    entity = start(item["request"], f"retry-{job['identity']}")
    track({"callback_id": job["callback_id"], "kind": job["kind"], "entity_id": entity,
           "attributes": {"request": item["request"], "attempt": attempt + 1}})
    set_on(table, key, "retried_as", entity)
    return True


def set_on(table, key, name, value):
    """Writes one of our own attributes on the job's item."""
    table.update_item(Key=key, UpdateExpression="SET #name = :value", ExpressionAttributeNames={"#name": name},
                      ExpressionAttributeValues={":value": value})


def main(once):
    sqs, functions = boto3.client("sqs"), boto3.client("lambda")
    table, queue = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"]), os.environ["QUEUE_URL"]

    def track(job):
        payload = json.dumps({"action": "track", **job}, default=number)
        reply = functions.invoke(FunctionName=os.environ["RECOVERY_FUNCTION"], Payload=payload)
        if "FunctionError" in reply:
            raise RuntimeError(f"the job could not be tracked: {reply['Payload'].read().decode()}")

    while True:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", [])
        for message in messages:
            job = json.loads(message["Body"])
            try:
                if handle(job, table, track):
                    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            except Exception as error:  # One job must not stop the others: it is received again.
                print(f"{job['callback_id']}: {error}", file=sys.stderr)
        if once and not messages:
            return


if __name__ == "__main__":
    main("--once" in sys.argv)
