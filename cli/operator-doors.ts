import { existsSync, readdirSync } from "node:fs";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import type * as z from "zod";
import { describeError } from "../common/lifecycle.ts";
import { operatorFolder, revokeAnswer, usageAnswer, type RevokeAnswer, type RevokeRequest, type UsageAnswer } from "../common/operator-door.ts";

const DEADLINE_MS = 90_000;
const ANSWER_LIMIT_BYTES = 1024 * 1024;

/** What one proxy said, or why it did not. */
export interface DoorAnswer<T = RevokeAnswer> {
  /** Names the proxy for people. */
  readonly proxy: string;
  readonly answer: T | null;
  readonly trouble: string | null;
}

/** Orders every proxy that runs with this state directory, `weir up` and each `weir run`, to revoke. One that has just ended is left out. */
export async function revokeAtDoors(stateDirectory: string, wanted: RevokeRequest): Promise<DoorAnswer[]> {
  return askDoors(stateDirectory, { method: "POST", path: "/revoke", body: JSON.stringify(wanted) }, revokeAnswer);
}

/** Asks the same proxies what their threads have used. */
export async function usageAtDoors(stateDirectory: string): Promise<DoorAnswer<UsageAnswer>[]> {
  return askDoors(stateDirectory, { method: "GET", path: "/usage", body: "" }, usageAnswer);
}

interface DoorRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: string;
}

async function askDoors<T>(stateDirectory: string, asked: DoorRequest, answers: z.ZodType<T>): Promise<DoorAnswer<T>[]> {
  const folder = operatorFolder(stateDirectory);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".sock")) : [];
  const said = await Promise.all(names.map(async (name): Promise<DoorAnswer<T> | null> => {
    const proxy = `process ${name.split("-")[0] ?? name}`;
    try {
      return { proxy, answer: answers.parse(JSON.parse(await askDoor(join(folder, name), asked))), trouble: null };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === "ECONNREFUSED" || code === "ENOENT" ? null : { proxy, answer: null, trouble: describeError(error) };
    }
  }));
  return said.filter((answer) => answer !== null);
}

async function askDoor(socketPath: string, { method, path, body }: DoorRequest): Promise<string> {
  const headers = { "content-type": "application/json", host: "operator" };
  const sent = request({ socketPath, path, method, headers, signal: AbortSignal.timeout(DEADLINE_MS) });
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
