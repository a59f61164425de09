import type { RequestHead } from "../model/request.ts";
import type { Binding } from "./config.ts";
import { matchesPath, mayMatchPath } from "./path-pattern.ts";

/**
 * Why a request is outside the binding of a grant, or null if it is inside in every respect. Pure; runs before anything is fetched, so that the
 * answer does not depend on the secret. The text names what the request is, not what the binding allows.
 */
export function misdirection(binding: Binding, head: RequestHead): string | null {
  if (head.scheme !== "https") return "a credential never travels over plain http";
  if (!binding.hosts.includes(head.host)) return `host ${head.host} is not in its binding`;
  if (!binding.ports.includes(head.port)) return `port ${head.port} is not in its binding`;
  if (!binding.methods.includes(head.method)) return `method ${head.method} is not in its binding`;
  if (!binding.paths.some((pattern) => matchesPath(pattern, head.path))) return "the path is not in its binding";
  if (binding.notPaths.some((pattern) => mayMatchPath(pattern, head.path))) return "the path is one that its binding leaves out: what is answered there may be a credential";
  return null;
}
