/** One event of a stream (WHATWG HTML §9.2.6), as far as the API writes it. */
export interface ServerSentEvent {
  readonly event: string;
  readonly id: string | null;
  readonly data: string;
}

/** A message has at most 256 KiB, which JSON can write six times as long. */
const EVENT_LIMIT_CHARACTERS = 4 << 20;

/** Reads events from text as it arrives, in whatever pieces. @throws Error if one is longer than any that the API sends */
export async function* readServerSentEvents(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of pieces) {
    rest += decoder.decode(piece, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    if (rest.length > EVENT_LIMIT_CHARACTERS) throw new Error(`an event is longer than ${EVENT_LIMIT_CHARACTERS} characters`);
    for (const block of blocks) {
      const event = readEvent(block);
      if (event !== null) yield event;
    }
  }
}

/** Null for a block of comments: a sign of life, no event. */
function readEvent(block: string): ServerSentEvent | null {
  const fields = block.split("\n").filter((line) => line !== "" && !line.startsWith(":")).map(readField);
  if (fields.length === 0) return null;
  const last = (name: string) => fields.findLast(([field]) => field === name)?.[1] ?? null;
  return { event: last("event") ?? "message", id: last("id"), data: fields.filter(([field]) => field === "data").map(([, value]) => value).join("\n") };
}

function readField(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  if (colon === -1) return [line, ""];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
}
