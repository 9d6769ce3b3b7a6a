// Prints the jobs of one order, a line of JSON each: TABLE_NAME=… node outcome.ts CALLBACK_ID

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, paginateQuery } from "@aws-sdk/lib-dynamodb";

type Item = { id: string; item: string; callback_id?: string };
type Pointer = Item & { partition: string; job?: string };
/** No status: the item has only attributes of your own yet. */
export type Job = Item & {
  kind?: string;
  entity_id?: string;
  output_language?: string;
  status?: "pending" | "failed" | "succeeded";
  links?: Record<string, string>;
  failure?: { code?: string; message?: string };
  reason?: "may_pass" | "no_credit" | "will_not_pass";
};

const isPointer = (item: Item): item is Pointer => item.item.startsWith("pointer#");
const isJob = (item: Item): item is Job => item.item.startsWith("job#");

/** The jobs that were started with this callback_id. Those of its videos, translations, … that HeyGen reported
 * without a callback_id are among them; those with another one are not. */
export async function* jobsOf(client: DynamoDBDocumentClient, table: string, callbackId: string): AsyncGenerator<Job> {
  const order = await items(client, table, callbackId);
  // A partition per video, translation, …, each with the jobs that events with this callback_id named there.
  const partitions = new Map<string, Set<string | undefined>>([[callbackId, new Set()]]);
  for (const { partition, job } of order.filter(isPointer)) {
    partitions.set(partition, (partitions.get(partition) ?? new Set()).add(job));
  }
  for (const [partition, named] of partitions) {
    const found = partition === callbackId ? order : await items(client, table, partition);
    yield* found.filter(isJob).filter((job) => !job.callback_id || job.callback_id === callbackId || named.has(job.item));
  }
}

/** Jobs and pointers, page by page. Events are not read: their keys come before job#. */
async function items(client: DynamoDBDocumentClient, table: string, partition: string): Promise<Item[]> {
  const found: Item[] = [];
  const query = {
    TableName: table,
    KeyConditionExpression: "id = :id AND #item >= :jobs",
    ExpressionAttributeNames: { "#item": "item" },
    ExpressionAttributeValues: { ":id": partition, ":jobs": "job#" },
    ConsistentRead: true,
  };
  for await (const page of paginateQuery({ client }, query)) {
    found.push(...((page.Items ?? []) as Item[]));
  }
  return found;
}

if (import.meta.main) {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient());
  for await (const job of jobsOf(client, process.env.TABLE_NAME!, process.argv[2]!)) {
    const { kind, entity_id, output_language, status, links, failure, reason } = job;
    console.log(JSON.stringify({ kind, entity_id, output_language, status, links, failure, reason }));
  }
}
