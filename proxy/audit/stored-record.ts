import { createHash } from "node:crypto";
import * as z from "zod";
import { attestationMarker, fingerprintText } from "./chain.ts";

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const fingerprint = z.strictObject({ algorithm_id: z.literal(3), value: hex });

/** The part of an event that ties it to its chain; the rest is free. */
const storedRecord = z.looseObject({
  attestation_list: z.tuple([z.strictObject({
    chain_uid: z.uuid(),
    fingerprint,
    prev_event: z.strictObject({ fingerprint, uid: z.string() }).optional(),
  })]),
  metadata: z.looseObject({ sequence: z.number().int().nonnegative(), uid: z.string() }),
});

export interface StoredRecord {
  readonly sequence: number;
  readonly chainUid: string;
  readonly hash: string;
  readonly previousHash: string | null;
  /** The event as parsed; fields beyond those above are not checked here. */
  readonly event: Readonly<Record<string, unknown>>;
}

/** Reads a stored line and recomputes its hash over the very bytes. @returns a sentence that says what is wrong, if something is */
export function readStoredRecord(bytes: Buffer): StoredRecord | string {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch {
    return "the line is not JSON";
  }
  const parsed = storedRecord.safeParse(json);
  if (!parsed.success) return `the record lacks a part of its chain link (${parsed.error.issues[0]?.path.join(".") ?? "?"})`;
  const [attestation] = parsed.data.attestation_list;
  const claimed = attestation.fingerprint.value;
  const prefix = Buffer.from(attestationMarker(attestation.chain_uid));
  const own = Buffer.from(fingerprintText(claimed));
  const at = bytes.indexOf(prefix) + prefix.length;
  if (at < prefix.length || !bytes.subarray(at, at + own.length).equals(own)) return "the record is not in canonical form";
  const actual = createHash("sha256").update(bytes.subarray(0, at)).update(bytes.subarray(at + own.length)).digest("hex");
  if (actual !== claimed) return "the record does not match its own hash";
  return {
    sequence: parsed.data.metadata.sequence, chainUid: attestation.chain_uid, hash: claimed,
    previousHash: attestation.prev_event?.fingerprint.value ?? null, event: parsed.data,
  };
}

/** Name and fields of a lifecycle record; null for every other kind. */
export function lifecycleOf(event: Readonly<Record<string, unknown>>): { readonly event: string; readonly fields: Readonly<Record<string, unknown>> } | null {
  const parsed = lifecycleShape.safeParse(event);
  return parsed.success ? { event: parsed.data.activity_name, fields: parsed.data.unmapped.weir.fields } : null;
}

const lifecycleShape = z.looseObject({
  class_uid: z.literal(6002),
  activity_name: z.string(),
  unmapped: z.looseObject({ weir: z.looseObject({ fields: z.record(z.string(), z.unknown()) }) }),
});
