import { describe, expect, test } from "vitest";
import { KeptRecords } from "../../../../proxy/audit/kept-records.ts";
import { anExchange } from "../../../support/audit-records.ts";

const one = anExchange({ exchangeId: "one" });
const ids = (records: readonly object[]) => records.map((record) => (record as { exchangeId?: string }).exchangeId);

describe("KeptRecords", () => {
  test("gives back in order, what was in the chain before first, and only what was removed is gone", () => {
    const kept = new KeptRecords(1 << 20);
    kept.add(one);
    kept.add(anExchange({ exchangeId: "two" }));
    kept.putBack([anExchange({ exchangeId: "earlier" })]);
    expect(ids(kept.first(2))).toEqual(["earlier", "one"]);
    kept.remove(2);
    expect(ids(kept.first(9))).toEqual(["two"]);
  });

  test("refuses above its limit, counts what it refused, and has room again once something was removed", () => {
    const kept = new KeptRecords(JSON.stringify(one).length);
    kept.add(one);
    expect(() => { kept.add(one); }).toThrow(expect.objectContaining({ code: "audit.unavailable" }));
    expect(kept.dropped).toBe(1);
    kept.toldDropped(1);
    expect(kept.dropped).toBe(0);
    kept.remove(1);
    kept.add(one);
    expect(kept.count).toBe(1);
  });
});
