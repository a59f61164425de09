/** A stored event as tests look at it: every field that one of our classes can have, as if it were there. */
export interface SeenEvent {
  readonly action_id: number;
  readonly activity_id: number;
  readonly activity_name: string;
  readonly actor: object;
  readonly ai_agent: object;
  readonly attestation_list: readonly { readonly fingerprint: { readonly value: string } }[];
  readonly category_uid: number;
  readonly class_uid: number;
  readonly connection_info: { readonly uid: string };
  readonly disposition_id: number;
  readonly dst_endpoint: object;
  readonly firewall_rule: object;
  readonly http_request?: { readonly uid: string };
  readonly metadata: { readonly correlation_uid: string; readonly profiles: readonly string[]; readonly sequence: number; readonly uid: string };
  readonly policy: object;
  readonly severity_id: number;
  readonly src_endpoint: object;
  readonly status_code: string;
  readonly status_detail: string;
  readonly status_id: number;
  readonly type_uid: number;
  readonly unmapped: { readonly weir: { readonly fields: Readonly<Record<"after" | "bytes" | "detail" | "follows" | "note" | "reason" | "records_before" | "sequence" | "sink", string | number>> } };
}

export function seen(json: string): SeenEvent {
  return JSON.parse(json) as SeenEvent;
}
