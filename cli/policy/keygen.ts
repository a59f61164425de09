import { existsSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { makeSigningKeys } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";

/** `weir policy keygen` */
export function registerKeygen(policy: Command, io: Io): void {
  policy.command("keygen").argument("<name>", "the keys are written to NAME.key and NAME.pub")
    .description("Make a pair of Ed25519 keys: NAME.key signs bundles and stays where they are built; NAME.pub is what proxies check with.")
    .action((name: string) => {
      const [secret, open] = [`${name}.key`, `${name}.pub`];
      for (const path of [secret, open]) {
        if (existsSync(path)) throw new UserError(`${path} is there already`, "Choose another name: a key that is replaced is lost.", EXIT.config);
      }
      const { privatePem, publicPem } = makeSigningKeys();
      writeFileSync(secret, privatePem, { mode: 0o600, flag: "wx", flush: true });
      writeFileSync(open, publicPem, { mode: 0o644, flag: "wx", flush: true });
      io.out(`${secret}: signs bundles; keep it where they are built\n${open}: checks them; name it in policy.verification.keys`);
    });
}
