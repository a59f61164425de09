import { describe, expect, test } from "vitest";
import { ConnectionSlots } from "../../../../proxy/connection/connection-slots.ts";

const UNIX = { kind: "unix" } as const;
const pod = (address: string) => ({ kind: "tcp", address }) as const;
const limit = expect.objectContaining({ code: "connection.limit" });

describe("connection slots", () => {
  test("are limited for all together, and free again after a connection left", () => {
    const slots = new ConnectionSlots({ maxConnections: 2, maxConnectionsPerInstance: 10 });
    slots.enter("a", UNIX);
    slots.enter("b", UNIX);
    expect(() => { slots.enter("c", UNIX); }).toThrow(limit);
    slots.leave("a");
    slots.enter("c", UNIX);
    expect(slots.open).toBe(2);
  });

  test("of one instance are limited, and another's are not touched", () => {
    const slots = new ConnectionSlots({ maxConnections: 100, maxConnectionsPerInstance: 2 });
    for (const id of ["a", "b"]) { slots.enter(id, UNIX); slots.identify(id, "i1"); }
    slots.enter("c", UNIX);
    expect(() => { slots.identify("c", "i1"); }).toThrow(limit);
    slots.leave("c");
    slots.enter("d", UNIX);
    slots.identify("d", "i2");
    expect(slots.open).toBe(3);
  });

  test("are the peer's until the connection is identified", () => {
    const slots = new ConnectionSlots({ maxConnections: 100, maxConnectionsPerInstance: 2 });
    slots.enter("a", pod("10.0.0.1"));
    slots.enter("b", pod("10.0.0.1"));
    expect(() => { slots.enter("c", pod("10.0.0.1")); }).toThrow(limit);
    slots.enter("c", pod("10.0.0.2"));
    slots.identify("a", "i1");
    slots.enter("d", pod("10.0.0.1"));
  });

  test("may be left twice", () => {
    const slots = new ConnectionSlots({ maxConnections: 1, maxConnectionsPerInstance: 1 });
    slots.enter("a", UNIX);
    slots.leave("a");
    slots.leave("a");
    slots.enter("b", UNIX);
    expect(slots.open).toBe(1);
  });
});
