import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { signBundle } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";
import type { SigningOptions } from "./build-bundle.ts";
import { readBundleFile, readPemFile } from "./read-files.ts";

/** `weir policy sign` */
export function registerSign(policy: Command, io: Io): void {
  policy.command("sign").argument("<bundle>", "bundle, also one that `opa build` wrote")
    .requiredOption("--sign <file>", "private key in PEM, as `weir policy keygen` writes it")
    .option("--key-id <id>", "ID of the key in policy.verification.keys; without it every key is tried")
    .option("--scope <scope>", "what the signature is for, as policy.verification.scope says")
    .option("-o, --output <file>", "signed bundle to write; default: in place")
    .description("Sign a bundle that is built. A signature that it has is replaced.")
    .action(async (path: string, { sign = "", keyId, scope, output = path }: SigningOptions & { readonly output?: string }) => {
      const packed = await signBundle(readBundleFile(path), { keyPem: readPemFile(sign), keyId, scope });
      await writeFile(output, packed);
      io.out(`${output}: signed, ${packed.byteLength} bytes`);
    });
}
