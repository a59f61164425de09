import { EventStreamCodec } from "@smithy/eventstream-codec";

const codec = new EventStreamCodec((bytes) => Buffer.from(bytes).toString("utf8"), (text) => Buffer.from(text));

/** An event source of JSON events, each under its `type` where `isNamed`. @param lineEnd of all lines */
export function eventSource(events: readonly object[], { isNamed = false, isDone = false, lineEnd = "\n" } = {}): string {
  const nameOf = (event: object) => (isNamed && "type" in event ? `event: ${String(event.type)}${lineEnd}` : "");
  const texts = events.map((event) => `${nameOf(event)}data: ${JSON.stringify(event)}${lineEnd}${lineEnd}`);
  return texts.join("") + (isDone ? `data: [DONE]${lineEnd}${lineEnd}` : "");
}

/** The array of Gemini's stream without `alt=sse`, with the white space that it has. */
export function jsonArray(elements: readonly object[]): string {
  return `[${elements.map((element) => JSON.stringify(element, null, 1)).join("\n,\r\n")}\n]\n`;
}

/** One frame of an AWS event stream. */
export function awsFrame(type: string, body: object, messageType: "event" | "exception" = "event"): Buffer {
  const text = (value: string) => ({ type: "string" as const, value });
  const name = messageType === "event" ? ":event-type" : ":exception-type";
  return Buffer.from(codec.encode({
    headers: { [name]: text(type), ":content-type": text("application/json"), ":message-type": text(messageType) }, body: Buffer.from(JSON.stringify(body)),
  }));
}

/** An AWS event stream of `[type, body]`. */
export function awsFrames(events: readonly (readonly [type: string, body: object])[]): Buffer {
  return Buffer.concat(events.map(([type, body]) => awsFrame(type, body)));
}

/** The frames of InvokeModelWithResponseStream: the maker's events in base64, with the padding that Bedrock adds. */
export function invokeFrames(events: readonly object[]): Buffer {
  return awsFrames(events.map((event, index) => ["chunk", { bytes: Buffer.from(JSON.stringify(event)).toString("base64"), p: "abcdefghij".slice(0, index % 10) }]));
}
