import type { CallingPolicy, HostCalls } from "../../common/rego/rego-instance.ts";
import { AS_IT_WAS, type Correction } from "./builtins/corrections.ts";
import { clamped, whole as wholeNumber } from "./builtins/operands.ts";
import { CORRECTED } from "./corrected-module.ts";
import { readValue, readWritten, writeValue, type RegoValue } from "./rego-value.ts";

/** A builtin of Rego; undefined where OPA is undefined. An error that it throws fails the whole evaluation. `isWritten`: it shows numbers as they are written. */
export type Builtin = ((...args: RegoValue[]) => RegoValue | undefined) & { readonly isWritten?: true };

/** Of a number that 32 bits hold, in the way in which the WebAssembly's own functions take it. */
const FEW_DIGITS = /^-?\d{1,9}$/;

/** Answers what a policy calls of its host: builtins that it leaves to it, by name, and those that are put right (corrected-module.ts), by their numbers. */
export function hostCalls(builtins: Readonly<Record<string, Builtin>>): HostCalls {
  return (id, args, policy) => {
    const correction = CORRECTED.get(id);
    if (correction !== undefined) return correct(correction, args, policy);
    const name = policy.nameOf(id) ?? `${id}`;
    const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined;
    if (builtin === undefined) throw new Error(`the policy calls ${name}, which is not supplied (docs/policy-builtins.md)`);
    return give(builtin(...args.map((address) => take(address, policy, builtin.isWritten))), policy);
  };
}

function correct({ exportAs, answer, isWritten, whole = [] }: Correction & { readonly exportAs: string }, args: readonly number[], policy: CallingPolicy): number {
  const result = answer((index) => take(args[index] ?? 0, policy, isWritten));
  if (result !== AS_IT_WAS) return give(result, policy);
  return policy.call(exportAs, args.map((address, index) => (whole.includes(index) ? asWhole(address, policy) : address)));
}

function take(address: number, policy: CallingPolicy, isWritten = false): RegoValue {
  const text = policy.textOf(address);
  return isWritten ? readWritten(text) : readValue(text);
}

/** A whole number, also where it is written with nothing behind the point; anything else as it is, and so what is nothing but a few digits. */
function asWhole(address: number, policy: CallingPolicy): number {
  const text = policy.textOf(address);
  if (FEW_DIGITS.test(text)) return address;
  const [, digits] = /^(-?\d+)(?:\.0+)?$/.exec(text) ?? [];
  const value = digits === undefined ? null : wholeNumber(BigInt(digits));
  return value === null ? address : give(clamped(value), policy);
}

function give(value: RegoValue | undefined, policy: CallingPolicy): number {
  return value === undefined ? 0 : policy.valueOf(writeValue(value));
}
