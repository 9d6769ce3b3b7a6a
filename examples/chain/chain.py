"""Starts a HeyGen video with the audio of an ElevenLabs job that succeeded, with the same callback_id.

This is the function of ../chain.yaml. The application tracks the audio's job when it starts it, and keeps its request for the video with it,
in which "{audio}" stands for the link to the audio: {"action": "track", …, "attributes": {"next": {"path": "/v2/…", "body": {…}}}}.
"""

import hashlib
import json
import os
import re
import time
import urllib.error
import urllib.request

import boto3

# HeyGen gets the audio some time after it has accepted the job, in seconds.
NEEDED = 600
# HeyGen recognises an Idempotency-Key for a day, where it documents one. An hour less, in seconds.
KEY_LASTS = 23 * 3600
# The request's own path: nothing in it may lead to another host.
PATH = re.compile(r"/v[0-9]+/[A-Za-z0-9/_.-]+")

functions, secrets = boto3.client("lambda"), boto3.client("secretsmanager")
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


class Refused(Exception):
    """HeyGen has not started the video. Shows HeyGen's code, not its message, which may quote the link."""


class Busy(Exception):
    """Another invocation is at it, or was killed at it. Nothing failed."""


def handler(event, context):
    for record in event["Records"]:  # The queue gives one at a time. One that fails is given again.
        handle(json.loads(record["body"]), time.time() + context.get_remaining_time_in_millis() / 1000)


def handle(event, until):
    """Starts the video, unless that is done. Handled twice, it does nothing more the second time."""
    key = {"id": event["id"], "item": event["item"]}
    job = table.get_item(Key=key, ConsistentRead=True).get("Item", {})
    if not job.get("callback_id"):
        return say(event, "dropped: no callback_id. The event comes again when the job is tracked")
    if "next" not in job:
        return say(event, "dropped: the job was tracked without a request for a video")
    video = {"callback_id": job["callback_id"], "kind": "avatar_video", "attributes": {"made_from": job["entity_id"]}}
    try:
        if "next_job" not in job:
            # Without an id yet. So it fails by itself, and the bus is told, if nothing ever comes of it.
            recovery({"action": "track", **video})
            job["next_job"] = start(key, job, until)
        # Also what was started before: a crash may have come in between.
        recovery({"action": "track", **video, "entity_id": job["next_job"]})
    except Busy:
        raise
    except Exception as error:
        write(key, "SET next_error = :error", error=f"{type(error).__name__}: {error}"[:500])
        raise
    if "next_error" in job:
        write(key, "REMOVE next_error")
    say(event, "done", video=job["next_job"])


def start(key, job, until):
    """Asks HeyGen for the video, and returns its id."""
    now = int(time.time())
    if job.get("links_expire_at", now + NEEDED) < now + NEEDED:
        recovery({"action": "refresh", "entity_id": job["entity_id"]})
        raise RuntimeError("the link to the audio has expired or soon will: a new one was asked for")
    if job.get("next_asked_at", now) < now - KEY_LASTS:
        raise RuntimeError("a response of HeyGen's was lost a day ago: if HeyGen has no such video, remove next_asked_at")
    audio, path = job.get("links", {}).get("audio"), job["next"]["path"]
    if not audio or not PATH.fullmatch(path):
        raise ValueError("the job has no link to audio, or next no path of HeyGen's API")
    body = filled(job["next"]["body"], audio)
    body["callback_id"] = job["callback_id"]
    is_mine = write(key, "SET next_until = :until, next_asked_at = if_not_exists(next_asked_at, :now)",
                    "attribute_not_exists(next_job) AND (attribute_not_exists(next_until) OR next_until < :now)",
                    until=int(until) + 1, now=now)
    if not is_mine:
        raise Busy
    try:
        # One key for one job, whichever event is handled.
        video = ask(path, body, hashlib.sha256(f"{key['id']} {key['item']}".encode()).hexdigest())
    except Refused:
        # Unless an earlier request was not answered: that one may have started it.
        write(key, "REMOVE next_until" if "next_asked_at" in job else "REMOVE next_until, next_asked_at")
        raise
    write(key, "SET next_job = :video REMOVE next_until, next_asked_at", video=video)
    return video


def ask(path, body, key):
    """Sends a request to HeyGen, and returns the id of the new video."""
    api_key = secrets.get_secret_value(SecretId=os.environ["API_KEY_SECRET"])["SecretString"].strip()
    headers = {"Content-Type": "application/json", "X-Api-Key": api_key, "Idempotency-Key": f"chain-{key}"}
    request = urllib.request.Request(os.environ["HEYGEN_BASE_URL"] + path, json.dumps(body, default=number).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        # These leave open whether the video was started: a timeout, the same key being handled, a fault of HeyGen's.
        if error.code in (408, 409) or error.code >= 500:
            raise RuntimeError(f"HeyGen: status {error.code}") from None
        raise Refused(f"HeyGen: status {error.code}{code_of(error.read())}") from None
    if answer.get("error"):
        raise Refused(f"HeyGen:{code_of(json.dumps(answer))}")
    return answer["data"]["video_id"]


def code_of(body):
    try:
        code = str(json.loads(body)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
    return f" {code}" if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", code) else ""


def filled(value, audio):
    """The request, with the link in place of "{audio}"."""
    if isinstance(value, dict):
        return {name: filled(part, audio) for name, part in value.items()}
    if isinstance(value, list):
        return [filled(part, audio) for part in value]
    return audio if value == "{audio}" else value


def number(decimal):
    """What boto3 reads from the table, as JSON has it."""
    return int(decimal) if decimal == int(decimal) else float(decimal)


def write(key, update, condition="attribute_exists(id)", **values):
    """Writes our own attributes on the job's item. False if the condition does not hold."""
    more = {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}} if values else {}
    try:
        table.update_item(Key=key, UpdateExpression=update, ConditionExpression=condition, **more)
    except table.meta.client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def recovery(request):
    reply = functions.invoke(FunctionName=os.environ["RECOVERY_FUNCTION"], Payload=json.dumps(request))
    if "FunctionError" in reply:
        raise RuntimeError(f"recovery: {request['action']}: {json.load(reply['Payload']).get('errorMessage')}")


def say(event, outcome, **more):
    print(json.dumps({"outcome": outcome, "callback_id": event["callback_id"], "job": event["item"], **more}))
