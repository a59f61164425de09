import manifest from "../package.json" with { type: "json" };

/** As in package.json; bundled, so that it needs no file at run time. */
export const VERSION: string = manifest.version;
