import { describe, expect, test } from "vitest";
import { withTrust } from "../../../../controller/pods/trust-parts.ts";
import type { ReadContainer } from "../../../../controller/resources/pod.ts";
import { aContainer } from "../../../support/pods.ts";

const trusting = (changes: Partial<ReadContainer> = {}, mountSystemBundle = true) => withTrust(aContainer(changes), { mountSystemBundle });
const mounts = (container: ReadContainer) => container.volumeMounts?.map(({ mountPath }) => mountPath);
const value = (container: ReadContainer, variable: string) => container.env?.find(({ name }) => name === variable)?.["value"];
const BUNDLE = "/etc/ssl/certs/ca-certificates.crt";

describe("a container that is made to trust the boundary", () => {
  test("finds the files by its variables and where the system's roots are, and can change neither", () => {
    const container = trusting();
    expect(value(container, "NODE_EXTRA_CA_CERTS")).toBe("/weir/trust/ca.crt");
    expect(container.volumeMounts).toEqual([
      { name: "weir-trust", mountPath: "/weir/trust", readOnly: true }, { name: "weir-trust", mountPath: BUNDLE, subPath: "ca-bundle.crt", readOnly: true },
    ]);
  });

  test("keeps a variable that it has set itself", () => {
    const container = trusting({ env: [{ name: "SSL_CERT_FILE", value: "/mine.pem" }] });
    expect(value(container, "SSL_CERT_FILE")).toBe("/mine.pem");
    expect(container.env?.filter(({ name }) => name === "SSL_CERT_FILE")).toHaveLength(1);
  });

  test.each(["/etc/ssl/certs", "/etc/ssl/", "/etc", BUNDLE])("keeps what it has mounted over the system's roots itself: %s", (mountPath) => {
    expect(mounts(trusting({ volumeMounts: [{ name: "roots", mountPath }] }))).toEqual([mountPath, "/weir/trust"]);
  });

  test.each(["/etc/ssl/certs/mine.crt", "/etc/sslx", "/data"])("gets them in spite of a mount elsewhere: %s", (mountPath) => {
    expect(mounts(trusting({ volumeMounts: [{ name: "roots", mountPath }] }))).toEqual([mountPath, "/weir/trust", BUNDLE]);
  });

  test("keeps the system's roots if its agent says so", () => {
    expect(mounts(trusting({}, false))).toEqual(["/weir/trust"]);
  });

  test("has no way to write the files: a mount of its own of that volume is gone", () => {
    expect(trusting({ volumeMounts: [{ name: "weir-trust", mountPath: "/mine" }] }).volumeMounts).toEqual(trusting().volumeMounts);
  });
});
