// The callback URL of one job: CALLBACK_SECRET=… node callback_url.ts BASE_URL PLATFORM ENDPOINT KIND CALLBACK_ID
// Without arguments, it tests itself.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { env, argv } from "node:process";

/** The URL to hand to the platform when the job is started. */
export function callbackUrl(
  secret: string,
  baseUrl: string,
  platform: string,
  endpoint: string,
  kind: string,
  callbackId: string,
): string {
  if (![platform, endpoint, kind].every((part) => /^[A-Za-z0-9_.-]+$/.test(part))) {
    throw new Error("the platform, the endpoint and the kind are parts of a path");
  }
  const bytes = Buffer.from(callbackId, "utf8");
  if (bytes.length < 1 || bytes.length > 256) {
    throw new Error("a callback_id in a URL has 1 to 256 bytes");
  }
  const token = tokenOf(secret, `${platform}/${endpoint}/${kind}/${callbackId}`);
  const base = baseUrl.replace(/\/+$/, "");
  return `${base}/webhooks/${platform}/${endpoint}/${kind}/${bytes.toString("base64url")}/${token}`;
}

function tokenOf(secret: string, text: string): string {
  return createHmac("sha256", secret).update(text, "utf8").digest("hex");
}

function test(): void {
  const key = "capability-key-1";
  const [tavus, did] = ["tavus", "did"].map((platform) => tokenOf(key, `${platform}/main/order_12345`));
  assert.equal(tavus, "2a4ada7244113f16764959d64409774e05f747f596ca8ab01f6059773dd5784b");
  assert.equal(did, "ec74d9eb594c0cc3f15b87245d229c5fd9962b55dac881d3dd33c328294fcfcb");
  const url = callbackUrl(key, "https://hooks.example.invalid/", "did", "main", "talk", "Auftrag/ü 1");
  const token = "4b7bfbcab926557d85429683268337ba435fa8abece231bc0c325f9ef4e4c34e";
  assert.equal(url, `https://hooks.example.invalid/webhooks/did/main/talk/QXVmdHJhZy_DvCAx/${token}`);
}

const [baseUrl, platform, endpoint, kind, callbackId] = argv.slice(2);
if (import.meta.main) {
  if (baseUrl === undefined) {
    test();
    console.log("ok");
  } else {
    assert(platform && endpoint && kind && callbackId && env.CALLBACK_SECRET, "see the first line of this file");
    console.log(callbackUrl(env.CALLBACK_SECRET, baseUrl, platform, endpoint, kind, callbackId));
  }
}
