/** The parts of an OpenAPI 3.1 document that ours uses. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: "path" | "query" | "header"; readonly required?: boolean; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
}

/** What fits is written on one line. */
const WIDTH = 190;
const WRITTEN_BY = "// Written by `npm run docs:generate` from the routes in controller/api; not by hand.\n";

/** The client's types: objects in one file, paths, in the shape that openapi-fetch takes, in another. */
export function renderClientTypes(document: OpenApiDocument): readonly (readonly [path: string, text: string])[] {
  return [["client/objects.ts", renderObjects(document)], ["client/paths.ts", renderPaths(document)]];
}

function renderObjects({ components }: OpenApiDocument): string {
  const objects = Object.entries(components.schemas).toSorted(byName).map(([name, schema]) => {
    const fields = Object.entries(schema.properties ?? {});
    const short = `export interface ${name} { ${fields.map(([field, of]) => property(field, of, schema)).join("; ")} }\n`;
    if (short.length <= WIDTH && fields.every(([, of]) => comment(of, "") === "")) return `${comment(schema, "")}${short}`;
    return `${comment(schema, "")}export interface ${name} {\n${fields.map(([field, of]) => `${comment(of, "  ")}  ${property(field, of, schema)};\n`).join("")}}\n`;
  });
  return `${WRITTEN_BY}\n${objects.join("\n")}`;
}

function renderPaths(document: OpenApiDocument): string {
  const paths = Object.entries(document.paths).toSorted(byName).map(([path, methods]) => {
    const operations = Object.entries(methods).map(([method, operation]) => renderOperation(method, operation));
    return `  ${JSON.stringify(path)}: {\n${operations.join("")}  };\n`;
  });
  const text = paths.join("");
  const used = Object.keys(document.components.schemas).filter((name) => new RegExp(`\\b${name}\\b`).test(text)).toSorted();
  return `${WRITTEN_BY}import type {
${wrapped(used)}
} from "./objects.ts";

interface Json<T> { headers: Record<string, unknown>; content: { "application/json": T } }
interface Empty { headers: Record<string, unknown>; content?: never }

/** Every path of the API, as openapi-fetch reads it. */
export interface paths {
${text}}
`;
}

/** Names on lines that are not too long. */
function wrapped(names: readonly string[]): string {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + name.length + 2 <= WIDTH) lines[lines.length - 1] = `${last} ${name},`;
    else lines.push(`  ${name},`);
  }
  return lines.join("\n");
}

function renderOperation(method: string, operation: Operation): string {
  const parameters = `parameters: { ${["query", "header", "path"].map((place) => renderParameters(place, operation)).join("; ")} };`;
  const body = `requestBody${renderBody(operation)};`;
  const lines = [
    ...(parameters.length + body.length <= WIDTH ? [`${parameters} ${body}`] : [parameters, body]),
    `responses: { ${Object.entries(operation.responses).map(([status, { content }]) => `${status}: ${renderAnswer(content)}`).join("; ")} };`,
  ];
  const summary = operation.summary === undefined ? "" : `    /** ${operation.summary}. */\n`;
  return `${summary}    ${method}: {\n${lines.map((line) => `      ${line}\n`).join("")}    };\n`;
}

/** Parameters that nobody has to give can be left out altogether. */
function renderParameters(place: string, { parameters = [] }: Operation): string {
  const here = parameters.filter((parameter) => parameter.in === place);
  if (here.length === 0) return `${place}?: never`;
  const isOptional = here.every(({ required }) => required !== true);
  return `${place}${isOptional ? "?" : ""}: { ${here.map(({ name, required, schema }) => `${key(name)}${required === true ? "" : "?"}: ${typeOf(schema)}`).join("; ")} }`;
}

function renderBody({ requestBody }: Operation): string {
  if (requestBody === undefined) return "?: never";
  return `: { content: { ${Object.entries(requestBody.content).map(([mediaType, { schema }]) => `${JSON.stringify(mediaType)}: ${typeOf(schema)}`).join("; ")} } }`;
}

function renderAnswer(content: Content | undefined): string {
  const json = content?.["application/json"];
  if (json !== undefined) return `Json<${typeOf(json.schema)}>`;
  return content === undefined ? "Empty" : `{ headers: Record<string, unknown>; content: { ${Object.keys(content).map((mediaType) => `${JSON.stringify(mediaType)}: string`).join("; ")} } }`;
}

/** A schema of ours as a TypeScript type. What it does not know is an error: a type that is wrong helps nobody. */
export function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(" | ");
  if (schema.type === undefined) return "unknown";
  return (typeof schema.type === "string" ? [schema.type] : schema.type).map((type) => simpleType(type, schema)).join(" | ");
}

function simpleType(type: string, schema: Schema): string {
  switch (type) {
    case "string": case "boolean": case "null": return type;
    case "integer": case "number": return "number";
    case "array": return schema.items === undefined ? "unknown[]" : arrayOf(typeOf(schema.items));
    case "object": return `{ ${Object.entries(schema.properties ?? {}).map(([field, of]) => property(field, of, schema)).join("; ")} }`;
    default: throw new Error(`no TypeScript type for ${type}`);
  }
}

function arrayOf(type: string): string {
  return type.includes("|") ? `(${type})[]` : `${type}[]`;
}

function property(field: string, schema: Schema, { required = [] }: Schema): string {
  return `${key(field)}${required.includes(field) ? "" : "?"}: ${typeOf(schema)}`;
}

function key(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

function comment({ description, $ref }: Schema, indent: string): string {
  return description === undefined || $ref !== undefined ? "" : `${indent}/** ${description} */\n`;
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
