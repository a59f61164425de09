import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { injectionConfig } from "../../../../proxy/credentials/injection-config.ts";
import type { InjectionContext } from "../../../../proxy/credentials/injection.ts";
import { makeInjection } from "../../../../proxy/credentials/injectors.ts";
import { requireSearchable } from "../../../../proxy/credentials/searchable.ts";
import { SourceError, type ValueName } from "../../../../proxy/credentials/secret-source.ts";
import type { RequestHead } from "../../../../proxy/model/request.ts";
import { aHead, CANARY } from "../../../support/credentials.ts";
import { aLoan, aMaterial, finished, NO_DUMMIES, onTheWire } from "../../../support/injections.ts";

export interface InjectorStage {
  /** As in the configuration. */
  readonly inject: unknown;
  /** What the source gives; the canary is in at least one of them. */
  readonly values: Readonly<Partial<Record<ValueName, string>>>;
  /** Without any one of these there is nothing to inject. */
  readonly needs: readonly ValueName[];
  /** The request of an agent that wants it. */
  readonly head?: Partial<RequestHead>;
  readonly context?: InjectionContext;
  /** What the destination reads of it; null if nothing travels. */
  readonly sends: RegExp | null;
}

/** Values that would begin another field, another line or another message. */
const HOSTILE = ["a\r\nx-evil: 1", "a\nx-evil: 1", "a\0b", "a\x7fb", ""];

/** What every injector promises (proxy/credentials/injectors.ts). */
export function describeInjector(name: string, stage: InjectorStage): void {
  const context = stage.context ?? NO_DUMMIES;
  const parsed = injectionConfig.parse(stage.inject);
  const material = aMaterial(stage.values);
  const asked = aHead({ ...stage.head, headers: [["accept", "text/plain"], ["x-api-key", "mine"], ["private-token", "mine"], ...(stage.head?.headers ?? [])] });
  const leave = async () => {
    const { head, body } = await finished(asked, aLoan([[stage.inject, material]], context));
    return { ...onTheWire(head), body };
  };

  describe(`injector ${name}`, () => {
    test("brings what the destination wants to see, and leaves the rest as it is", async () => {
      const { target, fields } = await leave();
      expect(fields["accept"]).toBe("text/plain");
      const text = JSON.stringify([target, fields]);
      if (stage.sends === null) expect(text).not.toContain(CANARY);
      else expect(text).toMatch(stage.sends);
    });

    test("takes away every other identity that the agent brings", async () => {
      expect(JSON.stringify(await leave())).not.toContain("mine");
    });

    test("names what an answer must not show", () => {
      const injection = makeInjection(parsed, material, context);
      expect(injection.secrets.map((secret) => secret.reveal()).join(" ").includes(CANARY)).toBe(stage.sends !== null);
    });

    test("lends no secret that is sent and too short to be found in answers", () => {
      const short = aMaterial(Object.fromEntries(Object.entries(stage.values).map(([key, value]) => [key, value === CANARY ? "7-chars" : value])));
      const judge = (): void => { requireSearchable(makeInjection(parsed, short, context)); };
      if (stage.sends === null) expect(judge).not.toThrow();
      else expect(judge).toThrow(expect.objectContaining({ fault: "malformed" }) as Error);
    });

    test("gives nothing that prints a secret", async () => {
      const loan = aLoan([[stage.inject, material]], context);
      const { head } = await finished(asked, loan);
      for (const each of [loan, head]) expect([inspect(each, { depth: 12, showHidden: true }), JSON.stringify(each)].join("\n")).not.toContain(CANARY);
    });

    test("gives the same every time", async () => {
      expect(await leave()).toEqual(await leave());
    });

    test.each(stage.needs)("says that %s is missing, and nothing else", (missing) => {
      const { [missing]: _gone, ...values } = stage.values;
      expect(() => makeInjection(parsed, aMaterial(values), context)).toThrow(new SourceError("malformed", `the source gives no ${missing}`));
    });

    test.each(HOSTILE)("makes no second field and no second line of the secret %j", async (hostile) => {
      const values = Object.fromEntries(Object.entries(stage.values).map(([key, value]) => [key, stage.needs.includes(key as ValueName) ? hostile : value]));
      const sent = await (async () => finished(asked, aLoan([[stage.inject, aMaterial(values)]], context)))().then(({ head }) => onTheWire(head), (error: unknown) => error);
      if (sent instanceof Error) expect(sent).toBeInstanceOf(SourceError);
      else expect(Object.values((sent as Awaited<ReturnType<typeof leave>>).fields).join("")).not.toMatch(/[\r\n\0]/);
    });

    test("says nothing of a secret that it refuses", () => {
      const long = `${CANARY}\r\n`.repeat(2_000);
      const values = Object.fromEntries(stage.needs.map((key) => [key, long]));
      try {
        makeInjection(parsed, aMaterial({ ...stage.values, ...values }), context);
      } catch (error) {
        expect([(error as Error).message, inspect(error, { depth: 9, showHidden: true })].join("\n")).not.toContain(CANARY);
      }
    });
  });
}
