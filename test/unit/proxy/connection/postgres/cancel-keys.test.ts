import { expect, test } from "vitest";
import { CancelKeys } from "../../../../../proxy/connection/postgres/cancel-keys.ts";

const destination = { kind: "name", name: "db.example.test", port: 5432 } as const;
const session = { instance: "i1", destination, remoteAddress: "10.0.0.1", backendKey: { processId: 7, key: Buffer.from([1, 2, 3, 4]) } };

test("a session is found by the key that was shown, by its own instance at its own destination, for as long as it lasts", () => {
  const keys = new CancelKeys();
  const { shown, remove } = keys.add(session);
  expect(keys.find(shown, "i1", destination)).toBe(session);
  expect(keys.find(shown, "i2", destination)).toBe(null);
  expect(keys.find(shown, "i1", { ...destination, port: 5433 })).toBe(null);
  expect(keys.find(shown, "i1", { ...destination, name: "other.example.test" })).toBe(null);
  expect(keys.find({ ...shown, key: Buffer.alloc(4) }, "i1", destination)).toBe(null);
  expect(keys.find({ ...shown, key: Buffer.concat([shown.key, Buffer.alloc(1)]) }, "i1", destination)).toBe(null);
  expect(keys.find({ ...shown, processId: shown.processId ^ 1 }, "i1", destination)).toBe(null);
  remove();
  expect(keys.find(shown, "i1", destination)).toBe(null);
  expect(keys.size).toBe(0);
});

test("what is shown is never the server's, and never the same", () => {
  const keys = new CancelKeys();
  const shown = Array.from({ length: 500 }, () => keys.add(session).shown);
  expect(new Set(shown.map(({ processId }) => processId)).size).toBe(500);
  for (const { processId, key } of shown) expect([processId > 0 && processId < 2 ** 31, key.byteLength, key.equals(session.backendKey.key)]).toEqual([true, 4, false]);
});
