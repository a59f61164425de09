import { open } from "node:fs/promises";
import { Secret } from "../../common/secret.ts";
import { SourceError } from "./secret-source.ts";

/** A service-account token is about 1 KB. */
const TOKEN_LIMIT_BYTES = 8 * 1_024;

/**
 * Reads a JWT as the kubelet writes it for a pod. The mode of the file is the kubelet's choice (with several users in a pod it is readable by
 * its group or by all of the pod), so that it is not judged as other secret files are.
 * @throws SourceError `missing`, `oversized`, `malformed`
 */
export async function readTokenFile(path: string): Promise<Secret> {
  const token = (await readBounded(path)).trim();
  if (!/^[A-Za-z0-9_.-]+$/.test(token)) throw new SourceError("malformed", `${path} does not hold a token`);
  return new Secret(token);
}

async function readBounded(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TOKEN_LIMIT_BYTES + 1), 0, TOKEN_LIMIT_BYTES + 1, 0);
    if (bytesRead > TOKEN_LIMIT_BYTES) throw new SourceError("oversized", `${path} is larger than ${TOKEN_LIMIT_BYTES} bytes`);
    return buffer.toString("latin1", 0, bytesRead);
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw new SourceError("missing", `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`);
  }
}
