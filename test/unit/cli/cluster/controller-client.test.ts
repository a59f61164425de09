import { describe, expect, test } from "vitest";
import { controllerTrouble, lostConnection } from "../../../../cli/cluster/controller-client.ts";
import { aProblem } from "../../../support/talking-client.ts";

const URL = "https://127.0.0.1:8443";
const failed = (code: string) => new TypeError("fetch failed", { cause: Object.assign(new Error("words"), { code }) });

describe("trouble with the controller", () => {
  test("is its own words, with rule, hint and request", () => {
    expect(controllerTrouble(aProblem(403, "access.denied"), URL)).toMatchObject({ message: "it is access.denied (rule thread.read)", hint: "Do something. Request r1.", exitCode: 1 });
    expect(controllerTrouble(aProblem(503, "unavailable"), URL)).toMatchObject({ exitCode: 69 });
  });

  test("is told from a wrong certificate, and both from a fault of the tool", () => {
    expect(controllerTrouble(failed("ECONNREFUSED"), URL)).toMatchObject({ message: `the controller at ${URL} does not answer (ECONNREFUSED)`, exitCode: 69 });
    expect(controllerTrouble(failed("SELF_SIGNED_CERT_IN_CHAIN"), URL)).toMatchObject({ message: expect.stringContaining("is not the controller's"), hint: expect.stringContaining("--ca-file") });
    expect(controllerTrouble(failed("ERR_TLS_CERT_ALTNAME_INVALID"), URL)).toMatchObject({ hint: expect.stringContaining("--ca-file") });
    const fault = new TypeError("x is not a function");
    expect(controllerTrouble(fault, URL)).toBe(fault);
  });

  test("has a word also where the system has no code for it", () => {
    expect(lostConnection(new TypeError("fetch failed", { cause: new Error("bad port") }))).toBe("bad port");
    expect(lostConnection(new TypeError("fetch failed"))).toBe("no answer");
    expect(lostConnection("text")).toBeNull();
  });
});
