import { expect, test } from "vitest";
import type { AgentIdentity } from "../../../../proxy/model/agent.ts";
import { LiveSet } from "../../../../proxy/model/live.ts";
import { AN_AGENT } from "../../../support/credentials.ts";

function aMember(instance: string | null) {
  const ends: string[] = [];
  const agent: AgentIdentity | null = instance === null ? null : { ...AN_AGENT, instance };
  return { agent, ends, reconsider: async () => {}, end: (reason: Error) => { ends.push(reason.message); } };
}

test("the live set ends what one instance holds, and nothing of others or of those who are not identified yet", () => {
  const live = new LiveSet();
  const members = [aMember("i1"), aMember("i2"), aMember("i1"), aMember(null)];
  for (const member of members) live.add(member);
  live.endWhere(({ instance }) => instance === "i1", new Error("over"));
  expect(members.map(({ ends }) => ends)).toEqual([["over"], [], ["over"], []]);
  expect(live.instances).toBe(2);
});
