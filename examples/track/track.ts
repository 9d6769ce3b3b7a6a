// Tracks a video that HeyGen was just asked for: TABLE_NAME=… node track.ts VIDEO_ID CALLBACK_ID

import { randomInt } from "node:crypto";
import { DynamoDBClient, TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, TransactWriteCommand } from "@aws-sdk/lib-dynamodb";

type Values = Record<string, string | number>;

// What an event or an earlier request wrote stays.
const FIRST = ["kind", "entity_id", "status", "status_rank", "updated_at", "tracked_at", "due_shard"];

/** Writes what `recovery` writes for {"action": "track"}: the job's item, and the pointer from its callback_id. */
export async function track(
  client: DynamoDBDocumentClient,
  table: string,
  videoId: string,
  callbackId: string,
  expectedBy: Date,
): Promise<void> {
  const now = new Date().toISOString();
  const job = { id: videoId, item: `job#avatar_video#${videoId}` }; // a "#" or "%" in an id is percent-encoded
  const values: Values = {
    kind: "avatar_video",
    entity_id: videoId,
    status: "pending",
    status_rank: 0,
    updated_at: now,
    tracked_at: now,
    due_shard: randomInt(16).toString(16),
    due_at: Math.floor(expectedBy.getTime() / 1000),
    expected_by: expectedBy.toISOString(),
  };
  const pointer = { id: callbackId, item: `pointer#${job.item}`, partition: job.id, job: job.item };
  const write = (values: Values) =>
    client.send(
      new TransactWriteCommand({
        TransactItems: [{ Update: update(table, job, values) }, { Put: { TableName: table, Item: pointer } }],
      }),
    );
  try {
    await write({ ...values, callback_id: callbackId });
  } catch (error) {
    const isCancelled = error instanceof TransactionCanceledException;
    if (!isCancelled || error.CancellationReasons?.[0]?.Code !== "ConditionalCheckFailed") throw error;
    // Of several callback_ids of one video, the smallest stays.
    await write(values);
  }
}

function update(table: string, key: { id: string; item: string }, values: Values) {
  const names = Object.keys(values);
  const sets = names.map((name) => `#${name} = ` + (FIRST.includes(name) ? `if_not_exists(#${name}, :${name})` : `:${name}`));
  const setsCallbackId = "callback_id" in values;
  return {
    TableName: table,
    Key: key,
    UpdateExpression: `SET ${sets.join(", ")} ADD times_tracked :one`,
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: {
      ":one": 1,
      ...Object.fromEntries(names.map((name) => [`:${name}`, values[name]])),
      ...(setsCallbackId && { ":none": "" }),
    },
    ...(setsCallbackId && {
      ConditionExpression: "attribute_not_exists(callback_id) OR callback_id = :none OR callback_id >= :callback_id",
    }),
  };
}

if (import.meta.main) {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient());
  const inAnHour = new Date(Date.now() + 3_600_000);
  await track(client, process.env.TABLE_NAME!, process.argv[2]!, process.argv[3]!, inAnHour);
}
