import * as z from "zod";
import type { AgentIdentity } from "../../model/agent.ts";
import { SourceError } from "../secret-source.ts";

/** A segment that is legal in a path of Vault: `encodeURIComponent` leaves dots alone, and URL parsers act on them. */
export function isPathSegment(segment: string): boolean {
  return segment !== "" && segment !== "." && segment !== ".." && segment.length <= 256 && !/[/\\\x00-\x1f\x7f]/.test(segment);
}

/** @throws SourceError if a segment could leave its place (`..`, empty, a slash): it is refused, not repaired */
export function encodePath(segments: readonly string[]): string {
  if (!segments.every(isPathSegment)) throw new SourceError("malformed", "the path of the secret is not acceptable");
  return segments.map(encodeURIComponent).join("/");
}

/** A path as configured: where an engine is mounted, the name of a role. */
export const vaultPath = z.string().max(512).refine((value) => value.split("/").every(isPathSegment), "must be segments with single slashes between, without `.` or `..`");

const TEMPLATES = /\{(namespace|agent)\}/g;

/** At most one place in a segment: `{namespace}-{agent}` would be the same for `a-b`, `c` and for `a`, `b-c`. */
export function isTemplate(path: string): boolean {
  return path.split("/").every((segment) => {
    const places = segment.match(TEMPLATES) ?? [];
    return isPathSegment(segment) && places.length <= 1 && !/[{}]/.test(segment.replace(TEMPLATES, ""));
  });
}

/** A path that may differ by agent. */
export const vaultTemplate = z.string().max(512).refine(isTemplate, "must be segments with single slashes between, each with at most one of {namespace} and {agent}, without `.` or `..`");

export function isPerAgent(template: string): boolean {
  return template.split("/").some((segment) => segment.match(TEMPLATES) !== null);
}

/** What an agent may be called where its name opens a door: no dots alone, nothing that any parser could act on. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;

/** @returns the segments, filled for this agent @throws SourceError `forbidden` if its name could lead elsewhere */
export function fillPath(template: string, agent: AgentIdentity): string[] {
  return template.split("/").map((segment) => segment.replace(TEMPLATES, (_place, key: string) => {
    const value = key === "agent" ? agent.name : agent.namespace;
    if (!NAME.test(value)) throw new SourceError("forbidden", `the ${key}'s name cannot be part of a path`);
    return value;
  }));
}
