import type { ProofOptions, ProofResult } from "../support/proof.ts";
import { changePolicy, growList, keepApart, lookAtRecords, resume } from "./mcp/changes.ts";
import { evade, failClosed, hideInBodies, keepIds, leaveUnread } from "./mcp/evasions.ts";
import { beAsked, speak, TRANSPORTS } from "./mcp/sessions.ts";
import { openSetting } from "./mcp/setting.ts";
import { compareHeaders, speakStateless } from "./mcp/stateless.ts";
import { Statements } from "./mcp/statements.ts";

/**
 * The official TypeScript libraries, client and server, of both protocol eras and over every transport of HTTP, through a whole proxy: what is allowed
 * works, what is denied is absent from lists, refused with the id kept, and never reaches the server; rules of arguments hold against evasions.
 */
export async function run({ print }: ProofOptions): Promise<ProofResult> {
  const setting = await openSetting();
  const statements = new Statements(print);
  try {
    for (const name of Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[]) await statements.about(name, async () => speak(setting, statements, name));
    for (const name of ["Streamable HTTP, events", "HTTP with SSE"] as const) await statements.about(`${name}, asked by the server`, async () => beAsked(setting, statements, name));
    const others = {
      "the stateless era": speakStateless, "headers and bodies": compareHeaders, "arguments": evade, "bodies of GET and DELETE": hideInBodies, "a stream that is not read": leaveUnread, "ids": keepIds, "answers that cannot be read": failClosed,
      "a list that grows": growList, "a stream that breaks": resume, "two agents": keepApart, "a policy that changes": changePolicy,
    };
    for (const [what, check] of Object.entries(others)) await statements.about(what, async () => check(setting, statements));
    lookAtRecords(setting, statements);
  } finally {
    await setting.close();
  }
  const { held, broken } = statements;
  return { holds: broken.length === 0 && held > 0, figure: broken.length === 0 ? `${held} statements hold` : `${broken.length} of ${held + broken.length} statements do not hold` };
}
