import { op, writeModule, type WrittenFunction } from "./wasm-module.ts";

/** Where the written policy has its texts. */
const PLACES = { none: 16, entryPoints: 64, answer: 512, twoAnswers: 1024, room: 4096 } as const;
const ENTRY_POINTS = JSON.stringify({ "weir/connection/decision": 0, "weir/exchange/decision": 1, "weir/name/decision": 2 });

/** Functions that a policy exports to its host (https://www.openpolicyagent.org/docs/wasm), each as little as passes for one. */
const FUNCTIONS: Readonly<Record<string, WrittenFunction>> = {
  opa_malloc: { parameters: 1, body: op.i32(PLACES.room) },
  opa_json_parse: { parameters: 2, body: op.get(0) },
  opa_value_parse: { parameters: 2, body: op.get(0) },
  opa_value_dump: { parameters: 1, body: op.get(0) },
  opa_json_dump: { parameters: 1, body: op.get(0) },
  opa_heap_ptr_get: { parameters: 0, body: op.i32(PLACES.room) },
  opa_heap_ptr_set: { parameters: 1, result: null, body: [] },
  opa_eval: { parameters: 7, body: op.i32(PLACES.answer) },
  builtins: { parameters: 0, body: op.i32(PLACES.none) },
  entrypoints: { parameters: 0, body: op.i32(PLACES.entryPoints) },
};

/**
 * A policy that nobody compiled: its answer to everything is `[]`, and what it exports may be replaced. It imports `opa_builtin1`, which is function 0, and
 * `opa_abort`, function 1.
 */
export function writtenPolicy(replaced: Readonly<Record<string, Partial<WrittenFunction>>> = {}, globals: Readonly<Record<string, number>> = {}): Uint8Array<ArrayBuffer> {
  const functions = Object.entries(FUNCTIONS).map(([name, one]) => ({ exportAs: name, ...one, ...replaced[name] }));
  const added = Object.entries(replaced).filter(([name]) => !(name in FUNCTIONS)).map(([name, one]) => ({ name, parameters: 1, body: op.get(0), ...one }));
  return writeModule({
    imports: [["opa_builtin1", 3], ["opa_abort", 1]], functions: [...functions, ...added],
    memory: new Map([[PLACES.none, "{}\0"], [PLACES.entryPoints, `${ENTRY_POINTS}\0`], [PLACES.answer, "[]\0"], [PLACES.twoAnswers, "[],[]\0"]].map(([at, content]) => [Number(at), String(content)])),
    globals: { opa_wasm_abi_version: 1, opa_wasm_abi_minor_version: 3, ...globals },
  });
}
