import type { ModelApi } from "../../../proxy/model/metered-call.ts";
import type { HeaderList } from "../../../proxy/model/request.ts";

/** An answer in the shape that its provider documents, with what it should come to. */
export interface RecordedAnswer {
  readonly name: string;
  readonly api: ModelApi;
  /** As the price table calls it. */
  readonly provider: string;
  /** As the request names it. */
  readonly model: string;
  readonly isStream: boolean;
  readonly isUsageInjected?: boolean;
  readonly headers: HeaderList;
  readonly bytes: Buffer;
  /** What the agent gets, if that is not the same. */
  readonly passed?: Buffer;
  /** The whole response as the price library takes it, in which of its flavors, and of which of its providers if not `provider`; null where it has no extractor for it. */
  readonly whole: { readonly body: object; readonly flavor: string; readonly extractor?: string } | null;
  /** Where the library does not extract: nano-dollars. */
  readonly costNanoUsd?: bigint;
}

export const EVENT_SOURCE: HeaderList = [["content-type", "text/event-stream; charset=utf-8"]];
export const JSON_TYPE: HeaderList = [["content-type", "application/json"]];
export const AWS_STREAM: HeaderList = [["content-type", "application/vnd.amazon.eventstream"]];
