import { readModule, SECTION, type PolicyModule, type Section } from "./read-module.ts";
import { name, positiveS32, sized, u32, vector } from "./wasm-format.ts";

/** A function of a WebAssembly module that is to be answered by its host instead. */
export interface Redirect {
  /** Its name in the module's name section. */
  readonly symbol: string;
  /** Parameters, each an i32 as is the result. */
  readonly arity: 1 | 2 | 3 | 4;
  /** By which the host's `opa_builtinN` knows it. */
  readonly id: number;
  /** Under which name the function as it was is exported. */
  readonly exportAs: string;
}

/** Instructions (§5.4) that a function in the place of another has, and the kind of an export (§5.5.10). */
const [I32_CONST, LOCAL_GET, CALL, END] = [0x41, 0x20, 0x10, 0x0b];
const NO_LOCALS = 0;
const EXPORTED_FUNCTION = 0;

/**
 * Makes functions of a module call the host's `opa_builtinN(id, 0, arguments…)`, and exports what they were before. OPA's compiler decides by name alone
 * which builtins its WebAssembly carries in itself, so that what is wrong there can be put right only in what it made. A symbol that is not there is not
 * called by the module: the compiler leaves out what is not. Names are believed: whoever names other functions so has only another policy by it.
 * @throws Error if the module is none of OPA's compiler, names none of its functions, or one of them is not what it is said to be
 */
export function redirectFunctions(wasm: Uint8Array, redirects: readonly Redirect[]): Uint8Array<ArrayBuffer> {
  const module = readModule(wasm);
  const numbers = numbersOf(module, redirects);
  const [bodies, typeOf, exports]: [Uint8Array[], number[], Uint8Array[]] = [[...module.bodies], [...module.typeOf], []];
  for (const redirect of redirects) {
    const number = numbers.get(redirect.symbol);
    if (number === undefined) continue;
    const { at, type, body, host } = checked(module, redirect, number);
    exports.push(Buffer.concat([name(redirect.exportAs), Uint8Array.of(EXPORTED_FUNCTION), u32(module.imported.length + bodies.length)]));
    bodies.push(body);
    typeOf.push(type);
    bodies[at] = callOf(host, redirect);
  }
  return written(module, new Map([
    [SECTION.function, vector(typeOf.map(u32))], [SECTION.code, vector(bodies.map(sized))], [SECTION.export, withExports(module, exports)],
  ]));
}

/** The function of each symbol. @throws Error if two have one name */
function numbersOf({ names }: PolicyModule, redirects: readonly Redirect[]): ReadonlyMap<string, number> {
  const symbols = new Set(redirects.map(({ symbol }) => symbol));
  const found = new Map<string, number>();
  for (const [number, symbol] of names) {
    if (!symbols.has(symbol)) continue;
    if (found.has(symbol)) throw new Error(`the policy has two functions that are named ${symbol}`);
    found.set(symbol, number);
  }
  return found;
}

/** What is known of a function by its number. @throws Error if it cannot be the one that it is said to be */
function checked({ imported, typeOf, bodies, arities }: PolicyModule, { symbol, arity }: Redirect, number: number) {
  const at = number - imported.length;
  const [type, body, host] = [typeOf[at], bodies[at], imported.indexOf(`opa_builtin${arity}`)];
  const isIt = type !== undefined && body !== undefined && host !== -1 && arities[type] === arity;
  if (!isIt) throw new Error(`${symbol} of the policy is not the function that its name says`);
  return { at, type, body, host };
}

/** The body of a function that puts the number of the builtin, no context and its own arguments on the stack, and calls the host. */
function callOf(host: number, { id, arity }: Redirect): Uint8Array {
  const gets = Array.from({ length: arity }, (_, index) => [LOCAL_GET, index]).flat();
  return Buffer.concat([Uint8Array.of(NO_LOCALS, I32_CONST), positiveS32(id), Uint8Array.of(I32_CONST, 0, ...gets, CALL), u32(host), Uint8Array.of(END)]);
}

function withExports({ exports: { count, entries } }: PolicyModule, added: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([u32(count + added.length), entries, ...added]);
}

function written({ preamble, sections }: PolicyModule, changed: ReadonlyMap<number, Uint8Array>): Uint8Array<ArrayBuffer> {
  const section = ({ id, content }: Section) => Buffer.concat([Uint8Array.of(id), sized(changed.get(id) ?? content)]);
  return new Uint8Array(Buffer.concat([preamble, ...sections.map(section)]));
}
