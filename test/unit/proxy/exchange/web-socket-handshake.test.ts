import { describe, expect, test } from "vitest";
import { acceptFor, readWebSocketAnswer } from "../../../../proxy/exchange/web-socket-handshake.ts";
import type { HeaderList, OutboundHead } from "../../../../proxy/model/request.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const outbound: OutboundHead = {
  method: "GET", scheme: "https", host: "api.ok", port: 443, target: "/", framing: { kind: "none" }, upgrade: "websocket",
  headers: [["sec-websocket-key", KEY], ["sec-websocket-protocol", "chat, other"], ["sec-websocket-extensions", "permessage-deflate; client_max_window_bits"]],
};
const answer = (over: HeaderList = []): HeaderList => {
  const named = new Set(over.map(([name]) => name));
  return [...([["upgrade", "WebSocket"], ["connection", "Upgrade"], ["sec-websocket-accept", acceptFor(KEY)]] as const).filter(([name]) => !named.has(name)), ...over];
};

test("acceptFor is RFC 6455's own example", () => {
  expect(acceptFor(KEY)).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

describe("readWebSocketAnswer", () => {
  test("passes what was asked for", () => {
    const passed = readWebSocketAnswer(answer([["sec-websocket-protocol", "chat"], ["sec-websocket-extensions", "permessage-deflate"]]), outbound);
    expect(passed.map(([name]) => name)).toEqual(["sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions"]);
  });

  test.each<[string, HeaderList]>([
    ["a wrong accept", answer([["sec-websocket-accept", "AAAA"]])],
    ["two accepts", [...answer(), ["sec-websocket-accept", acceptFor(KEY)]]],
    ["another upgrade", answer([["upgrade", "h2c"]])],
    ["no connection", answer([["connection", "close"]])],
    ["a protocol nobody asked for", answer([["sec-websocket-protocol", "root"]])],
    ["an extension nobody offered", answer([["sec-websocket-extensions", "x-zip"]])],
    ["a header that breaks a line", answer([["x-a", "1\r\nb: 2"]])],
  ])("refuses %s", (_what, headers) => {
    expect(() => readWebSocketAnswer(headers, outbound)).toThrow(expect.objectContaining({ code: "upstream.malformed" }));
  });

  test("refuses 101 to a request that asked for none", () => {
    expect(() => readWebSocketAnswer(answer(), { ...outbound, upgrade: null })).toThrow(expect.objectContaining({ code: "upstream.malformed" }));
  });
});
