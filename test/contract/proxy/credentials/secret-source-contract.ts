import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SourceError, valueOf, type SecretSource } from "../../../../proxy/credentials/secret-source.ts";
import { A_BORROWER, CANARY } from "../../../support/credentials.ts";

/** A place for one secret that the test can fill, and the source that reads it. */
export interface SourceStage {
  /** Puts the secret there, or takes it away. */
  put(value: string | null): Promise<void>;
  /** Opens the source anew, as a restart of the proxy does. */
  open(): SecretSource;
  close(): Promise<void>;
}

/** What every source of secrets promises (proxy/credentials/secret-source.ts). */
export function describeSecretSource(name: string, start: () => Promise<SourceStage>): void {
  describe(`secret source ${name}`, () => {
    let stage: SourceStage;
    beforeEach(async () => { stage = await start(); });
    afterEach(async () => { await stage.close(); });

    const fetch = async (signal = new AbortController().signal) => stage.open().fetch(signal, A_BORROWER);
    const fault = async () => fetch().then(() => { throw new Error("the secret was there"); }, (error: unknown) => error as SourceError);

    test("gives the secret with a version that may be printed", async () => {
      await stage.put(CANARY);
      const material = await fetch();
      const { version } = material;
      expect(valueOf(material, "value").reveal()).toBe(CANARY);
      expect(version).toMatch(/^[\w-]{1,64}$/);
      expect(version).not.toContain(CANARY);
    });

    test("gives nothing that prints the secret", async () => {
      await stage.put(CANARY);
      const fetched = await fetch();
      const source = stage.open();
      for (const text of [inspect(fetched, { depth: 9, showHidden: true }), JSON.stringify(fetched), String(valueOf(fetched, "value")), `${valueOf(fetched, "value")}`, JSON.stringify(source), source.describe]) expect(text).not.toContain(CANARY);
    });

    test("says that a secret is missing, and that this will not pass", async () => {
      await stage.put(null);
      const error = await fault();
      expect([error.name, error.fault, error.isPassing]).toEqual(["SourceError", "missing", false]);
    });

    test("refuses an empty secret", async () => {
      await stage.put("");
      expect((await fault()).fault).toBe("malformed");
    });

    test("gives the new secret with another version, once it has changed", async () => {
      await stage.put("old");
      const before = await fetch();
      await stage.put("new-value");
      const source = stage.open();
      const after = await source.fetch(new AbortController().signal, A_BORROWER);
      expect([valueOf(before, "value").reveal(), valueOf(after, "value").reveal()]).toEqual(["old", "new-value"]);
      expect(source.isCurrent(after.version)).toBe(true);
    });

    test("throws nothing but a SourceError without a cause", async () => {
      await stage.put(null);
      const error = await fault();
      expect(error).toBeInstanceOf(SourceError);
      expect(error.cause).toBeUndefined();
    });
  });
}
