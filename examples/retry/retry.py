"""Starts failed HeyGen jobs again, with the same callback_id.

It takes them from the two queues of ../retry.yaml. The application tracks each job when it starts it, and keeps its own request to
HeyGen with it: {"action": "track", …, "attributes": {"request": {"path": "/v3/…", "body": {…}}}}. That request is sent again.

  QUEUE_URL=… CREDIT_QUEUE_URL=… TABLE_NAME=… RECOVERY_FUNCTION=… HEYGEN_API_KEY=… python3 retry.py [--once]
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

import boto3

MAX_ATTEMPTS = int(os.environ.get("MAX_ATTEMPTS", "3"))
# Jobs that wait for credit are started again when more than this is left, in credits or USD.
MIN_CREDIT = float(os.environ.get("MIN_CREDIT", "0"))
# How often HeyGen is asked for it, in seconds.
CREDIT_INTERVAL = 60
# Where HeyGen's response has the id of the new job.
ID_AT = os.environ.get("ID_AT", "data.video_id").split(".")
BASE_URL = os.environ.get("HEYGEN_BASE_URL", "https://api.heygen.com")


class NoCredit(Exception):
    """HeyGen does not start the job, because no credit is left."""


def call(path, body=None, headers=()):
    """A call to HeyGen: a POST if there is a body."""
    data = None if body is None else json.dumps(body, default=number).encode()
    headers = {"Content-Type": "application/json", "X-Api-Key": os.environ["HEYGEN_API_KEY"], **dict(headers)}
    try:
        with urllib.request.urlopen(urllib.request.Request(BASE_URL + path, data, headers), timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        if error.code == 402:
            raise NoCredit from error
        raise


def number(decimal):
    """What boto3 reads from the table, as JSON has it."""
    return int(decimal) if decimal == int(decimal) else float(decimal)


def has_credit(account):
    """Whether enough is left, in each of HeyGen's forms of billing. An unknown form has: HeyGen refuses the job if it has not."""
    form = account.get(account.get("billing_type")) or {}
    left = [form.get("remaining_balance"), form.get("remaining_credits")]
    left += [credits.get("remaining") for credits in (form.get("credits") or {}).values() if credits]
    if form.get("spending_cap_usd") is not None:
        left.append(float(form["spending_cap_usd"]) - float(form.get("spending_current_usd") or 0))
    left = [float(amount) for amount in left if amount is not None]
    return not left or max(left) > MIN_CREDIT


def start(request, key):
    """Sends a request to HeyGen, and returns the id of the new job."""
    found = call(request["path"], request["body"], {"Idempotency-Key": key})
    for step in ID_AT:
        found = found[int(step)] if isinstance(found, list) else found[step]
    return found


def handle(job, table, track):
    """Starts the job again, unless that is done or given up. Handled twice, it does nothing more the second time."""
    key = {"id": job["id"], "item": job["item"]}
    item = table.get_item(Key=key, ConsistentRead=True).get("Item", {})
    if item.get("status") != "failed" or "retried_as" in item or "given_up" in item:
        return
    attempt = int(item.get("attempt", 1))
    if "request" not in item or attempt >= MAX_ATTEMPTS:
        set_on(table, key, "given_up", "too many attempts" if "request" in item else "no request")
        return
    # The same key for the same failure: a repetition of the request starts no second job, if HeyGen recognises it.
    entity = start(item["request"], f"retry-{job['identity']}")
    track({"callback_id": job["callback_id"], "kind": job["kind"], "entity_id": entity,
           "attributes": {"request": item["request"], "attempt": attempt + 1}})
    set_on(table, key, "retried_as", entity)


def set_on(table, key, name, value):
    """Writes one of our own attributes on the job's item."""
    table.update_item(Key=key, UpdateExpression="SET #name = :value", ExpressionAttributeNames={"#name": name},
                      ExpressionAttributeValues={":value": value})


class Worker:
    def __init__(self):
        self.sqs, self.functions = boto3.client("sqs"), boto3.client("lambda")
        self.table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
        self.queue, self.credit_queue = os.environ["QUEUE_URL"], os.environ["CREDIT_QUEUE_URL"]
        self.credit, self.ask_again_at = False, 0

    def queues(self):
        """Where jobs may be taken from now."""
        if time.monotonic() >= self.ask_again_at:
            self.note_credit(has_credit(call("/v3/users/me")["data"]))
        return [self.queue, self.credit_queue] if self.credit else [self.queue]

    def note_credit(self, is_left):
        self.credit, self.ask_again_at = is_left, time.monotonic() + CREDIT_INTERVAL

    def track(self, job):
        payload = json.dumps({"action": "track", **job}, default=number)
        reply = self.functions.invoke(FunctionName=os.environ["RECOVERY_FUNCTION"], Payload=payload)
        if "FunctionError" in reply:
            raise RuntimeError(f"the job could not be tracked: {reply['Payload'].read().decode()}")

    def take_one(self, queue):
        """Handles one job of a queue. False if it has none."""
        for message in self.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", []):
            job = json.loads(message["Body"])
            try:
                handle(job, self.table, self.track)
            except NoCredit:
                # On the other queue, or on the same one as a new message: so it is not dead-lettered while it waits.
                self.note_credit(False)
                self.sqs.send_message(QueueUrl=self.credit_queue, MessageBody=message["Body"])
            except Exception as error:  # One job must not stop the others: it is received again.
                print(f"{job['callback_id']}: {error}", file=sys.stderr)
                return True
            self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return True
        return False

    def run(self, once):
        while True:
            try:
                queues = self.queues()
            except (NoCredit, OSError) as error:  # HeyGen does not say now; the other queue goes on.
                print(f"the credit is not known: {error}", file=sys.stderr)
                self.note_credit(False)
                queues = [self.queue]
            if not any([self.take_one(queue) for queue in queues]) and once:
                return


if __name__ == "__main__":
    Worker().run("--once" in sys.argv)
