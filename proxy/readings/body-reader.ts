import { JsonFault, readClearJsonInTurns } from "../../common/json/clear-json.ts";
import type { McpAsked } from "../model/mcp-asked.ts";
import type { BodyReadings, McpReading, ReadingName } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";
import { readGraphql } from "./graphql.ts";
import { isJson, mediaType } from "./media-type.ts";
import { refuseOverrideIn } from "./override.ts";
import { malformed, none, type Problem, type Read } from "./part.ts";
import type { BodyToRead, BodyWasRead } from "./readings.ts";

/** Reads the messages of the Model Context Protocol: mcp/ does. @param text the body, decoded @throws EgressError `request.malformed` */
export type ReadMcp = (head: RequestHead, text: Buffer) => { readonly kind: "read"; readonly readings: readonly McpReading[]; readonly asked: McpAsked } | Problem;

/** One body, decoded, in all the ways that policy asked for. */
export class BodyReader {
  readonly #head: RequestHead;
  readonly #text: Buffer;
  readonly #take: BodyToRead["take"];
  readonly #readMcp: ReadMcp;
  #asked: McpAsked | null = null;
  /** Undefined until it was looked for. */
  #json: Promise<{ readonly value: unknown } | Problem> | undefined;

  constructor(head: RequestHead, text: Buffer, take: BodyToRead["take"], readMcp: ReadMcp) {
    this.#head = head;
    this.#text = text;
    this.#take = take;
    this.#readMcp = readMcp;
  }

  /** @throws EgressError `request.malformed`, `request.body-limit` */
  async read(names: readonly ReadingName[]): Promise<BodyWasRead> {
    const report: Record<string, string | null> = {};
    let parts: BodyReadings[] = [{}];
    for (const name of names) {
      if (name === "llm") continue;
      const read = await this.#readAs(name);
      report[name] = read.kind === "none" ? read.why : null;
      if (read.kind === "read") parts = parts.flatMap((part) => read.parts.map((one) => ({ ...part, ...one })));
    }
    return { report, parts, text: this.#text, asked: this.#asked };
  }

  async #readAs(name: Exclude<ReadingName, "llm">): Promise<Read<BodyReadings>> {
    if (this.#head.upgrade !== null) return none("what flows in a WebSocket is not read");
    switch (name) {
      case "json": return this.#asJson();
      case "graphql": return this.#asGraphql();
      case "mcp": return this.#asMcp();
    }
  }

  async #asJson(): Promise<Read<BodyReadings>> {
    const json = await this.#jsonOnce();
    return isProblem(json) ? json : { kind: "read", parts: [{ json: json.value }] };
  }

  async #asGraphql(): Promise<Read<BodyReadings>> {
    const json = this.#text.byteLength === 0 ? null : await this.#jsonOnce();
    if (isProblem(json)) return json;
    const read = await readGraphql(this.#head, json);
    return read.kind === "none" ? read : { kind: "read", parts: read.parts.map((graphql) => ({ graphql })) };
  }

  #asMcp(): Read<BodyReadings> {
    const unfit = this.#unfitForJson();
    if (unfit !== null) return unfit;
    const read = this.#readMcp(this.#head, this.#text);
    if (read.kind === "none") return read;
    this.#take(this.#text.byteLength);
    this.#asked = read.asked;
    return { kind: "read", parts: read.readings.map((mcp) => ({ mcp })) };
  }

  #jsonOnce(): Promise<{ readonly value: unknown } | Problem> {
    return this.#json ??= this.#parse();
  }

  /** For every protocol that is written in JSON: a server that goes by another content type, or by another alphabet, reads another text. */
  #unfitForJson(): Problem | null {
    if (this.#text.byteLength === 0) return none("there is no body");
    return isJson(mediaType(this.#head.headers)) ? null : none("its content type is not JSON in UTF-8");
  }

  async #parse(): Promise<{ readonly value: unknown } | Problem> {
    const unfit = this.#unfitForJson();
    if (unfit !== null) return unfit;
    try {
      const { value, memoryBytes } = await readClearJsonInTurns(this.#text, { isDecidedBy: true });
      this.#take(memoryBytes);
      refuseOverrideIn(value, this.#head);
      return { value };
    } catch (fault) {
      if (!(fault instanceof JsonFault)) throw fault;
      if (fault.kind === "no-json") return none("it cannot be parsed as JSON");
      throw malformed(fault.message);
    }
  }
}

function isProblem(read: object | null): read is Problem {
  return read !== null && "kind" in read && read.kind === "none";
}
