import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { canonicalText, toOcsf } from "../../../../proxy/audit/ocsf.ts";
import { fromOcsf } from "../../../../proxy/audit/ocsf-read.ts";
import { clip, type Placement } from "../../../../proxy/audit/ocsf-parts.ts";
import { ERROR_TABLE, type ErrorCode } from "../../../../proxy/errors.ts";
import type { AuditRecord } from "../../../../proxy/model/record.ts";
import { seen, type SeenEvent } from "../../../support/audit-events.ts";
import { aConnection, aDecision, aDeniedExchange, aLifecycle, aModelUse, aName, anExchange } from "../../../support/audit-records.ts";

const placement: Placement = {
  sequence: 5, uid: "chain:5", product: { name: "Weir", vendor_name: "Weir", version: "0" },
  attestation: { chain_uid: "chain", prev_event: { fingerprint: { algorithm_id: 3, value: "ab" }, uid: "chain:4" } },
};
/** As stored: what is undefined is not there. */
const eventOf = (record: AuditRecord): SeenEvent => seen(JSON.stringify(toOcsf(record, placement)));

const failure = (code: ErrorCode) => ({ code, detail: "it broke" });

describe("toOcsf gives each record its class and type", () => {
  test.each<[string, AuditRecord, number, number]>([
    ["a GET", anExchange(), 4002, 400_203],
    ["a POST", anExchange({ method: "POST" }), 4002, 400_206],
    ["a PATCH", anExchange({ method: "PATCH" }), 4002, 400_209],
    ["a method of its own", anExchange({ method: "PROPFIND" }), 4002, 400_299],
    ["a request without a readable method", anExchange({ method: null }), 4002, 400_200],
    ["a tunnel that opens", aConnection({ phase: "opened", handling: "tunnel" }), 4001, 400_101],
    ["a connection that ends", aConnection(), 4001, 400_102],
    ["a connection that is refused", aConnection({ outcome: "denied", error: failure("policy.denied") }), 4001, 400_105],
    ["a connection that fails", aConnection({ outcome: "failed", error: failure("internal") }), 4001, 400_104],
    ["a name", aName(), 4003, 400_302],
    ["a start", aLifecycle({ event: "audit.started" }), 6002, 600_203],
    ["a stop", aLifecycle({ event: "audit.stopped" }), 6002, 600_204],
    ["another event of the program", aLifecycle(), 6002, 600_299],
  ])("%s", (_what, record, classUid, typeUid) => {
    const event = eventOf(record);
    expect([event.class_uid, event.type_uid]).toEqual([classUid, typeUid]);
    expect(event.type_uid).toBe(event.class_uid * 100 + event.activity_id);
    expect(event.category_uid).toBe(Math.floor(classUid / 1000));
  });
});

describe("toOcsf says what the boundary did", () => {
  test.each<[string, Partial<Parameters<typeof anExchange>[0]>, { action: number; disposition: number; status: number; severity: number }]>([
    ["allowed", {}, { action: 1, disposition: 1, status: 1, severity: 1 }],
    ["denied by policy", { outcome: "denied", error: failure("policy.denied"), decision: { ...aDecision, allowed: false } }, { action: 2, disposition: 2, status: 2, severity: 2 }],
    ["denied as a trick", { outcome: "denied", error: failure("destination.mismatch"), decision: null }, { action: 2, disposition: 2, status: 2, severity: 3 }],
    ["denied after an allow", { outcome: "denied", error: failure("budget.exhausted") }, { action: 2, disposition: 2, status: 2, severity: 2 }],
    ["failed before a decision", { outcome: "failed", error: failure("policy.unavailable"), decision: null }, { action: 2, disposition: 27, status: 2, severity: 4 }],
    ["failed after an allow", { outcome: "failed", error: failure("upstream.timeout") }, { action: 1, disposition: 27, status: 2, severity: 2 }],
  ])("%s", (_what, fields, want) => {
    const event = eventOf(anExchange(fields));
    expect({ action: event.action_id, disposition: event.disposition_id, status: event.status_id, severity: event.severity_id }).toEqual(want);
  });

  test("a refusal names rule, revision, code, reason and hint", () => {
    const event = eventOf(aDeniedExchange());
    expect(event.firewall_rule).toEqual({ name: "hosts.default" });
    expect(event.policy).toEqual({ name: "weir", version: "r7" });
    expect([event.status_code, event.status_detail]).toEqual(["policy.denied", "host not listed"]);
    expect(event.unmapped.weir).toMatchObject({ reason: "host not listed", hint: "List it.", policy_allowed: false });
  });

  test("every code of the error table has a severity above Informational", () => {
    for (const code of Object.keys(ERROR_TABLE) as ErrorCode[]) {
      expect(eventOf(anExchange({ outcome: ERROR_TABLE[code].outcome, error: failure(code) })).severity_id).toBeGreaterThan(1);
    }
  });

  test("all records of one exchange share the id that the agent was told, and name their connection", () => {
    for (const phase of ["decided", "closed"] as const) {
      const event = eventOf(anExchange({ phase }));
      expect([event.metadata.correlation_uid, event.http_request?.uid, event.connection_info.uid]).toEqual(["x-1", "x-1", "c-1"]);
    }
  });

  test("the agent is the ai_agent, and its user the actor", () => {
    const event = eventOf(anExchange());
    expect(event.ai_agent).toEqual({ instance_uid: "i-1", name: "coder", uid: "local/coder" });
    expect(event.actor).toEqual({ user: { name: "ada" } });
    expect(event.metadata.profiles).toEqual(["ai_operation", "record_integrity", "security_control"]);
  });

  test("what OCSF requires of its classes is there even where nobody could be identified", () => {
    const nobody = { agent: null, host: null, port: null, decision: null, outcome: "denied", error: failure("identity.missing") } as const;
    expect(eventOf(aConnection({ ...nobody, dialled: null })).src_endpoint).toEqual({ ip: "10.0.0.4" });
    expect(eventOf(aConnection({ ...nobody, peerAddress: null })).src_endpoint).toEqual({ uid: "c-1" });
    expect(eventOf(anExchange({ ...nobody, method: null })).http_request?.uid).toBe("x-1");
    expect(eventOf(aName({ agent: null, name: null, answer: null })).src_endpoint).toEqual({ uid: "c-2" });
  });

  test("an address literal is an ip, a name a hostname beside the address that was dialled", () => {
    expect(eventOf(anExchange({ host: "192.0.2.1", upstreamAddress: null })).dst_endpoint).toEqual({ ip: "192.0.2.1", port: 443 });
    expect(eventOf(anExchange()).dst_endpoint).toEqual({ hostname: "api.github.com", ip: "192.0.2.7", port: 443 });
  });
});

/** Strings as an agent could choose them: quotes, control characters, emoji, lone surrogates, our own marker. */
const anyText = fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.constant(`"attestation_list":[{"chain_uid":"chain"`), fc.constant("\ud800 \u2028 \u0000 é 𝕏"));

describe("the written form", () => {
  test("is canonical by RFC 8785 without sorting, whatever the texts are", () => {
    fc.assert(fc.property(anyText, anyText, fc.dictionary(anyText, fc.oneof(anyText, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean())), (one, other, fields) => {
      const records = [
        anExchange({ path: one, userAgent: other, host: one, queryKeys: [one, other], error: { code: "internal", detail: one, reason: other, hint: one, rule: other } }),
        aConnection({ host: one, serverName: other }), aName({ name: one, type: other }), aLifecycle({ event: one, fields }),
        aDeniedExchange({ agent: null, method: one }), anExchange({ modelUse: { ...aModelUse, model: one, provider: other }, isUnmetered: true }),
      ];
      for (const record of records) {
        const text = canonicalText(toOcsf(record, placement));
        expect(text).toBe(canonicalize(JSON.parse(text)));
      }
    }), { numRuns: 200 });
  });

  test("text that is not well-formed has its broken halves replaced, and only those", () => {
    const text = canonicalText(toOcsf(anExchange({ path: "/\ud800x", userAgent: "\\ud800 𝕏" }), placement));
    expect(JSON.parse(text).http_request).toMatchObject({ url: { path: "/\ufffdx" }, user_agent: "\\ud800 𝕏" });
  });

  test("a record survives the way to its event and back", () => {
    for (const record of [
      anExchange(), anExchange({ phase: "decided", status: null, httpVersion: null }), aDeniedExchange(), aDeniedExchange({ agent: null, method: null, path: null, decision: null }),
      anExchange({ host: "192.0.2.1", upstreamAddress: "192.0.2.9" }), anExchange({ redactions: [{ reference: "github@file#1", place: "frame", count: 3 }] }), aConnection(), aConnection({ host: null, port: null, wire: null, handling: null, decision: null, serverName: null }),
      aConnection({ phase: "opened", wire: "opaque", handling: "tunnel" }), aName(),
      aConnection({ wire: "postgres", handling: "postgres", session: { user: "a", database: "app", applicationName: "psql", credentials: ["db@file#1"], upstreamAddress: "192.0.2.9" } }),
      aConnection({ wire: "postgres", handling: "postgres", session: { user: "a", database: "app", applicationName: "", credentials: [], upstreamAddress: null } }),
      aName({ answer: null, outcome: "denied", error: failure("name.malformed"), name: null, type: null }),
      aLifecycle(), aLifecycle({ outcome: "failed", fields: {} }),
      anExchange({ modelUse: aModelUse }), anExchange({ phase: "decided", modelUse: { ...aModelUse, clampedTo: null, heldNanoUsd: null, charged: null } }),
      anExchange({ modelUse: { ...aModelUse, charged: { ...aModelUse.charged!, reportedNanoUsd: "1", estimatedNanoUsd: null, nanoUsd: null, alarms: [] } } }), anExchange({ isUnmetered: true }),
      anExchange({ mcpFiltered: { hidden: 3, withheld: ["sampling/createMessage"] } }),
    ]) expect(fromOcsf(eventOf(record))).toEqual(record);
  });

  test("what is not an event of ours is not a record", () => {
    for (const event of [null, 7, {}, { class_uid: 4002 }, { ...eventOf(anExchange()), status_code: "no.such" }, { ...eventOf(anExchange()), class_uid: 1 }]) {
      expect(fromOcsf(event)).toBeNull();
    }
  });
});

describe("clip", () => {
  test("leaves what fits", () => {
    expect(clip("a".repeat(64), 64)).toBe("a".repeat(64));
  });

  test("keeps the beginning of what is too long, and says which text it was", () => {
    const clipped = clip(`/${"a".repeat(9_000)}`, 2_048);
    expect(clipped).toHaveLength(2_048);
    expect(clipped).toMatch(/^\/a+…\[9001 characters, sha256 [0-9a-f]{64}\]$/);
    expect(clip(`/${"a".repeat(8_999)}b`, 2_048)).not.toBe(clipped);
  });

  test("a record stays under the 8 KiB that syslog receivers take, however long its texts are", () => {
    const long = "x".repeat(100_000);
    const record = anExchange({ path: long, userAgent: long, host: long, method: long, queryKeys: Array(500).fill(long), modelUse: { ...aModelUse, model: long, provider: long }, error: { code: "internal", detail: long, reason: long, hint: long, rule: long } });
    expect(JSON.stringify(toOcsf(record, placement)).length).toBeLessThan(8_000);
  });
});

test("a secret is not an audit record's text: it does not compile, and would print as [secret]", () => {
  // @ts-expect-error a Secret is not a string
  const record = anExchange({ userAgent: new Secret("canary") });
  expect(() => JSON.stringify(toOcsf(record, placement))).toThrow(TypeError);
  // @ts-expect-error nor is it a reference
  expect(JSON.stringify(toOcsf(anExchange({ credentials: [new Secret("canary")] }), placement))).not.toContain("canary");
});
