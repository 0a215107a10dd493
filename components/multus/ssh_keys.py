"""What an SSH key's text says of itself, so that one which cannot work is refused before anything dials. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from functools import cache

Trouble = tuple[str, str]
"""Why a text cannot be used and what to write instead. Neither ever shows a private key."""

TYPES = ("ssh-ed25519", "ssh-rsa", *(f"ecdsa-sha2-nistp{bits}" for bits in (256, 384, 521)))
"""What both ends of a login understand here: neither keys that somebody has to touch nor certificates."""

_MAGIC = b"openssh-key-v1\0"
_PUBLIC = re.compile(
    rf"\s*({'|'.join(TYPES)}|ssh-dss|sk-\S+) AAAA|-----BEGIN [A-Z0-9 ]*PUBLIC KEY-----|---- BEGIN SSH2"
)
_PATH = re.compile(r"\s*(~|\.{0,2}/|[A-Za-z]:\\)\S*\s*|\s*id_\w+\s*")
_BLOCK = re.compile(r"-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----\n(.+?)\n-----END \1-----", re.DOTALL)


def private_key_trouble(text: str) -> Trouble | None:
    """Why a text cannot be used as a private key; None where nothing of it shows."""
    whole = "give the content of the key file, which begins with '-----BEGIN'"
    if "PRIVATE KEY-----" not in text:
        if _PUBLIC.match(text):
            return "is a public key", "give the private one, from the file of the same name without .pub"
        if text.lstrip().startswith("PuTTY-User-Key-File"):
            return "is a private SSH key in PuTTY's form", "convert it by `puttygen FILE -O private-openssh`"
        if _PATH.fullmatch(text):
            return "is the path of a file and not a private SSH key", whole
        return "is not a private SSH key", whole
    if "\r" in text:
        return "has the line ends of Windows, which SSH does not read", "take them out by `tr -d '\\r' <FILE`"
    if "\n" not in text.strip():
        return "has lost its line ends", "give the file's content as it is, line by line"
    block = _BLOCK.search(text)
    if block is None:
        return "is cut off, its line '-----END' is missing or another one's", "give the whole content of the key file"
    kind, body = block.groups()
    headers, _, encoded = body.rpartition("\n\n")
    if kind.startswith("ENCRYPTED") or "ENCRYPTED" in headers:
        return _LOCKED
    content = _decoded(encoded)
    if content is None:
        return _DAMAGED
    return _openssh_trouble(content) if kind.startswith("OPENSSH") else None


_LOCKED = (
    "has a passphrase, and nobody is there to type it",
    "give a key without one, such as a copy after `ssh-keygen -p -N '' -f COPY`",
)
_DAMAGED = ("is damaged", "give the whole content of the key file as it is")


def _openssh_trouble(content: bytes) -> Trouble | None:
    """What OpenSSH's own form says before its secret part: PROTOCOL.key of OpenSSH 9.9."""
    if not content.startswith(_MAGIC):
        return _DAMAGED
    cipher, rest = _text(content[len(_MAGIC) :])
    _, rest = _text(rest)
    _, rest = _text(rest)
    public, _ = _text(rest[4:])
    kind = _text(public or b"")[0]
    if cipher is None or kind is None:
        return _DAMAGED
    if cipher != b"none":
        return _LOCKED
    if kind.decode(errors="replace") not in TYPES:
        return "is of a type that no step can log in with", f"give one of type {', '.join(TYPES)}"
    return None


# PrivateKeyInfo of an Ed25519 key, before its 32 bytes: RFC 8410, section 7.
_PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")


@cache
def shortest_form(text: str) -> str:
    """The same private key in the shortest form that golang.org/x/crypto/ssh reads, with which pulumi-command dials.

    A stack keeps it eight times for every node. OpenSSH's form of an Ed25519 key says the public part twice, and a
    comment: 400 characters, of which PKCS#8 needs 119. Any other text is returned as it is.
    """
    block = _BLOCK.search(text)
    content = _decoded(block.group(2)) if block is not None and block.group(1).startswith("OPENSSH") else None
    if content is None or not content.startswith(_MAGIC + b"\0\0\0\4none"):
        return text
    rest = content[len(_MAGIC) :]
    for _ in range(3):
        _, rest = _text(rest)
    _, rest = _text(rest[4:])
    secret, _ = _text(rest)
    # After two equal numbers, by which a wrong passphrase shows: the type, the public part, and both parts together.
    kind, rest = _text((secret or b"")[8:])
    public, rest = _text(rest)
    both, _ = _text(rest)
    if kind != b"ssh-ed25519" or both is None or len(both) != 64 or both[32:] != public:
        return text
    body = base64.b64encode(_PKCS8_ED25519 + both[:32]).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"


def host_key_trouble(text: str) -> Trouble | None:
    """Why a line of type and key cannot be a host's key; None where nothing of it shows."""
    kind, encoded = text.split()[:2]
    anew = "write what `ssh-keyscan -t ed25519 HOST` shows after the name"
    if kind not in TYPES:
        return f"is of type {kind}, which no host is checked by", anew
    content = _decoded(encoded)
    inner, key = _text(content or b"")
    if content is None or inner != kind.encode() or not key:
        return f"is cut off, or no key of type {kind}", anew
    while key:
        part, key = _text(key)
        if part is None:
            return f"is cut off, or no key of type {kind}", anew
    return None


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _text(content: bytes) -> tuple[bytes | None, bytes]:
    """The first of the counted texts that SSH writes one after the other, and what comes after it."""
    length = int.from_bytes(content[:4], "big")
    end = 4 + length
    return (content[4:end], content[end:]) if 4 <= end <= len(content) and content[:4] else (None, b"")
