#!/usr/bin/env python3
"""Checks a Weir audit chain without any of Weir's code.

usage: verify_audit.py DIRECTORY [--checkpoint FILE] [--key FILE]

Written from the formats alone (RFC 8785 canonical JSON, RFC 9162 Merkle tree, C2SP signed notes), and by another way than Weir's own verifier:
it parses each record, takes the fingerprint out, writes the canonical form anew and compares that with the stored bytes.
Needs Python 3.9 and either the `cryptography` package or the `openssl` program. Prints one JSON object.
Exit code: 0 the chain is whole, 1 it is not (with the first bad record), 2 it could not be checked.
"""
import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SEGMENT = re.compile(r"^segment-(\d{16})\.jsonl$")
SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
ROTATION = "weir.dev/audit-key-rotation/v1"
LINE_LIMIT = 1 << 20


class Damage(Exception):
    def __init__(self, sequence, damage, detail):
        super().__init__(detail)
        self.sequence, self.damage, self.detail = sequence, damage, detail


# --- canonical JSON -------------------------------------------------------------------------------------------------------------------

SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def canonical_string(text):
    return '"' + "".join(SHORT.get(c) or (f"\\u{ord(c):04x}" if ord(c) < 0x20 else c) for c in text) + '"'


def canonical_number(value):
    """ECMAScript's Number::toString, which RFC 8785 prescribes."""
    if isinstance(value, int):
        if abs(value) < 10**21:
            return str(value) if abs(value) <= 2**53 else canonical_number(float(value))
        value = float(value)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len((whole + fraction).lstrip("0")))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + digits[0] + ("." + digits[1:] if count > 1 else "") + power


def canonical(value):
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return canonical_string(value)
    if isinstance(value, (int, float)):
        return canonical_number(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(canonical_string(key) + ":" + canonical(value[key]) for key in keys) + "}"


def without_duplicates(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


# --- Merkle tree ----------------------------------------------------------------------------------------------------------------------

class Tree:
    """One entry of `levels` for each bit of the size; None where the bit is 0."""

    def __init__(self, size=0, peaks=()):
        self.size, self.levels = size, []
        remaining = list(peaks)[::-1]
        for bit in range(size.bit_length()):
            self.levels.append(remaining.pop(0) if size >> bit & 1 else None)
        if remaining:
            raise ValueError("too many peaks")

    def append(self, entry):
        node = hashlib.sha256(b"\x00" + entry).digest()
        level = 0
        while level < len(self.levels) and self.levels[level] is not None:
            node = hashlib.sha256(b"\x01" + self.levels[level] + node).digest()
            self.levels[level] = None
            level += 1
        if level == len(self.levels):
            self.levels.append(None)
        self.levels[level] = node
        self.size += 1

    def root(self):
        root = None
        for node in self.levels:
            if node is not None:
                root = node if root is None else hashlib.sha256(b"\x01" + node + root).digest()
        return hashlib.sha256(b"").digest() if root is None else root

    def peaks(self):
        return " ".join(node.hex() for node in reversed(self.levels) if node is not None)


# --- signed notes ---------------------------------------------------------------------------------------------------------------------

def verifies(public, message, signature):
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return verifies_by_openssl(public, message, signature)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        return True
    except InvalidSignature:
        return False


def verifies_by_openssl(public, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        names = {name: str(Path(folder, name)) for name in ("key", "message", "signature")}
        Path(names["key"]).write_bytes(SPKI_PREFIX + public)
        Path(names["message"]).write_bytes(message)
        Path(names["signature"]).write_bytes(signature)
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", names["key"], "-rawin",
                               "-in", names["message"], "-sigfile", names["signature"]], capture_output=True)
        return done.returncode == 0


def read_key(line):
    match = re.match(r"^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$", line.strip())
    blob = base64.b64decode(match[3], validate=True) if match else b""
    if len(blob) != 33 or blob[0] != 1:
        raise ValueError(f"not an Ed25519 verifier key: {line[:60]}")
    if hashlib.sha256(match[1].encode() + b"\n" + blob).hexdigest()[:8] != match[2]:
        raise ValueError("a verifier key whose id is not its own")
    return match[1], bytes.fromhex(match[2]), blob[1:]


def signers(note, keys):
    """Text of a note, and those of the keys that signed it."""
    text, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise ValueError("not a signed note")
    text += "\n"
    good = []
    for line in tail[:-1].split("\n"):
        mark, name, encoded = line.split(" ")
        blob = base64.b64decode(encoded, validate=True)
        if mark != "\u2014":
            raise ValueError("not a signature line")
        good += [key for key in keys if key[0] == name and key[1] == blob[:4] and verifies(key[2], text.encode(), blob[4:])]
    return text, good


def notes_of(path):
    note, signed = [], False
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line == "\n" and signed:
                yield "".join(note)
                note, signed = [], False
                continue
            note.append(line)
            signed = signed or line.startswith("\u2014 ")


class Checkpoints:
    """The notes of one file beside a growing tree."""

    def __init__(self, path, keys, is_witness):
        self.notes = notes_of(path) if Path(path).exists() else iter(())
        self.keys, self.is_witness = keys, is_witness
        self.agreed = self.agreed_size = 0
        self.origin = self.follows = self.next = None

    def start(self, chain, follows):
        self.origin = f"weir.dev/audit/{chain}"
        self.follows = None if self.is_witness else follows
        self.advance()

    def advance(self):
        last = self.next[0] if self.next else 0
        self.next = None
        for note in self.notes:
            try:
                origin, size, root = signers(note, [])[0].split("\n")[:3]
                size, root = int(size), base64.b64decode(root, validate=True)
            except ValueError as error:
                raise Damage(self.agreed_size, "unsigned", f"not a checkpoint: {error}")
            if origin != self.origin:
                if self.follows is None:
                    raise Damage(0, "replaced", f"a checkpoint is of another chain ({origin})")
                if note == self.follows:
                    self.follows = None
                continue
            if size < last:
                raise Damage(self.agreed_size, "unsigned", "the checkpoints go back")
            self.next = (size, root, note)
            return

    def require_signature(self):
        if not signers(self.next[2], self.keys)[1]:
            raise Damage(self.agreed_size, "unsigned", f"the checkpoint of {self.next[0]} records is not signed by a known key")

    def compare(self, tree):
        while self.next and self.next[0] <= tree.size:
            if self.next[0] == tree.size:
                self.require_signature()
                if self.next[1] != tree.root():
                    raise Damage(self.agreed_size, "replaced", f"the checkpoint of {tree.size} records covers others")
                self.agreed += 1
                self.agreed_size = tree.size
            self.advance()

    def finish(self, size):
        if self.next:
            self.require_signature()
            raise Damage(size, "truncated", f"a checkpoint covers {self.next[0]} records, {size} are here")


# --- the chain ------------------------------------------------------------------------------------------------------------------------

def read_record(line, expected):
    try:
        event = json.loads(line.decode("utf-8"), object_pairs_hook=without_duplicates)
        if canonical(event).encode("utf-8") != line:
            raise ValueError("not in canonical form")
        attestation, = event["attestation_list"]
        claimed = attestation.pop("fingerprint")
        actual = hashlib.sha256(canonical(event).encode("utf-8")).hexdigest()
        if claimed != {"algorithm_id": 3, "value": actual}:
            raise ValueError("it does not match its own hash")
        return event, attestation, actual, event["metadata"]["sequence"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise Damage(expected, "altered", f"{type(error).__name__}: {error}")


def own_event(event):
    """Name and fields of a record that the log writes about itself."""
    if event.get("class_uid") != 6002:
        return None, {}
    return event.get("activity_name"), event.get("unmapped", {}).get("weir", {}).get("fields", {})


def read_rotation(note, chain, keys, sequence):
    try:
        statement, of_chain, _old, new = signers(note, [])[0].split("\n")[:4]
        key = read_key(new)
        good = signers(note, keys + [key])[1]
        if statement == ROTATION and of_chain == chain and key in good and any(signer != key for signer in good):
            return key
    except (ValueError, TypeError, AttributeError):
        pass
    raise Damage(sequence, "unsigned", "a key rotation that no known key signed")


class Verifier:
    def __init__(self, directory, checkpoint, key):
        self.segments = sorted((int(match[1]), path) for path in Path(directory).iterdir() for match in [SEGMENT.match(path.name)] if match)
        if not self.segments:
            raise ValueError(f"there is no audit chain in {directory}")
        self.keys = [read_key(line) for line in Path(key or Path(directory, "signing.pub")).read_text().splitlines() if line.strip()]
        self.checks = [Checkpoints(Path(directory, "checkpoints"), self.keys, False)] + ([Checkpoints(checkpoint, self.keys, True)] if checkpoint else [])
        self.tree, self.chain, self.previous, self.first = Tree(), None, None, 0
        self.expected, self.records, self.retired, self.unfinished = self.segments[0][0], 0, 0, 0

    def run(self):
        for number, (first, path) in enumerate(self.segments):
            is_head = True
            with open(path, "rb") as lines:
                while line := lines.readline(LINE_LIMIT):
                    if not line.endswith(b"\n"):
                        if number < len(self.segments) - 1:
                            raise Damage(self.expected, "altered", f"{path.name} ends in the middle of a record")
                        if len(line) == LINE_LIMIT:
                            raise Damage(self.expected, "altered", "the line is longer than any record")
                        self.unfinished = len(line)
                        break
                    self.take(line[:-1], is_head)
                    is_head = False
            if is_head and number < len(self.segments) - 1:
                raise Damage(self.expected, "missing", f"{path.name} is empty")
        for check in self.checks:
            check.finish(self.tree.size)
        if self.first > self.retired:
            raise Damage(self.retired, "missing", f"record {self.retired} to {self.first - 1} are gone without a retention record")

    def take(self, line, is_head):
        event, attestation, digest, sequence = read_record(line, self.expected)
        name, fields = own_event(event)
        link = attestation.get("prev_event", {}).get("fingerprint", {}).get("value")
        if self.previous is None:
            self.begin(attestation["chain_uid"], sequence, fields)
        elif attestation["chain_uid"] != self.chain:
            raise Damage(self.expected, "replaced", "the record is of another chain")
        elif sequence != self.expected:
            raise Damage(self.expected, "missing" if sequence > self.expected else "misplaced", f"record {sequence} is in its place")
        elif link != self.previous:
            raise Damage(self.expected - 1, "altered", f"record {sequence} follows another record than this one")
        if is_head and (fields.get("records_before"), fields.get("tree_peaks")) != (self.tree.size, self.tree.peaks()):
            raise Damage(sequence, "altered", "the first record of a segment does not describe the records before it")
        self.tree.append(bytes.fromhex(digest))
        if name == "audit.key-rotated":
            self.keys.append(read_rotation(fields.get("note"), self.chain, self.keys, sequence))
        if name == "audit.retired":
            self.retired = max(self.retired, int(fields["records_before"]))
        for check in self.checks:
            check.compare(self.tree)
        self.previous, self.expected, self.records = digest, sequence + 1, self.records + 1

    def begin(self, chain, sequence, fields):
        if sequence != self.expected:
            raise Damage(min(sequence, self.expected), "misplaced", f"the first record is record {sequence}")
        try:
            self.tree = Tree(fields["records_before"], [bytes.fromhex(peak) for peak in fields["tree_peaks"].split()])
        except (KeyError, ValueError, TypeError, AttributeError, IndexError):
            raise Damage(sequence, "misplaced", "the first record does not say what came before it")
        self.chain, self.first = chain, sequence
        for check in self.checks:
            check.start(chain, fields.get("follows"))


def main():
    parser = argparse.ArgumentParser(description="Checks a Weir audit chain without any of Weir's code.")
    parser.add_argument("directory")
    parser.add_argument("--checkpoint", help="checkpoints that were kept elsewhere")
    parser.add_argument("--key", help="public key that was kept elsewhere; default: signing.pub beside the chain")
    arguments = parser.parse_args()
    try:
        verifier = Verifier(arguments.directory, arguments.checkpoint, arguments.key)
    except (OSError, ValueError) as error:
        print(f"verify_audit: {error}", file=sys.stderr)
        return 2
    problem = None
    try:
        verifier.run()
    except Damage as damage:
        problem = {"sequence": damage.sequence, "damage": damage.damage, "detail": damage.detail}
    print(json.dumps({
        "directory": arguments.directory, "chainUid": verifier.chain, "firstSequence": verifier.first, "records": verifier.records,
        "segments": len(verifier.segments), "checkpoints": sum(check.agreed for check in verifier.checks),
        "checkpointSize": max(check.agreed_size for check in verifier.checks), "unfinishedBytes": verifier.unfinished, "problem": problem,
    }))
    return 0 if problem is None else 1


if __name__ == "__main__":
    sys.exit(main())
