import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { TOKEN_LIMIT_BYTES } from "../common/preamble.ts";

/**
 * The identity token, read again whenever its file is another one or has changed (Kubernetes swaps a symbolic link, `weir run` renames
 * a new file over the old). One `stat` for each connection: cheaper and surer than a watcher.
 */
export class TokenFile {
  readonly #path: string;
  #version = "";
  #token = "";

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws Error if there is no usable token now: then no connection may be opened in the agent's name */
  read(): string {
    const { ino, mtimeMs, size } = statSync(this.#path);
    const version = `${ino} ${mtimeMs} ${size}`;
    if (version !== this.#version) {
      this.#token = readBounded(this.#path);
      this.#version = version;
    }
    return this.#token;
  }
}

function readBounded(path: string): string {
  const fd = openSync(path, "r");
  try {
    // One byte more than allowed shows that there is more; a final line break is an editor's habit, not part of the token.
    const room = Buffer.alloc(TOKEN_LIMIT_BYTES + 2);
    if (!fstatSync(fd).isFile()) throw new Error("the token file is not a regular file");
    const token = room.toString("latin1", 0, readSync(fd, room, 0, room.byteLength, 0)).trim();
    if (token === "" || token.length > TOKEN_LIMIT_BYTES) throw new Error(`the token file is empty or larger than ${TOKEN_LIMIT_BYTES} bytes`);
    return token;
  } finally {
    closeSync(fd);
  }
}
