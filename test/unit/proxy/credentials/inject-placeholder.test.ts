import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { injectionConfig } from "../../../../proxy/credentials/injection-config.ts";
import { makeInjection } from "../../../../proxy/credentials/injectors.ts";
import { matchesPath } from "../../../../proxy/credentials/path-pattern.ts";
import { Secret } from "../../../../common/secret.ts";
import type { RequestHead } from "../../../../proxy/model/request.ts";
import { aHead } from "../../../support/credentials.ts";
import { aLoan, aMaterial, finished, NO_DUMMIES, onTheWire } from "../../../support/injections.ts";

const DUMMY = "DUMMY-0123456789";
const NASTY = 'a"b\\c$&d/e?f#g&h=i%j \u00e4';
const everywhere = { type: "placeholder", in: ["header", "path", "query", "json", "websocket"], headers: ["x-token", "authorization"], placeholder: DUMMY };

interface Over extends Partial<RequestHead> {
  readonly body?: string | Buffer;
}

async function sent(inject: object, secret: string, { body, ...over }: Over) {
  const path = over.path ?? "/v1";
  const head = aHead({ ...over, path, segments: path.slice(1).split("/") });
  const request = await finished(head, aLoan([[{ ...everywhere, ...inject }, aMaterial({ value: secret })]]), body === undefined ? null : Buffer.from(body));
  return { ...onTheWire(request.head), target: request.head.target instanceof Secret ? request.head.target.reveal() : request.head.target, body: request.body?.toString() ?? null };
}
const JSON_TYPE: [string, string][] = [["content-type", "application/json"]];
const fault = (inject: object, secret: string) => () => makeInjection(injectionConfig.parse({ ...everywhere, ...inject }), aMaterial({ value: secret }), NO_DUMMIES);

describe("a placeholder", () => {
  test("is replaced in the fields that the grant names, and in no other", async () => {
    const { fields } = await sent({}, "s3cret", { headers: [["x-token", `a ${DUMMY} ${DUMMY}`], ["x-other", DUMMY]] });
    expect(fields).toMatchObject({ "x-token": "a s3cret s3cret", "x-other": DUMMY });
  });

  test("is replaced 32 times in one request and no oftener: each makes it larger by a secret", async () => {
    const body = (count: number) => JSON.stringify(Array.from({ length: count }, () => DUMMY));
    expect((await sent({}, "s3cret", { headers: [...JSON_TYPE], body: body(32) })).body).toBe(body(32).replaceAll(DUMMY, "s3cret"));
    await expect(sent({}, "s3cret", { headers: [...JSON_TYPE], body: body(33) })).rejects.toMatchObject({ code: "request.malformed" });
    await expect(sent({}, "s3cret", { headers: [...JSON_TYPE, ["x-token", DUMMY]], body: body(32) })).rejects.toMatchObject({ code: "request.malformed" });
  });

  test("is replaced inside of HTTP Basic", async () => {
    const { fields } = await sent({}, "s3cret", { headers: [["authorization", `Basic ${Buffer.from(`user:${DUMMY}`).toString("base64")}`]] });
    expect(fields["authorization"]).toBe(`Basic ${Buffer.from("user:s3cret").toString("base64")}`);
  });

  test.each(["x-api-key", "x-my-token"])("is the only one in its field: %s of the agent's own goes, with `_` for `-` too", async (name) => {
    const headers: [string, string][] = [[name.replaceAll("-", "_"), "own"], [name, "own too"], [name, DUMMY], [name.replace("-", "_"), DUMMY], ["x_other", "stays"]];
    const head = aHead({ headers });
    const request = await finished(head, aLoan([[{ ...everywhere, headers: [name] }, aMaterial({ value: "s3cret" })]]));
    expect(request.head.headers.map(([field, value]) => [field, typeof value === "string" ? value : value.reveal()])).toEqual([[name, "s3cret"], ["x_other", "stays"], ["accept-encoding", "identity"]]);
  });

  test("that is missing from an auth field takes the field with it: it is the agent's own", async () => {
    const { fields } = await sent({}, "s3cret", { headers: [["authorization", "Bearer mine"], ["x-token", "mine too"], ["cookie", "a=mine"]] });
    expect(fields).toEqual({ "x-token": "mine too", "accept-encoding": "identity" });
  });

  test("is replaced in the path, inside of a segment that stays one", async () => {
    const path = `/bot${DUMMY}/send`;
    const { target } = await sent({}, "123:AB-c_d~e", { path, query: "x=1" });
    expect(target).toBe("/bot123%3AAB-c_d~e/send?x=1");
    expect([path, target.split("?")[0]].map((each) => matchesPath("/*/send", each!))).toEqual([true, true]);
  });

  test.each(["..", ".", "a/b", "a\\b", "a%2fb", "a?b", "a#b", "a b", "", "a;b"])("is not replaced in a path by a secret that could change where it leads: %j", (secret) => {
    expect(fault({ in: ["path"], headers: [] }, secret)).toThrow(/^malformed/);
  });

  test("is replaced in values of the query, which cannot become more than one", async () => {
    const { target } = await sent({ in: ["query"], headers: [] }, NASTY, { query: `${DUMMY}=1&k=${DUMMY}&x=%44UMMY-0123456789&plain=a+b%2B` });
    expect(target).toBe(`/v1?${DUMMY}=1&k=${encodeURIComponent(NASTY)}&x=${encodeURIComponent(NASTY)}&plain=a+b%2B`);
  });

  test("that is missing from a parameter that says who is asking takes it along", async () => {
    expect((await sent({}, "s3cret", { query: `api_key=mine&a=1&access_token=${DUMMY}` })).target).toBe("/v1?a=1&access_token=s3cret");
    expect((await sent({}, "s3cret", { query: "api_key=mine" })).target).toBe("/v1");
    expect((await sent({}, "s3cret", { query: `a=1;api.key=mine&api_key[]=mine;b=2&k=x;${DUMMY}` })).target).toBe("/v1?a=1;b=2&k=x%3Bs3cret");
  });

  test("is replaced in a JSON body so that it stays JSON, and the rest stays byte for byte", async () => {
    const body = `{ "n": 1e400, "k":"${DUMMY}", "big": 12345678901234567890,\n "${DUMMY}": "x${DUMMY}\u00fc"}`;
    const { body: changed } = await sent({ in: ["json"], headers: [] }, NASTY, { headers: JSON_TYPE, body });
    const escaped = JSON.stringify(NASTY).slice(1, -1);
    expect(changed).toBe(body.replaceAll(DUMMY, () => escaped));
    expect((JSON.parse(changed!) as { k: string }).k).toBe(NASTY);
  });

  test.each<[string, [string, string][], boolean]>([
    ["application/json; charset=utf-8", [["content-type", "application/json; charset=utf-8"]], true], ["application/vnd.api+json", [["content-type", "application/vnd.api+json"]], true],
    ["text/plain", [["content-type", "text/plain"]], false], ["application/jsonp", [["content-type", "application/jsonp"]], false], ["a form", [["content-type", "application/x-www-form-urlencoded"]], false],
    ["nothing", [], false], ["compressed JSON", [...JSON_TYPE, ["content-encoding", "gzip"]], false],
  ])("has its body held back and changed only where it is JSON: %s", async (_type, headers, isChanged) => {
    const loan = aLoan([[everywhere, aMaterial({ value: "s3cret" })]]);
    const head = aHead({ headers, framing: { kind: "chunked" } });
    expect(loan.finish[0]?.bodyLimitBytes((await finished(head, { ...loan, finish: [] })).head)).toBe(isChanged ? 1024 * 1024 : null);
    expect((await sent({}, "s3cret", { headers, body: `"${DUMMY}"` })).body).toBe(isChanged ? '"s3cret"' : `"${DUMMY}"`);
  });

  test("is left alone in places that the grant does not name", async () => {
    const all = { path: `/${DUMMY}`, query: `k=${DUMMY}`, headers: JSON_TYPE, body: `"${DUMMY}"` };
    expect(await sent({ in: ["websocket"], headers: [] }, "s3cret", all)).toMatchObject({ target: `/${DUMMY}?k=${DUMMY}`, body: `"${DUMMY}"` });
  });

  test("is the dummies of the grant if it names none, the longest first", async () => {
    const { placeholder: _named, ...unnamed } = everywhere;
    const loan = aLoan([[unnamed, aMaterial({ value: "s3cret" })]], { ...NO_DUMMIES, dummies: ["DUMMY-0123", "DUMMY-0123-longer"] });
    const { head } = await finished(aHead({ headers: [["x-token", "DUMMY-0123-longer DUMMY-0123"]] }), loan);
    expect(onTheWire(head).fields["x-token"]).toBe("s3cret s3cret");
    expect(() => makeInjection(injectionConfig.parse(unnamed), aMaterial({ value: "s3cret" }), NO_DUMMIES)).toThrow(/names no placeholder/);
  });

  test("is replaced in WebSocket text, written as JSON where that is JSON", () => {
    const rewrite = aLoan([[{ ...everywhere, in: ["websocket"], headers: [] }, aMaterial({ value: 'a"b$&' })]]).webSocketText;
    expect(rewrite?.apply(`{"token":"${DUMMY}"}`)).toBe('{"token":"a\\"b$&"}');
    expect(rewrite?.apply(`AUTH ${DUMMY}`)).toBe('AUTH a"b$&');
    expect(rewrite?.apply("hello")).toBe("hello");
  });
});

describe("placeholders and a signature", () => {
  test("are made in this order, whatever the order of the grants: the signature covers what is filled in", async () => {
    const keys = aMaterial({ accessKeyId: "AKIAREAL", secretAccessKey: "real" });
    const signature = [{ type: "aws-sigv4", regions: ["*"], services: ["lambda"] }, keys] as const;
    const placeholder = [{ type: "placeholder", in: ["json"], placeholder: DUMMY }, aMaterial({ value: "s3cret" })] as const;
    const authorization = `AWS4-HMAC-SHA256 Credential=A/20261101/r/lambda/aws4_request, SignedHeaders=host, Signature=00`;
    const hashes = await Promise.all([[signature, placeholder], [placeholder, signature]].map(async (grants) => {
      const { head, body } = await finished(aHead({ method: "POST", headers: [...JSON_TYPE, ["authorization", authorization]] }), aLoan(grants), Buffer.from(`"${DUMMY}"`));
      return [body?.toString(), onTheWire(head).fields["x-amz-content-sha256"]];
    }));
    const expected = ['"s3cret"', createHash("sha256").update('"s3cret"').digest("hex")];
    expect(hashes).toEqual([expected, expected]);
  });
});

describe("the configuration of placeholders", () => {
  test.each<[string, object]>([
    ["headers without the place", { in: ["json"], headers: ["x-token"] }], ["the place without headers", { in: ["header"], headers: [] }], ["no place", { in: [], headers: [] }],
    ["a short placeholder", { placeholder: "short" }], ["a placeholder with a quote", { placeholder: 'DUMMY-"0123456789' }],
    ["Referer", { headers: ["referer"] }], ["Origin", { headers: ["origin"] }], ["User-Agent", { headers: ["user-agent"] }], ["Host", { headers: ["host"] }],
  ])("refuses %s", (_what, over) => {
    expect(injectionConfig.safeParse({ ...everywhere, ...over }).success).toBe(false);
    expect(injectionConfig.safeParse(everywhere).success).toBe(true);
  });
});
