import type { RequestHead } from "../../proxy/model/request.ts";
import { readTarget } from "../../proxy/exchange/read-target.ts";

/** The canonical head of a request to `api.ok`. @param target path and query, as sent */
export function requestHead(method: string, target: string, headers: RequestHead["headers"] = [], over: Partial<RequestHead> = {}): RequestHead {
  return {
    httpVersion: "1.1", method, scheme: "https", host: "api.ok", port: 443, ...readTarget(target, "keep"), headers, framing: { kind: "none" },
    expectsContinue: false, upgrade: null, ...over,
  };
}
