import { describe, expect, test } from "vitest";
import { generatedApiFiles } from "../../scripts/docs/api.ts";
import { read } from "./repository.ts";

describe("what is generated from the routes of the API", () => {
  test.each([...generatedApiFiles()])("%s says what they say; `npm run docs:generate` writes it", (path, text) => {
    expect(read(path)).toBe(text);
  });

  test("describes every operation", () => {
    const document = JSON.parse(read("docs/api/openapi.json")) as { paths: Record<string, Record<string, { operationId?: string; summary?: string; responses: object }>> };
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(operations.filter(({ operationId, summary }) => operationId === undefined || summary === undefined)).toEqual([]);
    expect(operations.every(({ responses }) => "default" in responses)).toBe(true);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    expect(Object.keys(document.paths).filter((path) => path.startsWith("/internal"))).toEqual([]);
  });
});
