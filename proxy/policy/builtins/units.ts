import type { Builtin } from "../host-calls.ts";
import { integer, ofTexts } from "./operands.ts";

export const UNIT_BUILTINS: Readonly<Record<string, Builtin>> = {
  "units.parse": ofTexts((text) => parseUnits(text)),
  "units.parse_bytes": ofTexts((text) => parseBytes(text)),
};

const STEPS = ["k", "m", "g", "t", "p", "e"];
/** A number, then what is no part of one. The digits of an exponent are few: OPA takes six, and numbers of a million digits are nobody's amount. */
const AMOUNT = /^([+-]?)([0-9.]*(?:[eE][+-]?\d+)?)(.*)$/s;
const EXPONENT_LIMIT = 400;

interface Amount {
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly unit: string;
}

/** The text as a fraction and a unit; null if it is no amount. */
function readAmount(text: string): Amount | null {
  const bare = text.replaceAll('"', "");
  const [, sign = "", number = "", unit = ""] = AMOUNT.exec(bare) ?? [];
  const [, wholePart = "", fraction = "", exponent = "0"] = /^(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  if (bare.includes(" ") || wholePart + fraction === "") return null;
  if (/^[+-]/.test(unit)) throw new Error("units: signs inside of an amount are not read");
  if (Math.abs(Number(exponent)) > EXPONENT_LIMIT) throw new Error("units: an amount beyond all measure");
  const power = Number(exponent) - fraction.length;
  const digits = BigInt(wholePart + fraction) * (sign === "-" ? -1n : 1n);
  return power >= 0 ? { numerator: digits * 10n ** BigInt(power), denominator: 1n, unit } : { numerator: digits, denominator: 10n ** BigInt(-power), unit };
}

/** What a unit multiplies by; null if there is no such unit. */
function factorOf(unit: string, base: bigint): bigint | null {
  const step = STEPS.indexOf(unit);
  return step === -1 ? null : base ** BigInt(step + 1);
}

function parseBytes(text: string): number | bigint | undefined {
  const amount = readAmount(text.toLowerCase());
  if (amount === null) return undefined;
  const [, letter = "", isBinary] = /^([kmgtpe]?)(i?)b?$/.exec(amount.unit) ?? [];
  const factor = amount.unit === "" ? 1n : factorOf(letter, isBinary === "i" ? 1_024n : 1_000n);
  if (factor === null) return undefined;
  return integer(amount.numerator * factor / amount.denominator);
}

/** `m` is a thousandth, `M` a million: only the first letter's case counts. */
function parseUnits(text: string): number | bigint | undefined {
  const amount = readAmount(text);
  if (amount === null) return undefined;
  const unit = amount.unit.slice(0, 1) + amount.unit.slice(1).toLowerCase();
  if (unit === "m") return fractionOf(amount.numerator, amount.denominator * 1_000n);
  const [, letter = "", isBinary] = /^([kKMgGtTpPeE]|[mM](?=i))(i?)$/.exec(unit) ?? [];
  const factor = unit === "" ? 1n : factorOf(letter.toLowerCase(), isBinary === "i" ? 1_024n : 1_000n);
  return factor === null ? undefined : fractionOf(amount.numerator * factor, amount.denominator);
}

/** Ten digits after the point, the last rounded away from zero at a half. */
function fractionOf(numerator: bigint, denominator: bigint): number | bigint {
  if (numerator % denominator === 0n) return integer(numerator / denominator);
  const size = numerator < 0n ? -numerator : numerator;
  const scaled = (size * 10n ** 10n * 2n + denominator) / (denominator * 2n);
  return Number(`${numerator < 0n ? "-" : ""}${scaled}e-10`);
}
