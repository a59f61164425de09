import { EgressError } from "../errors.ts";
import type { McpAsked } from "../model/mcp-asked.ts";
import type { HeaderList, RequestHead } from "../model/request.ts";
import type { McpConfig } from "./config.ts";
import type { EndpointStreams } from "./endpoint-streams.ts";
import { blockText, EventReader, isOneLine, type Block } from "./event-stream.ts";
import type { McpAnswer, McpExchange, McpFiltered, McpWatch } from "./mcp.ts";
import { MessageFilter } from "./message-filter.ts";
import { methodsOf } from "./messages.ts";
import { Pieces } from "./pieces.ts";
import { likelyEra } from "./request-headers.ts";

/** What watching an answer takes: what is asked for it, and what is the same for every answer of a proxy. */
export interface WatchContext extends McpWatch, McpExchange {
  readonly config: McpConfig;
  readonly streams: EndpointStreams;
}

interface Answered {
  readonly status: number;
  readonly headers: HeaderList;
}

const NOTHING = Buffer.alloc(0);

/** Watches an answer; see `Mcp.watch`. */
export function watchAnswer(head: RequestHead, asked: McpAsked | null, { status, headers }: Answered, context: WatchContext): McpAnswer | null {
  // Clients read nothing of an error's body but, perhaps, an error.
  if (status < 200 || status > 299) return null;
  const form = formOf(headers);
  const isStream = head.method === "GET" && asked === null;
  // No revision of the protocol answers GET with anything but events: this is a file, or metadata of authorization.
  if (isStream && form !== "events") return acceptsEvents(head.headers) ? new Unreadable() : null;
  // Of what is said of a message that was accepted, clients read nothing.
  if (!isStream && status === 202) return null;
  const methods = methodsOf(asked?.requests ?? []);
  if (form === null) return methods.size > 0 ? new Unreadable() : null;
  // To notifications and responses servers say whatever they like, and clients do not look.
  if (form === "json" && asked?.requests.length === 0) return new Unheard();
  const filter = new MessageFilter({ ...context, era: asked?.era ?? likelyEra(head.headers, []), methods });
  const hold = new Hold(context.room);
  return form === "json" ? new WholeAnswer(filter, hold, context.config.answerBytes) : new EventAnswer(filter, hold, { head, ...context });
}

/** How the protocol's messages come; null for what it does not know, and what readers may take for different things. */
function formOf(headers: HeaderList): "json" | "events" | null {
  const [type, ...others] = headers.filter(([name]) => name === "content-type").map(([, value]) => value);
  if (type === undefined || others.length > 0) return null;
  const mediaType = type.split(";", 1)[0]?.trim().toLowerCase();
  if (mediaType === "application/json") return "json";
  return mediaType === "text/event-stream" ? "events" : null;
}

/** Clients that wait for a stream read what comes as one, whatever it says of itself. */
function acceptsEvents(headers: HeaderList): boolean {
  return headers.some(([name, value]) => name === "accept" && value.toLowerCase().includes("text/event-stream"));
}

/** What is held back of one answer. */
class Hold {
  readonly #room: McpWatch["room"];
  #bytes = 0;

  constructor(room: McpWatch["room"]) {
    this.#room = room;
  }

  /** Holds so many bytes from now on, more or fewer. @throws EgressError `upstream.malformed` if there is no room */
  set(bytes: number): void {
    const more = bytes - this.#bytes;
    if (more < 0) this.#room.giveBack(-more);
    else if (more > 0 && !this.#room.take(more)) throw new EgressError("upstream.malformed", "an answer that has to be held back, and there is no room for it (exchange.heldBytes)");
    this.#bytes = bytes;
  }
}

/** An answer in a form of which the protocol knows nothing, to somebody who may read it all the same: it passes only if it is empty. */
class Unreadable implements McpAnswer {
  readonly isWhole = true;
  readonly filtered: McpFiltered = { hidden: 0, withheld: [] };

  async push(chunk: Buffer): Promise<Buffer> {
    if (chunk.byteLength > 0) throw new EgressError("upstream.malformed", "an answer to MCP that comes as neither JSON nor events, or to a GET as other than events");
    return NOTHING;
  }

  async end(): Promise<Buffer> {
    return NOTHING;
  }

  close(): void {}
}

/** An answer to who asked nothing: nothing of it passes. */
class Unheard implements McpAnswer {
  readonly isWhole = true;
  readonly filtered: McpFiltered = { hidden: 0, withheld: [] };

  async push(): Promise<Buffer> {
    return NOTHING;
  }

  async end(): Promise<Buffer> {
    return NOTHING;
  }

  close(): void {}
}

/** An answer in one piece: JSON. */
class WholeAnswer implements McpAnswer {
  readonly isWhole = true;
  readonly #filter: MessageFilter;
  readonly #hold: Hold;
  readonly #limitBytes: number;
  readonly #pieces = new Pieces();

  constructor(filter: MessageFilter, hold: Hold, limitBytes: number) {
    this.#filter = filter;
    this.#hold = hold;
    this.#limitBytes = limitBytes;
  }

  get filtered(): McpFiltered {
    return this.#filter.filtered;
  }

  async push(chunk: Buffer): Promise<Buffer> {
    const bytes = this.#pieces.byteLength + chunk.byteLength;
    if (bytes > this.#limitBytes) throw new EgressError("upstream.malformed", `an answer of more than ${this.#limitBytes} bytes (mcp.answerBytes)`);
    this.#hold.set(bytes);
    this.#pieces.push(chunk);
    return NOTHING;
  }

  async end(): Promise<Buffer> {
    const bytes = this.#pieces.take();
    return bytes.byteLength === 0 ? bytes : await this.#filter.pass(bytes);
  }

  close(): void {
    this.#hold.set(0);
  }
}

interface EventSetting extends WatchContext {
  readonly head: RequestHead;
}

/** An answer, or whatever a server has to say, as a stream of events. */
class EventAnswer implements McpAnswer {
  readonly isWhole = false;
  readonly #filter: MessageFilter;
  readonly #hold: Hold;
  readonly #setting: EventSetting;
  readonly #reader: EventReader;
  #forget: () => void = () => {};

  constructor(filter: MessageFilter, hold: Hold, setting: EventSetting) {
    this.#filter = filter;
    this.#hold = hold;
    this.#setting = setting;
    this.#reader = new EventReader(setting.config.eventBytes, (bytes) => { hold.set(bytes); });
  }

  get filtered(): McpFiltered {
    return this.#filter.filtered;
  }

  async push(chunk: Buffer): Promise<Buffer> {
    const passed: string[] = [];
    for (const part of this.#reader.push(chunk)) passed.push(typeof part === "string" ? `${part}\n` : blockText(await this.#pass(part)));
    return Buffer.from(passed.join(""));
  }

  async end(): Promise<Buffer> {
    return NOTHING;
  }

  close(): void {
    this.#forget();
    this.#hold.set(0);
  }

  /** Events of other types are none of the protocol: what they say of the stream passes, what they say beside it does not. */
  async #pass(block: Block): Promise<Block> {
    if (block.data === null || block.data === "") return block;
    if (block.type === "endpoint") {
      if (!isOneLine(block.data)) throw new EgressError("upstream.malformed", "an endpoint with a character that some readers take for the end of a line");
      this.#noteEndpoint(block.data);
      return block;
    }
    if (block.type !== null && block.type !== "message") return { ...block, type: null, data: null };
    const data = await this.#filter.pass(Buffer.from(block.data));
    return { ...block, data: data.toString("utf8") };
  }

  #noteEndpoint(endpoint: string): void {
    const { head, instance, streams, tell } = this.#setting;
    this.#forget();
    this.#forget = streams.add(instance, head, endpoint, tell) ?? (() => {});
  }
}
