"""Encryption of layers and attachments: AES-256-GCM, with the header as associated data.

    key file ──scrypt if a passphrase──► master key ──HKDF-SHA256──► stream key, check
                                      salt, header, fields of ENCRYPTION ──┘
    nonce = place (8 bytes) ‖ record number (4 bytes)         unique within a stream
    associated data = header ‖ ENCRYPTION payload ‖ context   what the record means

Because place and meaning are authenticated, a layer cannot be moved, repeated or put into another
stream. The check covers the header and what is to be encrypted, before any layer is read. The END
record carries a tag over the index, so that nothing can be taken out unseen.

Source: NIST SP 800-38D (GCM), RFC 5869 (HKDF), RFC 7914 (scrypt).
"""

from __future__ import annotations

import binascii
import hmac
import os
from dataclasses import dataclass, field

from ivc.errors import BitstreamError, DecryptionError, UnsupportedError, UsageError
from ivc.stream.fields import Values
from ivc.stream.syntax import ENCRYPTION
from ivc.types import AttachmentKind, Layer

KEY_BYTES = 32
SALT_BYTES = 16
TAG_BYTES = 16
CHECK_BYTES = 8

SCRYPT_R = 8
SCRYPT_P = 1
MAX_SCRYPT_WORK = 1 << 28
"""Largest 128 * N * r * p that a reader spends on a passphrase: 256 MiB at p = 1."""


@dataclass(frozen=True)
class Encryption:
    """What to encrypt, with which key.

    Attributes:
        key: content of a key file: 32 raw bytes, 64 hexadecimal digits, or else a passphrase.
        layers: layers to encrypt; None for all.
        attachments: attachments to encrypt; None for all if ``layers`` is None, else none.
        salt: 16 bytes instead of random ones. The same key and salt must never serve two streams.
        scrypt_log2_n: cost of guessing a passphrase.
    """

    key: bytes = field(repr=False)
    layers: frozenset[Layer] | None = None
    attachments: frozenset[AttachmentKind] | None = None
    salt: bytes | None = None
    scrypt_log2_n: int = 17

    def __post_init__(self) -> None:
        if not all(isinstance(layer, Layer) for layer in self.layers or ()):
            raise UsageError("Encryption.layers takes layers; attachments have their own set")
        if not all(isinstance(kind, AttachmentKind) for kind in self.attachments or ()):
            raise UsageError("Encryption.attachments takes kinds of attachments")
        if self.salt is not None and len(self.salt) != SALT_BYTES:
            raise UsageError(f"a salt has {SALT_BYTES} bytes, not {len(self.salt)}")

    @property
    def everything(self) -> bool:
        """True if no layer and no attachment stays open."""
        return self.layers is None and self.attachments is None


@dataclass(frozen=True)
class Scope:
    """What is encrypted in a stream, by number.

    Attributes:
        everything: all layers and attachments.
        layers: numbers of encrypted layers, if not everything.
        attachments: numbers of encrypted attachments, if not everything.
    """

    everything: bool
    layers: frozenset[int] = frozenset()
    attachments: frozenset[int] = frozenset()

    @staticmethod
    def of(encryption: Encryption) -> Scope:
        """What a new stream shall encrypt."""
        layers = Layer if encryption.layers is None else encryption.layers
        if encryption.everything:
            return Scope(True)
        return Scope(
            False, frozenset(map(int, layers)), frozenset(map(int, encryption.attachments or ()))
        )

    def has_layer(self, number: int) -> bool:
        """Whether layers of this number are encrypted."""
        return self.everything or number in self.layers

    def has_attachment(self, number: int) -> bool:
        """Whether attachments of this kind are encrypted."""
        return self.everything or number in self.attachments


def read_key(content: bytes) -> tuple[bytes, bool]:
    """What a key file holds: the raw key or the passphrase, and whether it is a passphrase.

    Raises:
        UsageError: when it is empty.
    """
    if len(content) == KEY_BYTES:
        return content, False
    text = content.strip()
    if len(text) == 2 * KEY_BYTES:
        try:
            return binascii.unhexlify(text), False
        except binascii.Error:
            pass
    passphrase = content.rstrip(b"\r\n")
    if not passphrase:
        raise UsageError("the key file is empty")
    return passphrase, True


class Cipher:
    """Seals and opens the records of one stream.

    Attributes:
        scope: what is encrypted.
        payload: the ENCRYPTION record's payload.
    """

    def __init__(self, stream_key: bytes, scope: Scope, header: bytes, payload: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._gcm = AESGCM(stream_key)
        self.scope = scope
        self.payload = payload
        self._prefix = header + payload

    def seal(self, place: int, number: int, context: bytes, data: bytes) -> bytes:
        """Ciphertext and tag of ``data``."""
        return self._gcm.encrypt(_nonce(place, number), data, self._prefix + context)

    def open(self, place: int, number: int, context: bytes, data: bytes, what: str) -> bytes:
        """Plain bytes of ciphertext and tag.

        Raises:
            DecryptionError: when they do not belong here; ``what`` names them.
        """
        from cryptography.exceptions import InvalidTag

        try:
            return self._gcm.decrypt(_nonce(place, number), data, self._prefix + context)
        except InvalidTag:
            raise DecryptionError(
                f"{what} was changed, moved or belongs to another file: decrypting it failed"
            ) from None


def _nonce(place: int, number: int) -> bytes:
    return place.to_bytes(8, "big") + number.to_bytes(4, "big")


def begin(encryption: Encryption, header: bytes) -> Cipher:
    """A cipher for a new stream, with a fresh salt if none is given.

    Args:
        encryption: what to encrypt, with which key.
        header: bytes of magic and header.
    """
    secret, passphrase = read_key(encryption.key)
    scope = Scope.of(encryption)
    values: Values = {
        "passphrase": passphrase,
        "everything": scope.everything,
        "salt": encryption.salt or os.urandom(SALT_BYTES),
        "scrypt_log2_n": encryption.scrypt_log2_n,
        "scrypt_r": SCRYPT_R,
        "scrypt_p": SCRYPT_P,
        "layer_count": len(scope.layers),
        "layers": sorted(scope.layers),
        "attachment_count": len(scope.attachments),
        "attachments": sorted(scope.attachments),
        "check": bytes(CHECK_BYTES),
    }
    if passphrase and _scrypt_work(values) > MAX_SCRYPT_WORK:
        raise UsageError(f"scrypt with N = 2**{encryption.scrypt_log2_n} is more than readers do")
    fields = ENCRYPTION.write(values)[:-CHECK_BYTES]
    stream_key, check = _derive(secret, values, header + fields)
    return Cipher(stream_key, scope, header, fields + check)


def parse(payload: bytes, offset: int) -> tuple[Scope, Values]:
    """What an ENCRYPTION record says; no key is needed.

    Raises:
        BitstreamError: when it breaks the format or asks for too much work.
        UnsupportedError: for a cipher from the future.
    """
    values = ENCRYPTION.parse(payload, offset)
    if values["cipher"]:
        raise UnsupportedError(f"the stream needs a newer ivc (cipher {values['cipher']})")
    if values["passphrase"] and _scrypt_work(values) > MAX_SCRYPT_WORK:
        raise BitstreamError("ENCRYPTION: its passphrase costs more than is permitted", offset)
    for name in ("layers", "attachments"):
        numbers = list(values.get(name, ()))
        if numbers != sorted(set(numbers)):
            raise BitstreamError(f"ENCRYPTION, {name}: numbers do not ascend", offset)
    everything = bool(values["everything"])
    layers, attachments = values.get("layers", ()), values.get("attachments", ())
    return Scope(everything, frozenset(layers), frozenset(attachments)), values


def unlock(key: bytes, header: bytes, payload: bytes, offset: int) -> Cipher:
    """The cipher of a stream.

    Args:
        key: content of a key file.
        header: bytes of magic and header.
        payload: of the ENCRYPTION record.
        offset: of the payload in the stream.

    Raises:
        DecryptionError: when it is not the key, or header or record were changed.
    """
    scope, values = parse(payload, offset)
    secret, passphrase = read_key(key)
    if passphrase != bool(values["passphrase"]):
        kind = "a passphrase" if values["passphrase"] else "a key of 32 bytes"
        raise DecryptionError(f"wrong key: the stream was encrypted with {kind}")
    stream_key, check = _derive(secret, values, header + payload[:-CHECK_BYTES])
    if not hmac.compare_digest(check, values["check"]):
        raise DecryptionError("wrong key: the stream has another one, or its header was changed")
    return Cipher(stream_key, scope, header, payload)


def _scrypt_work(values: Values) -> int:
    return int((128 << values["scrypt_log2_n"]) * values["scrypt_r"] * values["scrypt_p"])


def _derive(secret: bytes, values: Values, front: bytes) -> tuple[bytes, bytes]:
    """Stream key and check.

    Args:
        secret: key or passphrase.
        values: fields of the ENCRYPTION record.
        front: magic, header and the bytes of these fields before ``check``.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    if values["passphrase"]:
        try:
            secret = Scrypt(
                salt=values["salt"],
                length=KEY_BYTES,
                n=1 << values["scrypt_log2_n"],
                r=values["scrypt_r"],
                p=values["scrypt_p"],
            ).derive(secret)
        except (ValueError, MemoryError) as error:
            raise DecryptionError(f"the passphrase cannot be stretched: {error}") from None
    material = HKDF(
        algorithm=SHA256(),
        length=KEY_BYTES + CHECK_BYTES,
        salt=values["salt"],
        info=b"ivc stream" + front,
    ).derive(secret)
    return material[:KEY_BYTES], material[KEY_BYTES:]
