import { describe, expect, test } from "vitest";
import { newMessageId, pauseAfter, readWebhookKey, signedHeaders } from "../../../../common/approvals/standard-webhook.ts";

describe("a signature of Standard Webhooks", () => {
  // The example of the specification's libraries: the same key, id, time and payload.
  test("is the one that other implementations make", () => {
    const key = readWebhookKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    expect(signedHeaders(key, { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: '{"test": 2432232314}' }, 1_614_265_330_999)).toEqual({
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  test("is another for another time: an old message cannot be sent again as a new one", () => {
    const key = readWebhookKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    const at = (nowMs: number) => signedHeaders(key, { id: "msg_1", body: "{}" }, nowMs)["webhook-signature"];
    expect(at(1_000)).not.toBe(at(2_000));
    expect(at(1_000)).toBe(at(1_999));
  });
});

test.each(["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64 at all, is it?", `whsec_${Buffer.alloc(65).toString("base64")}`])("%j is no key, and the error does not show it", (text) => {
  expect(() => readWebhookKey(text)).toThrow(/24 to 64 bytes/);
});

test("a key cannot be printed", () => {
  const key = readWebhookKey(`whsec_${Buffer.alloc(32, 7).toString("base64")}\n`);
  expect(`${key}`).toBe("[secret]");
});

test("pauses double from a second up to five minutes", () => {
  expect([1, 2, 3, 9, 10, 20].map(pauseAfter)).toEqual([1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
});

test("each message has an id of its own", () => {
  expect(newMessageId()).toMatch(/^msg_[\w-]{20}$/);
  expect(newMessageId()).not.toBe(newMessageId());
});
