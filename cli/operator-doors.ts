import { existsSync, readdirSync } from "node:fs";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { describeError } from "../common/lifecycle.ts";
import { operatorFolder, revokeAnswer, type RevokeAnswer, type RevokeRequest } from "../common/operator-door.ts";

const DEADLINE_MS = 90_000;
const ANSWER_LIMIT_BYTES = 64 * 1024;

/** What one proxy said, or why it did not. */
export interface DoorAnswer {
  /** Names the proxy for people. */
  readonly proxy: string;
  readonly answer: RevokeAnswer | null;
  readonly trouble: string | null;
}

/** Orders every proxy that runs with this state directory, `weir up` and each `weir run`, to revoke. One that has just ended is left out. */
export async function revokeAtDoors(stateDirectory: string, wanted: RevokeRequest): Promise<DoorAnswer[]> {
  const folder = operatorFolder(stateDirectory);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".sock")) : [];
  const answers = await Promise.all(names.map(async (name): Promise<DoorAnswer | null> => {
    const proxy = `process ${name.split("-")[0] ?? name}`;
    try {
      return { proxy, answer: revokeAnswer.parse(JSON.parse(await post(join(folder, name), JSON.stringify(wanted)))), trouble: null };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === "ECONNREFUSED" || code === "ENOENT" ? null : { proxy, answer: null, trouble: describeError(error) };
    }
  }));
  return answers.filter((answer) => answer !== null);
}

async function post(socketPath: string, body: string): Promise<string> {
  const sent = request({ socketPath, path: "/revoke", method: "POST", headers: { "content-type": "application/json", host: "operator" }, signal: AbortSignal.timeout(DEADLINE_MS) });
  sent.end(body);
  const [answer] = await once(sent, "response") as [IncomingMessage];
  let text = "";
  for await (const chunk of answer.setEncoding("utf8") as AsyncIterable<string>) {
    text += chunk;
    if (text.length > ANSWER_LIMIT_BYTES) throw new Error("the answer is too long");
  }
  if (answer.statusCode !== 200) throw new Error(`the proxy answered ${answer.statusCode}`);
  return text;
}
