import { EgressError } from "../errors.ts";

/** Runs work that must be done in time. @throws EgressError `upstream.timeout`, or the reason of `signal` */
export async function withDeadline<T>(deadlineMs: number, signal: AbortSignal, work: (bounded: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => { late.abort(new EgressError("upstream.timeout", `no connection after ${deadlineMs} ms`)); }, deadlineMs);
  const bounded = AbortSignal.any([signal, late.signal]);
  try {
    return await work(bounded);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for work that cannot be cancelled, no longer than the signal lasts. @throws EgressError the signal's reason */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => { aborted.reject(EgressError.from(signal.reason)); };
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
