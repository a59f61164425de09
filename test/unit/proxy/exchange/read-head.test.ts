import { describe, expect, test } from "vitest";
import { readHead } from "../../../../proxy/exchange/read-head.ts";
import type { HeadContext } from "../../../../proxy/exchange/read-head.ts";
import type { RawHead } from "../../../../proxy/model/request.ts";

const HTTPS: HeadContext = { destination: { kind: "name", name: "api.ok", port: 443 }, scheme: "https", wire: { kind: "tls", serverName: "api.ok", alpn: [] } };
const HTTP: HeadContext = { destination: { kind: "name", name: "api.ok", port: 80 }, scheme: "http", wire: { kind: "http" } };

type Fields = readonly (readonly [string, string])[];

function h1(fields: Fields, over: Partial<RawHead> = {}): RawHead {
  return { httpVersion: "1.1", method: "GET", target: "/", authority: null, scheme: null, rawHeaders: fields.flat(), ...over };
}

function h2(fields: Fields, over: Partial<RawHead> = {}): RawHead {
  return { httpVersion: "2", method: "GET", target: "/", authority: "api.ok", scheme: "https", rawHeaders: fields.flat(), ...over };
}

const HOST = ["Host", "api.ok"] as const;
const read = (raw: RawHead, context = HTTPS, hasBody = false) => readHead(raw, hasBody, context, "refuse");
const refused = (code: string) => expect.objectContaining({ code });

describe("readHead makes one canonical head", () => {
  test("of an ordinary request", () => {
    const head = read(h1([HOST, ["User-Agent", "curl/8"], ["X-A", "1"], ["x-a", "2"]], { target: "/v1/x?y=1" }));
    expect(head).toEqual({
      httpVersion: "1.1", method: "GET", scheme: "https", host: "api.ok", port: 443, path: "/v1/x", segments: ["v1", "x"], query: "y=1",
      headers: [["user-agent", "curl/8"], ["x-a", "1"], ["x-a", "2"]], framing: { kind: "none" }, expectsContinue: false, upgrade: null,
    });
  });

  test.each(["API.oK", "api.ok.", "api.ok:443"])("of Host %s, which is the same destination", (host) => {
    expect(read(h1([["Host", host]])).host).toBe("api.ok");
  });

  test("of an absolute target that says what Host and connection say", () => {
    expect(read(h1([HOST], { target: "https://API.ok:443/a?b" }))).toMatchObject({ host: "api.ok", path: "/a", query: "b" });
    expect(read(h1([HOST], { target: "https://api.ok" })).path).toBe("/");
    expect(read(h1([HOST], { target: "https://api.ok?b" }))).toMatchObject({ path: "/", query: "b" });
  });

  test("of OPTIONS *, and of nothing else with *", () => {
    expect(read(h1([HOST], { method: "OPTIONS", target: "*" })).path).toBe("*");
    expect(() => read(h1([HOST], { target: "*" }))).toThrow(refused("request.malformed"));
  });

  test("of HTTP/2, with or without an equal host field", () => {
    expect(read(h2([])).host).toBe("api.ok");
    expect(read(h2([["host", "API.OK:443"]])).headers).toEqual([]);
    expect(read(h2([["host", "api.ok"]], { authority: null })).host).toBe("api.ok");
  });

  test("of an address, when the connection went to that address", () => {
    const context: HeadContext = { ...HTTP, destination: { kind: "address", address: "2001:db8:0:0::1", port: 80 } };
    expect(read(h1([["Host", "[2001:DB8::1]"]]), context).host).toBe("2001:db8::1");
    expect(() => read(h1([["Host", "[2001:db8::2]"]]), context)).toThrow(refused("destination.mismatch"));
  });

  test("and keeps __proto__ and constructor as data", () => {
    const head = read(h1([HOST, ["__proto__", "a"], ["constructor", "b"]]));
    expect(head.headers).toEqual([["__proto__", "a"], ["constructor", "b"]]);
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });
});

describe("readHead refuses another destination than the connection's", () => {
  test.each<[string, RawHead, HeadContext]>([
    ["Host of another name", h1([["Host", "evil"]]), HTTPS],
    ["Host of a parent name", h1([["Host", "ok"]]), HTTPS],
    ["another port", h1([["Host", "api.ok:8443"]]), HTTPS],
    ["the default port of the other scheme", h1([["Host", "api.ok:80"]]), HTTPS],
    ["an address", h1([["Host", "127.0.0.1"]]), HTTPS],
    ["no port on a connection to another port", h1([HOST]), { ...HTTPS, destination: { kind: "name", name: "api.ok", port: 8443 } }],
    ["a server name of another host", h1([HOST]), { ...HTTPS, wire: { kind: "tls", serverName: "evil", alpn: [] } }],
    [":authority of another name", h2([], { authority: "evil" }), HTTPS],
    ["host beside another :authority", h2([["host", "evil"]]), HTTPS],
  ])("%s", (_what, raw, context) => {
    expect(() => read(raw, context)).toThrow(refused("destination.mismatch"));
  });
});

describe("readHead refuses what two parsers could read differently", () => {
  test.each<[string, RawHead, HeadContext?]>([
    ["two Host fields", h1([HOST, ["Host", "evil"]])],
    ["two equal Host fields", h1([HOST, ["host", "api.ok"]])],
    ["no Host field", h1([])],
    ["no Host field on 1.0", h1([], { httpVersion: "1.0" })],
    ["an absolute target of another host", h1([HOST], { target: "https://evil/" })],
    ["an absolute target of another scheme", h1([HOST], { target: "http://api.ok/" })],
    ["an absolute target with user information", h1([HOST], { target: "https://a@api.ok/" })],
    ["an absolute target of another port", h1([HOST], { target: "https://api.ok:444/" })],
    ["a target of another scheme altogether", h1([HOST], { target: "ftp://api.ok/" })],
    ["an authority target", h1([HOST], { target: "api.ok:443" })],
    ["a fragment", h1([HOST], { target: "/a#b" })],
    ["content-length and transfer-encoding", h1([HOST, ["Content-Length", "4"], ["Transfer-Encoding", "chunked"]])],
    ["two content-length fields", h1([HOST, ["Content-Length", "4"], ["Content-Length", "4"]])],
    ["a list of lengths", h1([HOST, ["Content-Length", "4, 4"]])],
    ["a signed length", h1([HOST, ["Content-Length", "+4"]])],
    ["a hexadecimal length", h1([HOST, ["Content-Length", "0x4"]])],
    ["a length beyond every integer", h1([HOST, ["Content-Length", "1000000000000000000"]])],
    ...["xchunked", "chunked, identity", "identity, chunked", ",chunked", "chunked,", "gzip, chunked", " chunked ;x", "\x0bchunked", "\xa0chunked", "identity", ""]
      .map((value): [string, RawHead] => [`transfer-encoding ${JSON.stringify(value)}`, h1([HOST, ["Transfer-Encoding", value]])]),
    ["two transfer-encoding fields", h1([HOST, ["Transfer-Encoding", "chunked"], ["Transfer-Encoding", "chunked"]])],
    ["transfer-encoding on HTTP/1.0", h1([HOST, ["Transfer-Encoding", "chunked"]], { httpVersion: "1.0" })],
    ["transfer-encoding on HTTP/2", h2([["transfer-encoding", "chunked"]])],
    ["connection on HTTP/2", h2([["connection", "close"]])],
    ["upgrade on HTTP/2", h2([["upgrade", "websocket"]])],
    ["another :scheme", h2([], { scheme: "http" })],
    ["neither :authority nor host", h2([], { authority: null })],
    ["two host fields on HTTP/2", h2([["host", "api.ok"], ["host", "api.ok"]])],
    ["an empty :path", h2([], { target: "" })],
    ["a field name with a space", h1([HOST, ["X ", "1"]])],
    ["an empty field name", h1([HOST, ["", "1"]])],
    ...["\x00", "\r", "\n", "\x0b", "\x1f", "\x7f", "\x80", "\x85", "\xa0", "\xff", "é"]
      .map((byte): [string, RawHead] => [`${JSON.stringify(byte)} in a value`, h1([HOST, ["X-A", `a${byte}b`]])]),
    ["a lower-case method", h1([HOST], { method: "get" })],
    ["a method with a space", h1([HOST], { method: "GET /x" })],
    ...["TRACE", "TRACK", "CONNECT"].map((method): [string, RawHead] => [method, h1([HOST], { method })]),
    ...["content-length", "Host", "Transfer-Encoding", "authorization", "x-ok, Cookie", "X-Forwarded-For", "te"]
      .map((value): [string, RawHead] => [`a trailer ${value}`, h1([HOST, ["Trailer", value]])]),
  ])("%s", (_what, raw, context = HTTPS) => {
    expect(() => read(raw, context)).toThrow(refused("request.malformed"));
  });

  test.each([["100-continue, foo"], ["foo"], ["100-continue "], [""]])("the expectation %j with 417", (value) => {
    expect(() => read(h1([HOST, ["Expect", value]]))).toThrow(refused("request.expectation"));
  });

  test("two expectations with 417, and one 100-continue not at all", () => {
    expect(() => read(h1([HOST, ["Expect", "100-continue"], ["Expect", "100-continue"]]))).toThrow(refused("request.expectation"));
    expect(read(h1([HOST, ["Expect", "100-Continue"], ["Content-Length", "1"]])).expectsContinue).toBe(true);
    expect(read(h1([HOST, ["Expect", "100-continue"]], { httpVersion: "1.0" })).expectsContinue).toBe(false);
  });
});

describe("readHead lets no field through that belongs to a hop or lies about one", () => {
  test.each([
    "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "TE", "Upgrade", "HTTP2-Settings", "X-Forwarded-For", "X-Forwarded-Host",
    "x-forwarded-anything", "X_Forwarded_Host", "Forwarded", "Via", "X-Original-URL", "X_Original_URL", "X-Rewrite-URL", "X-Host", "X-Real-IP", "X-HTTP-Method-Override", "X-Weir-Decision",
  ])("%s", (name) => {
    expect(read(h1([HOST, ["X-Kept", "1"], [name, "x"]])).headers).toEqual([["x-kept", "1"]]);
  });

  test("and none that Connection lists, wherever it stands", () => {
    const head = read(h1([["X-Api-Key", "a"], HOST, ["Connection", "close, Authorization"], ["Authorization", "b"], ["connection", "x-api-key"], ["X-Kept", "1"]]));
    expect(head.headers).toEqual([["x-kept", "1"]]);
  });

  test("but te: trailers, which gRPC needs", () => {
    expect(read(h2([["te", "trailers"]])).headers).toEqual([["te", "trailers"]]);
    expect(read(h1([HOST, ["TE", "gzip, trailers"], ["Connection", "TE"]])).headers).toEqual([["te", "trailers"]]);
    expect(read(h2([["te", "gzip"]])).headers).toEqual([]);
  });
});

describe("readHead reads the framing", () => {
  test("from length, chunks or the protocol, and takes a length of zero for no body", () => {
    expect(read(h1([HOST, ["Content-Length", "5"]]), HTTPS, true).framing).toEqual({ kind: "length", bytes: 5 });
    expect(read(h1([HOST, ["Transfer-Encoding", "Chunked"]]), HTTPS, true).framing).toEqual({ kind: "chunked" });
    expect(read(h1([HOST, ["Content-Length", "0"]])).framing).toEqual({ kind: "none" });
    expect(read(h2([]), HTTPS, true).framing).toEqual({ kind: "chunked" });
    expect(read(h2([["content-length", "5"]]), HTTPS, true).framing).toEqual({ kind: "length", bytes: 5 });
  });
});

describe("readHead knows one upgrade", () => {
  const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
  const handshake = (over: Record<string, string | undefined> = {}): Fields => {
    const fields: Record<string, string | undefined> = { Upgrade: "websocket", Connection: "keep-alive, Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY, ...over };
    return [HOST, ...Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined)];
  };

  test("the WebSocket handshake, whose own fields travel on", () => {
    const head = read(h1(handshake()));
    expect(head.upgrade).toBe("websocket");
    expect(head.headers).toEqual([["sec-websocket-version", "13"], ["sec-websocket-key", KEY]]);
  });

  test.each<[string, RawHead]>([
    ["a bad key", h1(handshake({ "Sec-WebSocket-Key": "short" }))],
    ["a key that is not 16 bytes", h1(handshake({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZT==" }))],
    ["no key", h1(handshake({ "Sec-WebSocket-Key": undefined }))],
    ["two keys", h1([...handshake(), ["sec-websocket-key", KEY]])],
    ["version 12", h1(handshake({ "Sec-WebSocket-Version": "12" }))],
    ["no Connection: Upgrade", h1(handshake({ Connection: "keep-alive" }))],
    ["no Upgrade", h1(handshake({ Upgrade: undefined }))],
    ["a second protocol", h1(handshake({ Upgrade: "websocket, h2c" }))],
    ["POST", h1(handshake(), { method: "POST" })],
    ["a body", h1([...handshake(), ["Content-Length", "4"]])],
    ["HTTP/1.0", h1(handshake(), { httpVersion: "1.0" })],
  ])("not with %s", (_what, raw) => {
    expect(() => read(raw)).toThrow(refused("request.malformed"));
  });

  test("and treats h2c as what it is without it", () => {
    const head = read(h1([HOST, ["Connection", "Upgrade, HTTP2-Settings"], ["Upgrade", "h2c"], ["HTTP2-Settings", "AAMAAABkAAQAAP__"]]));
    expect(head).toMatchObject({ upgrade: null, headers: [] });
  });
});
