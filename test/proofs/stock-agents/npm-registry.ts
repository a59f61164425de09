import { sendJson, type StandIn } from "./stand-in.ts";

/** A registry of packages as organisations have one: GitHub Packages. */
export const REGISTRY_HOST = "npm.pkg.github.com";

/** As much of a registry as `npm whoami` asks. */
export function npmRegistry(realToken: string): StandIn {
  return {
    hosts: [REGISTRY_HOST],
    serve: (ask, answer) => {
      const sent = ask.headers.authorization;
      const credential = sent === undefined ? "none" : sent === `Bearer ${realToken}` ? "real" : "other";
      answer.setHeader("x-key-seen", String(sent ?? ""));
      const isAsked = ask.path === "/-/whoami" && ask.method === "GET";
      if (credential !== "real") sendJson(answer, 401, { error: "unauthenticated: User cannot be authenticated with the token provided." });
      else if (isAsked) sendJson(answer, 200, { username: "weir-proof" });
      else sendJson(answer, 404, { error: "not found" });
      return { credential, fault: credential === "real" && isAsked ? null : "refused", step: "whoami" };
    },
  };
}
