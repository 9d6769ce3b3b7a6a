#!/usr/bin/env python3
"""What a month costs, for your own numbers.

  cost.py print [INPUT=NUMBER…]   print it; the inputs are in INPUTS
  cost.py check [TEMPLATE]        check that the tables in docs/operations.md are current
  cost.py write                   write them

Prices and quotas are in prices.toml, with their dates and sources. Nothing is fetched.
"""

import json
import math
import pathlib
import sys
import tomllib

import expanded

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOC = ROOT / "docs/operations.md"
DATA = tomllib.loads((ROOT / "tools/prices.toml").read_text())
PRICES = DATA["prices"]
BEGIN, END = "<!-- table: make cost-table: {} -->\n", "<!-- end of table -->\n"
MONTH = 30 * 86_400
# A job's item; what an event's item has beside the body, and what its line in the log has.
JOB_KB, EVENT_KB, LOG_KB = 2, 1.0, 2.7
# SQS and DynamoDB keep what they got from KMS for five minutes, the receiver a secret for one.
KMS_REFRESH, SECRET_REFRESH = MONTH / 300, MONTH / 60

# The schedules by default, and what one run calls while nothing happens and there is one endpoint: tests/e2e/schedules.rs counts it.
SCHEDULES = json.loads((ROOT / "tools/schedules.json").read_text())
# What a call costs, at most: an item of up to 4 KB is read, one of up to 1 KB written.
CALLS = {
    **dict.fromkeys(["GetItem", "Query", "BatchGetItem"], ("dynamodb_read", 1)),
    **dict.fromkeys(["PutItem", "UpdateItem", "DeleteItem"], ("dynamodb_write", 1)),
    "TransactWriteItems": ("dynamodb_write", 4),
    "GetSecretValue": ("secret_request", 1),
    **dict.fromkeys(["SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"], ("sqs_request", 1)),
}
# How long a run of a schedule takes; assumed.
RUN_SECONDS = 3


def inputs(template):
    """Each input: its default, and what it is."""
    defaults = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
    return {
        "DELIVERIES": (1_000_000, "deliveries in the month"),
        "DUPLICATES": (0, "of them repeated, in percent"),
        "CALLBACK_IDS": (100, "of them with a `callback_id`, in percent"),
        "BODY_KB": (0.8, "a body, in KB"),
        "BATCH": (1, "messages in one batch of the processor, on average"),
        "MEMORY_MB": (defaults["MemoryMegabytes"], "memory of a function"),
        "RECEIVER_MS": (25, "duration of the receiver, in milliseconds; assumed"),
        "PROCESSOR_MS": (50, "duration of the processor for one message; assumed"),
        "TRACING": (int(defaults["Tracing"] == "Active"), "1 with X-Ray, 0 without"),
        "CUSTOMER_KEY": (0, "1 with `KmsKeyArn`"),
        "SECRETS": (2, "secrets: one per endpoint, and the API key"),
        "METRICS": (18, "metrics that have values; 58 at most"),
        "ALARM_METRICS": (alarm_metrics(template, ApiKeySecret="key"), "metrics of the alarms"),
        "DASHBOARDS": (0, "dashboards beyond the account's first three"),
    }


def alarms(template, **chosen):
    resources = expanded.decided(template, {"AlarmEmail": "operators@example.com", **chosen})["Resources"].values()
    return [each["Properties"] for each in resources if each["Type"] == "AWS::CloudWatch::Alarm"]


def alarm_metrics(template, **chosen):
    return sum(len([each for each in alarm.get("Metrics", [{"MetricStat": 1}]) if "MetricStat" in each]) for alarm in alarms(template, **chosen))


def runs(schedule):
    return MONTH / 60 / schedule["every_minutes"]


def called(price):
    """How much of this the schedules' own calls take in a month."""
    calls = [(runs(each) * count, *CALLS[name]) for each in SCHEDULES.values() for name, count in each["calls"].items()]
    return sum(times * units for times, name, units in calls if name == price)


def schedules(given, event_kb):
    """The lines of the bill that are there although nothing happens."""
    all_runs = sum(map(runs, SCHEDULES.values()))
    probes = sum(runs(each) * each.get("probes", 0) for each in SCHEDULES.values())
    # For OPTIONS and for the probe's POST, the receiver; then the processor.
    invocations = all_runs + 3 * probes
    often = ", ".join(f"{name} every {each['every_minutes']} minutes" for name, each in SCHEDULES.items())
    seconds = all_runs * RUN_SECONDS + probes * (2 * given["RECEIVER_MS"] + given["PROCESSOR_MS"]) / 1000
    return [
        ("Schedules, Lambda requests", f"{often}; each probe 2 of the receiver and 1 of the processor", "lambda_request", invocations),
        ("Schedules, Lambda time", f"{RUN_SECONDS} s a run; assumed", "lambda_gb_second", seconds * given["MEMORY_MB"] / 1024),
        ("Schedules, API Gateway", "each probe 2", "api_request", 2 * probes),
        ("Schedules, SQS", "each probe 3", "sqs_request", 3 * probes + called("sqs_request")),
        ("Schedules, DynamoDB reads", "the runs' own; `tools/schedules.json`", "dynamodb_read", called("dynamodb_read")),
        ("Schedules, DynamoDB writes", "the same, and the event of each probe", "dynamodb_write", called("dynamodb_write") + probes * event_kb),
        ("Schedules, secrets", "the API key and the endpoint's", "secret_request", called("secret_request")),
        ("Schedules, logs", f"{LOG_KB / 2} KB per invocation", "log_ingested", invocations * LOG_KB / 2 / 1e6),
        ("Schedules, X-Ray", "1 per invocation", "trace", invocations * given["TRACING"]),
    ]


def month(given):
    """Each line of the bill: what for, why so many, the price's name, and the quantity."""
    deliveries, new = given["DELIVERIES"], given["DELIVERIES"] * (1 - given["DUPLICATES"] / 100)
    chunks, batches = math.ceil(given["BODY_KB"] / 64), deliveries / given["BATCH"]
    event_kb = math.ceil(given["BODY_KB"] + EVENT_KB)
    pointer = given["CALLBACK_IDS"] / 100
    # The first of each second, and 5 % of the others, spread evenly. The processor's trace is its own.
    traced = min(deliveries, MONTH + 0.05 * max(0, deliveries - MONTH)) * 2 * given["TRACING"]
    keyed = given["CUSTOMER_KEY"]
    return [
        ("API Gateway", "1 request", "api_request", deliveries),
        ("Lambda, requests", "1 receiver, and 1 processor per batch", "lambda_request", deliveries + batches),
        ("Lambda, time", "the durations, times the memory", "lambda_gb_second",
         deliveries * given["MEMORY_MB"] / 1024 * (given["RECEIVER_MS"] + given["PROCESSOR_MS"]) / 1000),
        ("SQS", "1 send; 1 receive and 1 delete per batch; each 64 KB count", "sqs_request",
         deliveries * chunks + batches * (1 + math.ceil(given["BATCH"] * given["BODY_KB"] / 64))),
        ("DynamoDB, writes", f"one transaction, 2 units per KB: the event {event_kb} KB, the job {JOB_KB} KB, a pointer", "dynamodb_write",
         deliveries * 2 * (event_kb + JOB_KB + pointer)),
        ("CloudWatch Logs", f"{LOG_KB} KB: 2 lines with their metrics, 6 lines of Lambda's", "log_ingested", deliveries * LOG_KB / 1e6),
        ("EventBridge, the pipe", "1 per job status change", "pipe_request", new),
        ("EventBridge, the bus", "the same", "bus_event", new),
        ("X-Ray", "up to 2: the queue's consumer has a trace of its own", "trace", traced),
        ("SQS, polling", "5 pollers, 3 times a minute", "sqs_request", 5 * 3 * MONTH / 60),
        ("DynamoDB, the stream", "the pipe reads it 4 times a second; AWS documents only Lambda's reads as free", "dynamodb_stream_read", 4 * MONTH),
        ("DynamoDB, storage", "events and jobs of this month", "dynamodb_storage", new * (given["BODY_KB"] + 2.2) / 1e6),
        ("DynamoDB, backups", "the same", "dynamodb_backup", new * (given["BODY_KB"] + 2.2) / 1e6),
        *schedules(given, event_kb),
        ("Secrets", "`SECRETS`", "secret", given["SECRETS"]),
        ("Secrets, reads", "each once a minute by one receiver", "secret_request", given["SECRETS"] * SECRET_REFRESH),
        ("Metrics", "`METRICS`", "metric", given["METRICS"]),
        ("Alarms", "`ALARM_METRICS`", "alarm_metric", given["ALARM_METRICS"]),
        ("Dashboards", "`DASHBOARDS`", "dashboard", given["DASHBOARDS"]),
        ("KMS, the key", "with `CUSTOMER_KEY=1`", "key", keyed),
        ("KMS, requests", "queue 3 and table 2 in 5 minutes, each secret 1 a minute, if callers are few; with `CUSTOMER_KEY=1`", "key_request",
         keyed * (KMS_REFRESH * (3 + 2) + SECRET_REFRESH * given["SECRETS"])),
    ]


def dollars(name, quantity):
    return quantity * PRICES[name]["price"] / PRICES[name]["per"]


def price(name):
    known = PRICES[name]
    per = {1: "each", 1_000_000: "per million"}.get(known["per"], f"per {known['per']:,}")
    amount = f"{known['price']:.10f}".rstrip("0")
    decimals = max(2, len(amount.split(".")[1]))
    return f"${known['price']:.{decimals}f} {per}"


def amount(quantity):
    return f"{quantity:,.0f}" if quantity >= 100 or quantity == int(quantity) else f"{quantity:.1f}"


def table(heads, lines):
    rows = [f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in (heads, *lines)]
    return "".join([rows[0], "|" + "---|" * len(heads) + "\n", *rows[1:]])


def bill(given):
    lines = month(given)
    total = sum(dollars(name, quantity) for _, _, name, quantity in lines)
    rows = [(what, why, amount(quantity), price(name), f"${dollars(name, quantity):.2f}") for what, why, name, quantity in lines]
    heads = ("", "per delivery, or in the month", "quantity", "price", "cost")
    idle = sum(dollars(name, quantity) for what, _, name, quantity in lines if what.startswith("Schedules, "))
    return table(heads, [*rows, ("**together**", "", "", "", f"**${total:.2f}**")]) + f"\nThe schedules alone, while nothing happens: ${idle:.2f}.\n"


def sections(template):
    """The tables of docs/operations.md, by the name in their markers."""
    known = inputs(template)
    counts = [len(alarms(template, **more)) for more in ({}, {"ApiKeySecret": "key"}, {"ApiKeySecret": "key", "QuietHours": "24"})]
    key, platforms = {"ApiKeySecret": "key"}, {"ApiKeySecret": "key", "PlatformEndpoints": "tavus/main"}
    more, metrics = len(alarms(template, **platforms)) - counts[1], alarm_metrics(template, **platforms) - alarm_metrics(template, **key)
    return {
        "a month": bill({name: default for name, (default, _) in known.items()}),
        "inputs": table(("input", "default", ""), [(f"`{name}`", f"{default:,}", what) for name, (default, what) in known.items()]) + (
            f"\nThere are {counts[0]} alarms, {counts[1]} with `ApiKeySecret` and {counts[2]} with `QuietHours`. `PlatformEndpoints` adds {more} with {metrics} metrics,\n"
            f"${dollars('alarm_metric', metrics):.2f} a month: for them, give `ALARM_METRICS={known['ALARM_METRICS'][0] + metrics}`.\n"),
        "prices": table(("price of", "US dollars", "region", "as of", "look it up"), [
            (each["unit"], price(name), each["region"], each["as_of"], f"[page]({each['source']})") for name, each in PRICES.items()]),
        "quotas": table(("quota", "default", "when it matters", "as of", "source"), [
            (each["name"], each["default"], each["matters"], each["as_of"], f"[page]({each['source']})") for each in DATA["quotas"]]),
    }


def current(template):
    """The document as it is, and as it should be."""
    text = result = DOC.read_text()
    for name, section in sections(template).items():
        head, rest = result.split(BEGIN.format(name))
        result = head + BEGIN.format(name) + section + END + rest.split(END, 1)[1]
    return text, result


def main():
    action, *arguments = sys.argv[1:]
    template = expanded.load(ROOT / (arguments[0] if action == "check" and arguments else "template.yaml"))
    if action == "print":
        given = {name: default for name, (default, _) in inputs(template).items()}
        for name, text in (argument.split("=", 1) for argument in arguments):
            if name not in given:
                sys.exit(f"cost: unknown input {name} (known: {', '.join(given)})")
            given[name] = float(text)
        print(bill(given), end="")
        return
    text, result = current(template)
    if action == "write":
        DOC.write_text(result)
    elif text != result:
        sys.exit("cost: docs/operations.md is out of date: run `make cost-table`")


if __name__ == "__main__":
    main()
