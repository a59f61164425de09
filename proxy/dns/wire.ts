/** Numbers of the DNS wire format that this path speaks (IANA "DNS Parameters"). */

export const HEADER_BYTES = 12;
/** Largest query accepted: a padded one (RFC 8467) is far below. */
export const QUERY_LIMIT_BYTES = 4_096;
export const CLASS_IN = 1;

export const TYPE = { a: 1, ns: 2, cname: 5, soa: 6, null: 10, ptr: 12, mx: 15, txt: 16, aaaa: 28, srv: 33, opt: 41, svcb: 64, https: 65, ixfr: 251, axfr: 252, any: 255 } as const;

export const RCODE = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5, badVers: 16 } as const;
export type Rcode = (typeof RCODE)[keyof typeof RCODE];

/** RFC 8914 §5.2. */
export const EXTENDED_ERROR = { prohibited: 18 } as const;
export const OPTION_EXTENDED_ERROR = 15;

/** Type as text for policy and records: the mnemonic, or `TYPE123` (RFC 3597 §5). */
export function typeName(type: number): string {
  const known = Object.entries(TYPE).find(([, value]) => value === type)?.[0];
  return known === undefined ? `TYPE${type}` : known.toUpperCase();
}
