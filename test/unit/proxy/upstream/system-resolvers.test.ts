import { expect, test } from "vitest";
import { readNameServers, systemNameServers } from "../../../../proxy/upstream/system-resolvers.ts";

test("name servers are read in order, three at most; everything else is left out", () => {
  const text = ["# a comment", "search corp.example", "nameserver 10.0.0.1", "nameserver\tfd00::1 ", "options ndots:5", "nameserver nonsense", "nameserver 10.0.0.2", "nameserver 10.0.0.3"];
  expect(readNameServers(text.join("\n"))).toEqual(["10.0.0.1", "fd00::1", "10.0.0.2"]);
});

test("without a file the local resolver is asked", () => {
  expect(systemNameServers("/nonexistent/resolv.conf")).toEqual(["127.0.0.1"]);
});
