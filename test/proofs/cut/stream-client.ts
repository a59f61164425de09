import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import type { BudgetStand } from "../../support/budget-stand.ts";
import { PLAN_HEADER, type AnswerPlan } from "../../support/model-provider/answer-plan.ts";
import type { AskedForm } from "../../support/model-provider/requests.ts";

/** What an agent saw of one stream. */
export interface SeenStream {
  readonly status: number;
  readonly bytes: Buffer;
  /** False if the connection was lost before the answer was whole. */
  readonly isWhole: boolean;
}

/**
 * Asks for one stream, on a connection of its own.
 * @param leaveAfterBytes at which the agent goes away; null for one that reads to the end
 */
export async function readStream({ stand }: BudgetStand, form: AskedForm, plan: Partial<AnswerPlan>, leaveAfterBytes: number | null): Promise<SeenStream> {
  const socket = await stand.open(form.host);
  const headers = { host: form.host, "content-type": "application/json", ...form.headers, [PLAN_HEADER]: JSON.stringify(plan) };
  const sent = request({ createConnection: () => socket, method: "POST", path: form.path, headers });
  sent.on("error", () => undefined);
  sent.end(JSON.stringify(form.body));
  const chunks: Buffer[] = [];
  let seenBytes = 0;
  try {
    const [answer] = await once(sent, "response") as [IncomingMessage];
    answer.on("error", () => undefined);
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        seenBytes += chunk.length;
        if (leaveAfterBytes !== null && seenBytes >= leaveAfterBytes && answer.statusCode === 200) break;
      }
    } catch {
      return { status: answer.statusCode ?? 0, bytes: Buffer.concat(chunks), isWhole: false };
    }
    return { status: answer.statusCode ?? 0, bytes: Buffer.concat(chunks), isWhole: answer.complete };
  } finally {
    socket.on("error", () => undefined).destroy();
  }
}

/** The same request without a limit of output. */
export function withoutLimit({ limitAt, ...form }: AskedForm): AskedForm {
  const body = structuredClone(form.body) as Record<string, unknown>;
  const holder = limitAt.slice(0, -1).reduce<Record<string, unknown>>((inner, name) => inner[name] as Record<string, unknown>, body);
  delete holder[limitAt.at(-1) ?? ""];
  return { ...form, body, limitAt: [] };
}
