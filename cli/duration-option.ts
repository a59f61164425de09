import { InvalidArgumentError, Option } from "commander";

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses an option that is a moment: so long ago (`90s`, `30m`, `24h`, `7d`), or a time (RFC 3339). @returns wall clock, in milliseconds */
export function momentBefore(nowMs: number): (value: string) => number {
  return (value) => {
    const [, amount, unit = ""] = /^([1-9]\d{0,5})([smhd])$/.exec(value) ?? [];
    const atMs = amount === undefined ? Date.parse(value) : nowMs - Number(amount) * (UNITS[unit] ?? 0);
    if (Number.isNaN(atMs)) throw new InvalidArgumentError("it is a time, or how long ago: 90s, 30m, 24h, 7d.");
    return atMs;
  };
}

/** `--since`, with a default that the help shows as people write it. @param usual such as `24h` */
export function sinceOption(usual: string, nowMs: number): Option {
  const parse = momentBefore(nowMs);
  return new Option("--since <when>", "from when on: how long ago, or a time").argParser(parse).default(parse(usual), usual);
}
