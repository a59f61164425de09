import { request, type ClientRequest } from "node:http";

export interface SeenEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

/** Reads an event stream byte by byte as it comes, comments too. */
export class EventReader {
  readonly events: SeenEvent[] = [];
  comments = 0;
  status = 0;
  hasEnded = false;
  readonly #outgoing: ClientRequest;
  #rest = "";

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.#outgoing = request(url, { headers, agent: false }, (incoming) => {
      this.status = incoming.statusCode ?? 0;
      incoming.setEncoding("utf8");
      incoming.on("data", (text: string) => { this.#read(text); });
      incoming.on("close", () => { this.hasEnded = true; });
      incoming.on("error", () => undefined);
    });
    this.#outgoing.on("error", () => undefined);
    this.#outgoing.end();
  }

  of(event: string): readonly SeenEvent[] {
    return this.events.filter((seen) => seen.event === event);
  }

  close(): void {
    this.#outgoing.destroy();
  }

  #read(text: string): void {
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = block.split("\n").filter((line) => !line.startsWith(":")).map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)] as const);
      if (fields.length === 0) {
        this.comments += 1;
        continue;
      }
      const all = Object.fromEntries(fields) as { event?: string; id?: string; data?: string };
      this.events.push({ event: all.event ?? "message", id: all.id, data: JSON.parse(all.data ?? "{}") as Record<string, unknown> });
    }
  }
}
