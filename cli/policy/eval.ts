import { InvalidArgumentError, type Command } from "commander";
import { EXIT } from "../../common/exit-codes.ts";
import { evaluateQuery, QUERY_ENGINES, type QueryEngine } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";

const HELP = `
QUERY is one of the decisions (connection, exchange, name) or any query of Rego. The boundary's own WebAssembly answers decisions, and \`opa eval\` the rest;
--engine opa asks it for a decision, too. FILE is an input as in policies/schemas/input.json.

Examples:
  weir policy eval policy exchange --input request.json
  weir policy eval policy exchange --input request.json --engine opa
  weir policy eval policy 'data.weir.custom.exchange.deny' --input request.json`;

/** `weir policy eval` */
export function registerEval(policy: Command, io: Io): void {
  policy.command("eval").argument("<directory>", "policy folder").argument("<query>", "decision, or query of Rego")
    .description("Evaluate a decision or a query with the library and a folder's data, packs and Rego. Exits 1 if the answer is undefined.")
    .requiredOption("-i, --input <file>", "JSON file with the input")
    .option("--engine <engine>", "wasm or opa; default by the query", queryEngine)
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .addHelpText("after", HELP)
    .action(async (directory: string, query: string, options: { input: string; engine?: QueryEngine; output: OutputFormat }) => {
      const answer = await evaluateQuery(directory, query, { inputFile: options.input, engine: options.engine, environment: io.environment, announce: io.err });
      if (options.output === "json") io.out(JSON.stringify(answer));
      else io.out("value" in answer ? JSON.stringify(answer.value, null, 2) : "undefined");
      if (!("value" in answer)) io.exitWith(EXIT.failure);
    });
}

function queryEngine(value: string): QueryEngine {
  const engine = QUERY_ENGINES.find((each) => each === value);
  if (engine === undefined) throw new InvalidArgumentError("it is wasm or opa.");
  return engine;
}
