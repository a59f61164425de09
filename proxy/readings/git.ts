import { EgressError } from "../errors.ts";
import type { GitReading } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";
import { strictQuery } from "./query.ts";

const SERVICES = { "git-upload-pack": false, "git-upload-archive": false, "git-receive-pack": true } as const;
type Service = keyof typeof SERVICES;
/** What clients write behind a repository, or the folder of a checkout; in one writing, as servers that tell capitals apart may have another repository in another. */
const ENDING = /\/?\.git$/;
const ANY_ENDING = /\.git$/i;

/**
 * Git over smart HTTP by path and query alone (gitprotocol-http): `GET REPO/info/refs?service=S` and `POST REPO/S`. The old protocol of plain files names no
 * service and is none.
 * @returns null for every other request
 * @throws EgressError `request.malformed` for one that servers could take for another service or repository
 */
export function readGit({ method, segments, query }: RequestHead): GitReading | null {
  // Some servers take a path with a slash behind it for the same.
  const named = segments.at(-1) === "" ? segments.slice(0, -1) : segments;
  const last = plain(named.at(-1));
  if (last === "refs" && plain(named.at(-2)) === "info" && (method === "GET" || method === "HEAD")) return readRefs(named, query);
  return isService(last) && method === "POST" ? reading(last, named, 1) : null;
}

/** As servers compare that ignore case, or what stands behind a semicolon. */
function plain(segment = ""): string {
  return segment.toLowerCase().split(";", 1)[0] ?? "";
}

function readRefs(path: readonly string[], query: string | null): GitReading | null {
  // Some servers begin a parameter at a semicolon too.
  if (query?.includes(";") === true) throw malformed("a Git service behind a semicolon");
  const services = strictQuery(query).filter(([name]) => name.toLowerCase() === "service");
  const [first, second] = services;
  if (first === undefined) return null;
  if (second !== undefined || first[0] !== "service") throw malformed("a Git service that is named twice, or in an unusual writing");
  return isService(first[1]) ? reading(first[1], path, 2) : null;
}

/** @param ending segments behind the repository */
function reading(service: Service, path: readonly string[], ending: number): GitReading {
  const repository = path.slice(0, -ending).join("/").replace(ENDING, "");
  if (repository === "" || path.some((segment) => /^$|[/\\;\0]/.test(segment))) throw malformed("a Git repository whose path can be read in two ways");
  if (ANY_ENDING.test(repository)) throw malformed("a Git repository that ends in .git twice, or in an unusual writing");
  return { service, repository, is_write: SERVICES[service] };
}

function isService(name: string): name is Service {
  return Object.hasOwn(SERVICES, name);
}

function malformed(detail: string): EgressError {
  return new EgressError("request.malformed", detail);
}
