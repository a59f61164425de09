import { EgressError } from "../../errors.ts";
import type { Reading } from "./read-packet.ts";

/** Runs what must be done with a server in one time for all of it. @throws EgressError `upstream.timeout`, or the reason of `signal` */
export async function inTime<T>(deadlineMs: number, signal: AbortSignal, work: (reading: Reading) => Promise<T>): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => { late.abort(new EgressError("upstream.timeout", `the database server was not done within ${deadlineMs} ms`)); }, deadlineMs);
  try {
    return await work({ deadlineMs, signal: AbortSignal.any([signal, late.signal]) });
  } finally {
    clearTimeout(timer);
  }
}
