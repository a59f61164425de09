import type { HeaderList, RequestHead } from "../../../proxy/model/request.ts";

/** The head of a POST to `https://mcp.ok/mcp`. */
export function mcpHead(headers: HeaderList = [], path = "/mcp"): RequestHead {
  return {
    httpVersion: "1.1", method: "POST", scheme: "https", host: "mcp.ok", port: 443, path, segments: path.slice(1).split("/"), query: null, headers,
    framing: { kind: "chunked" }, expectsContinue: false, upgrade: null,
  };
}
