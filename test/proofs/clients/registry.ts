import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

/** A package as an npm registry serves it: metadata ("packument") and tarball. */
export interface Package {
  readonly name: string;
  readonly metadata: string;
  readonly tarball: Buffer;
}

/** @param origin where the tarball is, `https://host` */
export async function makePackage(name: string, origin: string): Promise<Package> {
  const version = "1.0.0";
  const files = pack();
  files.entry({ name: "package/package.json" }, JSON.stringify({ name, version, main: "index.js" }));
  files.entry({ name: "package/index.js" }, "module.exports = () => 'installed through the boundary';\n");
  files.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of files) chunks.push(chunk as Buffer);
  const tarball = gzipSync(Buffer.concat(chunks));
  const dist = {
    tarball: `${origin}/${name}/-/${name}-${version}.tgz`,
    shasum: createHash("sha1").update(tarball).digest("hex"),
    integrity: `sha512-${createHash("sha512").update(tarball).digest("base64")}`,
  };
  return { name, tarball, metadata: JSON.stringify({ name, "dist-tags": { latest: version }, versions: { [version]: { name, version, main: "index.js", dist } } }) };
}
