import { describe, expect, test } from "vitest";
import { BoundaryHoldings } from "../../../../proxy/cluster/holdings.ts";
import { AN_AGENT } from "../../../support/credentials.ts";

const CODER = { ...AN_AGENT, namespace: "agents", name: "coder" };

function holdings(): BoundaryHoldings {
  const book = new BoundaryHoldings();
  book.replace({ agents: { "agents/coder": { grants: ["agents.github", "agents.slack"], budgets: ["agents.day"] }, "agents/coder.search": { grants: [], budgets: [] } } });
  return book;
}

describe("holdings by the boundary", () => {
  test("cannot be told before there is one", () => {
    expect(() => new BoundaryHoldings().of(CODER)).toThrow(expect.objectContaining({ code: "identity.unavailable" }));
  });

  test("are what the Agent holds, and the way to the controller", () => {
    expect(holdings().of(CODER)).toEqual({ grants: ["agents.github", "agents.slack", "weir.internal"], budgets: ["agents.day"] });
  });

  test("of a container are its own, not its agent's", () => {
    expect(holdings().of({ ...CODER, name: "coder.search" })).toEqual({ grants: ["weir.internal"], budgets: [] });
  });

  test("of a narrowed instance are what both say; never more than the Agent holds", () => {
    expect(holdings().of({ ...CODER, grants: ["agents.github", "other.root"] })?.grants).toEqual(["agents.github", "weir.internal"]);
    expect(holdings().of({ ...CODER, grants: [] })).toEqual({ grants: ["weir.internal"], budgets: ["agents.day"] });
  });

  test("are none for somebody whom no boundary names, nor for a namesake elsewhere", () => {
    expect(holdings().of({ ...CODER, namespace: "other" })).toBeNull();
    expect(holdings().of({ ...CODER, name: "coder.shell" })).toBeNull();
  });

  test("end with the boundary that replaces them", () => {
    const book = holdings();
    book.replace({ agents: {} });
    expect(book.of(CODER)).toBeNull();
  });
});
