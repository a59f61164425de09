import { expect, test } from "vitest";
import { adminConfig } from "../../../common/admin-config.ts";

test.each(["127.0.0.1:15090", "[::1]:15090", "127.0.0.1:0", "127.9.9.9:80"])("the admin port may be at %s", (address) => {
  expect(adminConfig.safeParse({ address }).success).toBe(true);
});

test.each(["0.0.0.0:15090", "[::]:15090", "192.0.2.1:15090", "localhost:15090", ":15090", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1.evil.test:1"])("the admin port may not be at %s", (address) => {
  expect(adminConfig.safeParse({ address }).success).toBe(false);
});

test.each(["0.0.0.0:15090", "[::]:15090", "10.1.2.3:1"])("other addresses than loopback only for who says so: %s", (address) => {
  expect(adminConfig.safeParse({ address }).success).toBe(false);
  expect(adminConfig.safeParse({ address, fromNetwork: true }).success).toBe(true);
});

test.each(["10.1.2:1", "[10.1.2.3]:1", ":::1", "node:15090", "0.0.0.0:65536", "0.0.0.0"])("what is no address and port is refused in any case: %s", (address) => {
  expect(adminConfig.safeParse({ address, fromNetwork: true }).success).toBe(false);
});

test("without an address nothing is served, and a key that is not known is refused", () => {
  expect(adminConfig.parse({})).toEqual({ fromNetwork: false, requestTimeoutMs: 5_000, maxConnections: 32 });
  expect(adminConfig.safeParse({ adress: "127.0.0.1:15090" }).success).toBe(false);
});
