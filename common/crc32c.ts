/** CRC-32C, polynomial 0x1EDC6F41 reflected (RFC 3720 appendix B.4): the checksum of PROXY protocol v2. Node's zlib has only the other CRC-32. */
export function crc32c(bytes: Buffer): number {
  let sum = 0xffff_ffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (0x82f6_3b78 & -(sum & 1));
  }
  return (sum ^ 0xffff_ffff) >>> 0;
}
