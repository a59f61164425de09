import * as z from "zod";
import { MODEL_APIS, type UsageAlarm } from "../model/metered-call.ts";
import type { RecordedModelUse } from "../model/record.ts";
import { clip } from "./ocsf-parts.ts";

/** `unmapped.weir.model_use` of an event: what is written of a call of a model, keys in code-unit order, money in nano-dollars as a decimal text. */
export function writtenModelUse({ api, provider, model, stream, clampedTo, heldNanoUsd, charged }: RecordedModelUse) {
  return {
    api,
    charged: charged === null ? undefined : writtenCharge(charged),
    clamped_to: clampedTo ?? undefined,
    held_nano_usd: heldNanoUsd ?? undefined,
    model: clip(model, 100),
    provider: clip(provider, 32),
    stream,
  };
}

function writtenCharge({ alarms, estimated, estimatedNanoUsd, nanoUsd, reportedNanoUsd, tokens }: NonNullable<RecordedModelUse["charged"]>) {
  return {
    alarms: alarms.length === 0 ? undefined : alarms,
    estimated,
    estimated_nano_usd: estimatedNanoUsd ?? undefined,
    nano_usd: nanoUsd ?? undefined,
    reported_nano_usd: reportedNanoUsd ?? undefined,
    tokens: { cache_read: tokens.cacheRead, cache_write: tokens.cacheWrite, input: tokens.input, output: tokens.output, reasoning: tokens.reasoning },
  };
}

const count = z.number().int();
const nano = z.string().regex(/^-?\d{1,20}$/);
const alarm = z.enum(["over-reported", "under-reported", "missing", "malformed", "unknown-model"]) satisfies z.ZodType<UsageAlarm>;

/** The same as it is read. */
export const modelUseShape = z.looseObject({
  api: z.enum(MODEL_APIS),
  charged: z.looseObject({
    alarms: z.array(alarm).optional(), estimated: z.boolean(), estimated_nano_usd: nano.optional(), nano_usd: nano.optional(), reported_nano_usd: nano.optional(),
    tokens: z.looseObject({ cache_read: count, cache_write: count, input: count, output: count, reasoning: count }),
  }).optional(),
  clamped_to: count.optional(), held_nano_usd: nano.optional(), model: z.string(), provider: z.string(), stream: z.boolean(),
});

export function readModelUse(written: z.output<typeof modelUseShape>): RecordedModelUse {
  const { api, provider, model, stream, charged } = written;
  return { api, provider, model, stream, clampedTo: written.clamped_to ?? null, heldNanoUsd: written.held_nano_usd ?? null, charged: charged === undefined ? null : readCharge(charged) };
}

function readCharge(charged: NonNullable<z.output<typeof modelUseShape>["charged"]>): NonNullable<RecordedModelUse["charged"]> {
  const { cache_read: cacheRead, cache_write: cacheWrite, input, output, reasoning } = charged.tokens;
  return {
    tokens: { input, cacheRead, cacheWrite, output, reasoning }, nanoUsd: charged.nano_usd ?? null, estimated: charged.estimated,
    reportedNanoUsd: charged.reported_nano_usd ?? null, estimatedNanoUsd: charged.estimated_nano_usd ?? null, alarms: charged.alarms ?? [],
  };
}
