import type { KubeApi } from "../../common/kube/kube-api.ts";
import type { Term } from "./term.ts";

/**
 * The API for as long as a term lasts: every write begins only after `term.check`; reads go on afterwards. A write that has begun is not given up when
 * the caller's signal aborts (which would not undo it) but when the term is lost: it ends within `writeTimeoutMs`, with which the API must have been
 * opened, the same as the term was won with. Closing does nothing: the API belongs to whoever opened it.
 * @throws NotLeadingError from every write after the term
 */
export function fencedApi(api: KubeApi, term: Term): KubeApi {
  const write = async <T>(signal: AbortSignal | undefined, begin: (over: AbortSignal) => Promise<T>): Promise<T> => {
    signal?.throwIfAborted();
    return term.write(begin);
  };
  return {
    get: async (type, ref, signal) => api.get(type, ref, signal),
    list: async (type, query, signal) => api.list(type, query, signal),
    watch: (type, query, resourceVersion, signal) => api.watch(type, query, resourceVersion, signal),
    read: async (path, signal) => api.read(path, signal),
    create: async (type, object, signal) => write(signal, async (over) => api.create(type, object, over)),
    replace: async (type, object, options, signal) => write(signal, async (over) => api.replace(type, object, options, over)),
    apply: async (type, object, options, signal) => write(signal, async (over) => api.apply(type, object, options, over)),
    remove: async (type, ref, options, signal) => write(signal, async (over) => api.remove(type, ref, options, over)),
    post: async (path, body, signal) => write(signal, async (over) => api.post(path, body, over)),
    close: async () => undefined,
  };
}
