import { JsonFault, readClearJsonInTurns } from "../../common/json/clear-json.ts";
import { EgressError } from "../errors.ts";
import type { McpConfig } from "./config.ts";
import { isObject, readExactly, type JsonObject } from "./exact-json.ts";
import { listsIn, visible, type Asked } from "./lists.ts";
import type { AskMcp, McpFiltered } from "./mcp.ts";
import { idKey } from "./messages.ts";
import { refusedMessage } from "./refused-message.ts";
import type { McpEra } from "./request-message.ts";
import { asksIn, firstDenied, fromServer, refusalOfAsk, withheld } from "./server-asks.ts";

/** What is known of what was asked, and whom to ask. */
export interface FilterContext {
  readonly era: McpEra;
  readonly requestId: string;
  readonly config: McpConfig;
  readonly ask: AskMcp;
  /** The method of each request that is answered here, by `idKey`. A stream that the agent opened with GET answers none of its own. */
  readonly methods: ReadonlyMap<string, string>;
}

const WITHHELD_LIMIT = 100;
/** Messages that a server may join in one; only revision 2025-03-26 has it. */
const BATCH_LIMIT = 1_000;

/** Takes out of a server's messages what the agent may not see. */
export class MessageFilter {
  readonly #context: FilterContext;
  readonly #withheld: string[] = [];
  #hidden = 0;

  constructor(context: FilterContext) {
    this.#context = context;
  }

  get filtered(): McpFiltered {
    return { hidden: this.#hidden, withheld: this.#withheld };
  }

  /** One message or a batch. @returns the bytes themselves where nothing had to change @throws EgressError `upstream.malformed` for what cannot be read */
  async pass(bytes: Buffer): Promise<Buffer> {
    const value = await read(bytes);
    const isBatch = Array.isArray(value);
    const messages: readonly unknown[] = isBatch ? value : [value];
    if (messages.length > BATCH_LIMIT) throw malformed(`a batch of more than ${BATCH_LIMIT} messages`);
    const changes: (Change | null)[] = [];
    for (const message of messages) changes.push(await this.#judge(message));
    if (changes.every((change) => change === null)) return bytes;
    // Read a second time, number by number, only where something is written again.
    const exact = readExactly(bytes);
    const written = (isBatch ? exact as readonly unknown[] : [exact]).map((message, at) => changes[at]?.(message as JsonObject) ?? message);
    return Buffer.from(JSON.stringify(isBatch ? written : written[0]));
  }

  /** @returns what makes of the message what is passed on instead; null to pass it on as it is */
  async #judge(message: unknown): Promise<Change | null> {
    if (!isObject(message) || message["jsonrpc"] !== "2.0") throw malformed("an answer that is no JSON-RPC 2.0");
    if (Object.hasOwn(message, "method")) return Object.hasOwn(message, "id") ? await this.#judgeRequest(message) : null;
    const { result } = message;
    if (result === undefined) {
      if (!isObject(message["error"])) throw malformed("an answer with neither result nor error");
      return null;
    }
    if (!isObject(result)) throw malformed("a result that is no object");
    return await this.#judgeResult(message, result);
  }

  async #judgeRequest(message: JsonObject): Promise<Change | null> {
    const denied = await firstDenied([message], this.#context.era, this.#context.ask);
    if (denied === null) return null;
    this.#note(fromServer(message, this.#context.era).method ?? "");
    return (exact) => withheld(exact["id"]);
  }

  async #judgeResult(message: JsonObject, result: JsonObject): Promise<Change | null> {
    const { era, ask, config, requestId, methods } = this.#context;
    const asked: Asked = methods.get(idKey(message["id"]) ?? "") ?? null;
    const denied = await firstDenied(asksIn(result), era, ask);
    if (denied !== null) {
      this.#note(denied.method);
      return (exact) => refusedMessage({ id: exact["id"], method: asked, era }, refusalOfAsk(denied), requestId, config);
    }
    const kept = new Map<string, readonly boolean[]>();
    for (const list of listsIn(result, asked)) kept.set(list.member, await visible(result, list, { era, ask, limit: config.listEntries }));
    const hidden = [...kept.values()].flat().filter((stays) => !stays).length;
    if (hidden === 0) return null;
    this.#hidden += hidden;
    return (exact) => ({ ...exact, result: without(exact["result"] as JsonObject, kept) });
  }

  #note(method: string): void {
    if (this.#withheld.length < WITHHELD_LIMIT) this.#withheld.push(method);
  }
}

type Change = (exact: JsonObject) => unknown;

function without(result: JsonObject, kept: ReadonlyMap<string, readonly boolean[]>): JsonObject {
  return Object.fromEntries(Object.entries(result).map(([name, value]) => {
    const stays = kept.get(name);
    return [name, stays === undefined ? value : (value as readonly unknown[]).filter((_entry, at) => stays[at])];
  }));
}

async function read(bytes: Buffer): Promise<unknown> {
  try {
    return (await readClearJsonInTurns(bytes)).value;
  } catch (cause) {
    if (cause instanceof JsonFault) throw malformed(`an answer with ${cause.message}`);
    throw cause;
  }
}

function malformed(detail: string): EgressError {
  return new EgressError("upstream.malformed", detail);
}
