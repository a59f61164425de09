import type { Builtin } from "../host-calls.ts";
import { ofTexts } from "./operands.ts";

/** Semantic Versioning 2.0.0, the grammar of its §2, §9 and §10; a leading `v` is let through, as OPA does. Numbers of 64 bits. */
const IDENTIFIER = String.raw`(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)`;
const SEMVER = new RegExp(String.raw`^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(${IDENTIFIER}(?:\.${IDENTIFIER})*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$`);
const LARGEST = 2n ** 63n - 1n;

export const VERSION_BUILTINS: Readonly<Record<string, Builtin>> = {
  "semver.is_valid": (text) => typeof text === "string" && parsed(text) !== null,
  "semver.compare": ofTexts((a, b) => {
    const [left, right] = [parsed(a), parsed(b)];
    return left === null || right === null ? undefined : compareVersions(left, right);
  }),
};

interface Version {
  readonly numbers: readonly bigint[];
  readonly prerelease: string | undefined;
}

function parsed(text: string): Version | null {
  const found = SEMVER.exec(text);
  if (found === null) return null;
  const numbers = found.slice(1, 4).map(BigInt);
  return numbers.every((number) => number <= LARGEST) ? { numbers, prerelease: found[4] } : null;
}

/** Precedence by Semantic Versioning §11: -1, 0 or 1. */
function compareVersions(a: Version, b: Version): number {
  for (const [index, x] of a.numbers.entries()) {
    const y = b.numbers[index] as bigint;
    if (x !== y) return x < y ? -1 : 1;
  }
  return comparePrereleases(a.prerelease, b.prerelease);
}

function comparePrereleases(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  const [left, right] = [a.split("."), b.split(".")];
  for (const [index, x] of left.entries()) {
    const y = right[index];
    if (y === undefined) return 1;
    const order = compareIdentifiers(x, y);
    if (order !== 0) return order;
  }
  return left.length < right.length ? -1 : 0;
}

function compareIdentifiers(a: string, b: string): number {
  if (a === b) return 0;
  const [aIsNumber, bIsNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (aIsNumber && bIsNumber) return BigInt(a) < BigInt(b) ? -1 : 1;
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
  return a < b ? -1 : 1;
}
