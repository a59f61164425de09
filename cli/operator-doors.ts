import { existsSync, readdirSync } from "node:fs";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import * as z from "zod";
import { answerResult, readableApprovalList, type AnswerResult, type ApprovalDecision, type ReadableApprovalList } from "../common/approvals/views.ts";
import { describeError } from "../common/lifecycle.ts";
import { operatorFolder, revokeAnswer, usageAnswer, type RevokeAnswer, type RevokeRequest, type UsageAnswer } from "../common/operator-door.ts";

const DEADLINE_MS = 90_000;
/** As many questions as may be open, each with all of its details. */
const ANSWER_LIMIT_BYTES = 16 * 1024 * 1024;

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

/** Asks the same proxies what waits for a person, and what people have allowed for threads. */
export async function approvalsAtDoors(stateDirectory: string): Promise<DoorAnswer<ReadableApprovalList>[]> {
  return askDoors(stateDirectory, { method: "GET", path: "/approvals", body: "" }, readableApprovalList);
}

/** Tells each of them what a person decided; only one knows the question, and says what came of it. */
export async function decideAtDoors(stateDirectory: string, id: string, decision: ApprovalDecision): Promise<DoorAnswer<AnswerResult>[]> {
  return askDoors(stateDirectory, { method: "POST", path: `/approvals/${encodeURIComponent(id)}`, body: JSON.stringify(decision) }, answerResult);
}

/** Takes a yes for a thread back, wherever it holds. */
export async function revokeApprovalAtDoors(stateDirectory: string, id: string, reason: string): Promise<DoorAnswer<{ readonly revoked: boolean }>[]> {
  return askDoors(stateDirectory, { method: "DELETE", path: `/approvals/${encodeURIComponent(id)}`, body: JSON.stringify({ reason }) }, z.strictObject({ revoked: z.boolean() }));
}

interface DoorRequest {
  readonly method: "GET" | "POST" | "DELETE";
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
  // Said, because Node sends the body of a DELETE without its length otherwise.
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body), host: "operator" };
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
