import type { Command } from "commander";
import type { Io } from "../io.ts";
import { registerBuild } from "../policy/build.ts";
import { registerCheck } from "../policy/check.ts";
import { registerEval } from "../policy/eval.ts";
import { registerFormat } from "../policy/format.ts";
import { registerInspect } from "../policy/inspect.ts";
import { registerKeygen } from "../policy/keygen.ts";
import { registerPin } from "../policy/pin.ts";
import { registerPush } from "../policy/push.ts";
import { registerServe } from "../policy/serve.ts";
import { registerSign } from "../policy/sign.ts";
import { registerReplay } from "../policy/replay.ts";
import { registerNewPack } from "../policy/new-pack.ts";
import { registerPacks } from "../policy/packs.ts";
import { registerShadow } from "../policy/shadow.ts";
import { registerSuggest } from "../policy/suggest.ts";
import { registerTest } from "../policy/test.ts";
import { registerTry } from "../policy/try.ts";

const HELP = `
A policy is a folder: data.yaml (what may be reached) for the library that comes with Weir, packs for whole services, and *.rego of your own where data is not enough.
Data alone needs no compiler. Rego is compiled by opa: WEIR_OPA, PATH, Weir's tool cache, or built once by Go.

Examples:
  weir policy check policy
  weir policy test policy
  weir policy try --policy policy --host api.github.com --method POST --path /user
  weir policy packs github
  weir policy new-pack tracker --host tracker.example.com
  weir policy build policy -o policy.tar.gz
  weir policy push policy --revision 42 --sign release.key --to https://bundles.example.com/weir/bundle.tar.gz --token-file token`;

export function registerPolicy(program: Command, io: Io): void {
  const policy = program.command("policy").summary("check, test, ask and build policies").description("Check, test, ask and build policies.").addHelpText("after", HELP);
  registerCheck(policy, io);
  registerTest(policy, io);
  registerTry(policy, io);
  registerReplay(policy, io);
  registerShadow(policy, io);
  registerSuggest(policy, io);
  registerBuild(policy, io);
  registerFormat(policy, io);
  registerEval(policy, io);
  registerPacks(policy, io);
  registerNewPack(policy, io);
  registerKeygen(policy, io);
  registerSign(policy, io);
  registerInspect(policy, io);
  registerPush(policy, io);
  registerServe(policy, io);
  registerPin(policy, io);
}
