import { constants } from "node:http2";
import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { EgressError } from "../errors.ts";
import type { Answer, AnswerListener } from "../model/incoming.ts";
import type { HeaderList } from "../model/request.ts";

/** One HTTP/2 answer, on node's stream API (the compatibility API costs a third more). */
export class Http2Answer implements Answer {
  readonly #stream: ServerHttp2Stream;
  readonly #method: string;
  #listener: AnswerListener | null = null;
  #interruption: EgressError | null = null;
  #isListeningForDrain = false;
  #isWaitedFor: boolean;
  #mayTrail = false;
  /** The answer is its head and nothing else. */
  #isHeadAlone = false;
  #trailers: HeaderList = [];
  isStarted = false;
  isEnded = false;
  /** True once we have reset the stream ourselves. */
  isCut = false;
  gone: EgressError | null = null;

  constructor(stream: ServerHttp2Stream, method: string, expectsContinue: boolean) {
    this.#stream = stream;
    this.#method = method;
    this.#isWaitedFor = expectsContinue;
  }

  listen(listener: AnswerListener): void {
    this.#listener = listener;
    const ended = this.gone ?? this.#interruption;
    if (ended !== null) listener.onGone(ended);
  }

  /** The stream is closed. */
  leave(error: EgressError): void {
    this.gone = error;
    this.#listener?.onGone(error);
  }

  /** The exchange must end, but the agent may still be told why. */
  interrupt(error: EgressError): void {
    this.#interruption ??= error;
    this.#listener?.onGone(error);
  }

  /** Requests of one connection are independent here; floods and drains end it in http2.ts. */
  refusing(): void {}

  proceed(): void {
    if (!this.#isWaitedFor || this.isStarted || this.#stream.destroyed) return;
    this.#isWaitedFor = false;
    this.#stream.additionalHeaders({ ":status": 100 });
  }

  inform(status: number, headers: HeaderList): void {
    if (this.isStarted || this.#stream.destroyed) return;
    this.#stream.additionalHeaders({ ":status": status, ...toObject(headers) });
  }

  head(status: number, headers: HeaderList, hasBody: boolean): void {
    if (this.#stream.destroyed) return;
    const endStream = !hasBody && this.#method !== "HEAD";
    // Waiting for trailers costs a turn of the loop; an answer that says its length has none in practice.
    this.#mayTrail = hasBody && !headers.some(([name]) => name === "content-length");
    const fields = toObject(headers);
    fields[":status"] = status;
    // Throws for what HTTP/2 cannot carry; then the agent can still be told so.
    this.#stream.respond(fields, { endStream, waitForTrailers: this.#mayTrail });
    this.isStarted = true;
    this.#isHeadAlone = endStream;
    if (this.#mayTrail) this.#stream.once("wantTrailers", this.#onWantTrailers);
  }

  data(chunk: Buffer): boolean {
    if (this.#stream.destroyed || this.#stream.writableEnded) return true;
    if (this.#stream.write(chunk)) return true;
    if (!this.#isListeningForDrain) {
      this.#isListeningForDrain = true;
      this.#stream.on("drain", () => { this.#listener?.onDrain(); });
    }
    return false;
  }

  end(trailers: HeaderList): void {
    this.#listener = null;
    this.isEnded = true;
    if (this.#stream.destroyed) return;
    this.#trailers = trailers;
    if (!this.#stream.writableEnded) this.#stream.end();
    // The answer is whole: the rest of the request is not wanted (RFC 9113 §8.1).
    if (!this.#stream.readableEnded && !this.#stream.endAfterHeaders) this.#stream.once("finish", this.#isHeadAlone ? this.#onHeadWritten : this.#onFinish);
  }

  cut(error: EgressError): void {
    this.#listener = null;
    this.isEnded = true;
    this.isCut = true;
    this.#stream.close(error.code === "request.flood" ? constants.NGHTTP2_ENHANCE_YOUR_CALM : constants.NGHTTP2_INTERNAL_ERROR);
  }

  upgrade(): Duplex {
    throw new EgressError("internal", "extended CONNECT is off");
  }

  readonly #onWantTrailers = (): void => {
    this.#stream.sendTrailers(toObject(this.#trailers));
  };

  /** A head alone counts as written before it is: a reset in the same turn of the loop would go out in its place. */
  readonly #onHeadWritten = (): void => { setImmediate(this.#onFinish); };

  readonly #onFinish = (): void => {
    if (this.#stream.readableEnded) return;
    this.#stream.close(constants.NGHTTP2_NO_ERROR);
    // Node keeps a stream open until what has arrived of it is read.
    this.#stream.resume();
  };
}

/** Fields by name; several of one name become a list, which node writes as several fields. */
function toObject(headers: HeaderList): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = Object.create(null);
  for (const [name, value] of headers) {
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else fields[name] = [String(before), value];
  }
  return fields;
}
