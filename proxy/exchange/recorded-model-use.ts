import type { ExchangeRecord, RecordedModelUse } from "../model/record.ts";
import type { ModelUse } from "../model/metered-call.ts";
import type { ExchangeDraft } from "./open-record.ts";

/** What a record says of a call of a model: what was held for it, and once it is settled what it came to. Nothing for other requests. */
export function recordedModelUse(draft: Pick<ExchangeDraft, "call" | "isClamped" | "isUnmetered" | "modelUse">): Pick<ExchangeRecord, "modelUse" | "isUnmetered"> {
  const { call, isClamped, isUnmetered, modelUse } = draft;
  if (call === null) return isUnmetered ? { isUnmetered } : {};
  const { api, provider, model, isStream, maxOutputTokens } = call.facts;
  return {
    modelUse: {
      api, provider, model: modelUse?.model ?? model, stream: isStream, clampedTo: isClamped ? maxOutputTokens : null,
      heldNanoUsd: decimal(call.worstCase.usd ?? null), charged: modelUse === null ? null : charged(modelUse),
    },
  };
}

function charged({ tokens, amounts, isEstimated, reportedNanoUsd, estimatedNanoUsd, alarms }: ModelUse): NonNullable<RecordedModelUse["charged"]> {
  return { tokens, nanoUsd: decimal(amounts.usd ?? null), estimated: isEstimated, reportedNanoUsd: decimal(reportedNanoUsd), estimatedNanoUsd: decimal(estimatedNanoUsd), alarms };
}

function decimal(nano: bigint | null): string | null {
  return nano === null ? null : nano.toString();
}
