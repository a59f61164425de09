import { EgressError } from "../errors.ts";
import type { RequestHead } from "../model/request.ts";
import type { ReadTrialHead } from "../policy/trial-head.ts";
import type { Readings } from "../readings/readings.ts";
import { policyRequest } from "./policy-input.ts";
import { readTarget } from "./read-target.ts";

/** Reads the heads of trials by the very readers that requests come by: what is tried is what the boundary would decide about. @param ofHead as `Readings` */
export function trialReader(ofHead: Readings["ofHead"]): ReadTrialHead {
  return ({ method, scheme, host, port, target, headers, isWebSocket, hasBody, encodedSlash }) => {
    try {
      const head: RequestHead = {
        httpVersion: "1.1", method, scheme, host, port, ...readTarget(target, encodedSlash), headers: Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
        framing: hasBody ? { kind: "chunked" } : { kind: "none" }, expectsContinue: false, upgrade: isWebSocket ? "websocket" : null,
      };
      return { kind: "read", request: policyRequest(head), readings: ofHead(head) };
    } catch (error) {
      if (!(error instanceof EgressError) || error.code !== "request.malformed") throw error;
      return { kind: "malformed", why: error.message };
    }
  };
}
