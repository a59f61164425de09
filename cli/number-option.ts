import { InvalidArgumentError } from "commander";

/** Parses an option that is a whole number of at least `least`, up to seven digits. */
export function numberFrom(least: 0 | 1): (value: string) => number {
  return (value) => {
    if (!/^(0|[1-9]\d{0,6})$/.test(value) || Number(value) < least) throw new InvalidArgumentError(`it is a number from ${least} on.`);
    return Number(value);
  };
}
