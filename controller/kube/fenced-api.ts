import type { KubeApi } from "../../common/kube/kube-api.ts";
import type { Term } from "./term.ts";

/**
 * The API for as long as a term lasts: every write asks `term.check` before it begins and is given up when the term ends; reads go on.
 * The API must have been opened with the same `writeTimeoutMs` as the term was won with: it is what ends a write of a process that stood still.
 * Closing does nothing: the API belongs to whoever opened it.
 * @throws NotLeadingError from every write after the term
 */
export function fencedApi(api: KubeApi, term: Term): KubeApi {
  const during = (signal: AbortSignal | undefined): AbortSignal => {
    term.check();
    return signal === undefined ? term.signal : AbortSignal.any([signal, term.signal]);
  };
  return {
    get: async (type, ref, signal) => api.get(type, ref, signal),
    list: async (type, query, signal) => api.list(type, query, signal),
    watch: (type, query, resourceVersion, signal) => api.watch(type, query, resourceVersion, signal),
    read: async (path, signal) => api.read(path, signal),
    create: async (type, object, signal) => api.create(type, object, during(signal)),
    replace: async (type, object, options, signal) => api.replace(type, object, options, during(signal)),
    apply: async (type, object, options, signal) => api.apply(type, object, options, during(signal)),
    remove: async (type, ref, options, signal) => api.remove(type, ref, options, during(signal)),
    post: async (path, body, signal) => api.post(path, body, during(signal)),
    close: async () => undefined,
  };
}
