import { once } from "node:events";
import { readdirSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { AnswerResult, ApprovalDecision, ApprovalList, QuestionView } from "../../common/approvals/views.ts";
import { operatorFolder } from "../../common/operator-door.ts";
import { eventually } from "./whole-proxy.ts";
import type { Stand } from "./running-proxy.ts";

/** The operator of a stand: answers through the door, as `weir approvals` does. */
export class Operator {
  readonly #socketFolder: string;

  constructor({ directory }: Pick<Stand, "directory">) {
    this.#socketFolder = operatorFolder(join(directory, "state"));
  }

  async list(): Promise<ApprovalList> {
    return await this.call("GET", "/approvals") as ApprovalList;
  }

  /** Waits until so many questions are open. */
  async questions(count: number): Promise<readonly QuestionView[]> {
    let open: readonly QuestionView[] = [];
    await eventually(`${count} open questions`, async () => {
      open = (await this.list()).questions;
      return open.length === count;
    });
    return open;
  }

  /** Waits until one question is open. */
  async question(): Promise<QuestionView> {
    const [one] = await this.questions(1);
    if (one === undefined) throw new Error("no question is open");
    return one;
  }

  async decide(id: string, decision: Partial<ApprovalDecision> & { readonly decision: "allow" | "deny" }): Promise<AnswerResult> {
    return await this.call("POST", `/approvals/${id}`, decision) as AnswerResult;
  }

  async revoke(id: string): Promise<unknown> {
    return this.call("DELETE", `/approvals/${id}`, { reason: "a mistake" });
  }

  /** @returns the body of whatever the door answers */
  async call(method: string, path: string, body?: object): Promise<unknown> {
    const [name] = readdirSync(this.#socketFolder).filter((one) => one.endsWith(".sock"));
    const written = body === undefined ? "" : JSON.stringify(body);
    const sent = request({ socketPath: join(this.#socketFolder, name ?? ""), method, path, headers: { "content-length": Buffer.byteLength(written) } });
    sent.end(written);
    const [answer] = await once(sent, "response") as [IncomingMessage];
    return JSON.parse(await text(answer)) as unknown;
  }
}
