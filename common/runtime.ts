import { EXIT, UserError } from "./exit-codes.ts";

/** Lowest versions of each line with the fixes that this product relies on (TLS session reuse, HTTP/2 memory, NUL in host names). */
const FLOORS: Readonly<Record<number, readonly [minor: number, patch: number]>> = { 24: [11, 0], 26: [0, 0] };
const NEWEST_CHECKED = 26;

/** True if this version of Node carries the fixes. Lines newer than the newest checked are accepted; odd and older lines are not. */
export function isFitRuntime(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (major > NEWEST_CHECKED) return true;
  const floor = FLOORS[major];
  return floor !== undefined && (minor > floor[0] || (minor === floor[0] && patch >= floor[1]));
}

/** Every program calls this first. @throws UserError that says how to get a fit Node */
export function refuseUnfitRuntime(version: string = process.versions.node): void {
  if (isFitRuntime(version)) return;
  throw new UserError(`Node ${version} has unfixed faults that break this boundary`,
    "Use Node 26 LTS: in the checkout `npm ci` installs it and `npx weir` finds it.", EXIT.unavailable);
}
