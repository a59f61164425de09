import { systemClock } from "../../common/clock.ts";
import { silentLog } from "../../common/log.ts";
import { buildApp, openApiDocument } from "../../controller/api/app.ts";
import { apiConfig } from "../../controller/api/config.ts";
import type { RouteParts } from "../../controller/api/context.ts";
import { renderClientTypes, type OpenApiDocument } from "./client-types.ts";

/** The document of the API, taken from its routes: nothing is served, so that no room is needed. */
function apiDocument(): OpenApiDocument {
  const parts = { config: apiConfig.parse({}), clock: systemClock, log: silentLog } as unknown as RouteParts;
  return JSON.parse(JSON.stringify(openApiDocument(buildApp(parts)))) as OpenApiDocument;
}

/** Files that repeat what the API's routes say, by path from the root. */
export function generatedApiFiles(): ReadonlyMap<string, string> {
  const document = apiDocument();
  return new Map([["docs/api/openapi.json", `${JSON.stringify(document, null, 2)}\n`], ...renderClientTypes(document)]);
}
