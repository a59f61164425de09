import { readFileSync, statSync } from "node:fs";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { Secret } from "../../common/secret.ts";
import { BUNDLE_LIMIT_BYTES } from "../../proxy/operator.ts";

const SMALL_LIMIT_BYTES = 64 * 1_024;

/** A bundle as it lies on the disk. @throws UserError naming the file and the reason */
export function readBundleFile(path: string): Buffer {
  return readLimited(path, BUNDLE_LIMIT_BYTES);
}

/** A key or certificate in PEM. @throws UserError naming the file and the reason */
export function readPemFile(path: string): string {
  return readLimited(path, SMALL_LIMIT_BYTES).toString("latin1");
}

/** A bearer token: one line of visible characters. @throws UserError naming the file and the reason, and never its content */
export function readBearerToken(path: string): Secret {
  const token = readLimited(path, SMALL_LIMIT_BYTES).toString("latin1").trim();
  if (!/^[\x21-\x7e]{16,4096}$/.test(token)) throw new UserError(`${path} holds no token`, "One line of 16 to 4096 visible ASCII characters without spaces.", EXIT.config);
  return new Secret(token);
}

function readLimited(path: string, limitBytes: number): Buffer {
  try {
    const { size } = statSync(path);
    if (size > limitBytes) throw new Error(`it is larger than ${limitBytes} bytes`);
    return readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such file" : code === "EISDIR" ? "it is a folder" : message;
    throw new UserError(`cannot read ${path}: ${reason}`, "Check the path and its rights.", EXIT.config, { cause });
  }
}
