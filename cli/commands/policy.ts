import type { Command } from "commander";
import type { Io } from "../io.ts";
import { registerBuild } from "../policy/build.ts";
import { registerCheck } from "../policy/check.ts";
import { registerFormat } from "../policy/format.ts";
import { registerTest } from "../policy/test.ts";
import { registerTry } from "../policy/try.ts";

const HELP = `
A policy is a folder: data.yaml (what may be reached) for the library that comes with Weir, and *.rego of your own where data is not enough.
Data alone needs no compiler. Rego is compiled by opa: WEIR_OPA, PATH, Weir's tool cache, or built once by Go.

Examples:
  weir policy check policy
  weir policy test policy
  weir policy try --policy policy --host api.github.com --method POST --path /user
  weir policy build policy -o policy.tar.gz`;

export function registerPolicy(program: Command, io: Io): void {
  const policy = program.command("policy").summary("check, test, ask and build policies").description("Check, test, ask and build policies.").addHelpText("after", HELP);
  registerCheck(policy, io);
  registerTest(policy, io);
  registerTry(policy, io);
  registerBuild(policy, io);
  registerFormat(policy, io);
}
