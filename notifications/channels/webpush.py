"""Web push by the book: VAPID (RFC 8292) and message encryption (RFC 8291 over RFC 8188, aes128gcm)."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD = 4096
MAX_PLAIN = 3000
TOKEN_LIFE = timedelta(hours=12)
_POINT = (Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass(frozen=True)
class PushPlace:
    """A browser's subscription: where to post, its public key and secret (both as bytes)."""

    endpoint: str
    p256dh: bytes
    auth: bytes


def read_place(text: str) -> PushPlace:
    """Read a subscription as browsers give it: {endpoint, keys: {p256dh, auth}}. Raises ValueError."""
    try:
        told = json.loads(text)
        endpoint, keys = told["endpoint"], told["keys"]
        place = PushPlace(str(endpoint), unbase64(str(keys["p256dh"])), unbase64(str(keys["auth"])))
    except (KeyError, TypeError) as error:
        raise ValueError("no subscription") from error
    if len(place.auth) != 16:
        raise ValueError("wrong secret")
    public_key(place.p256dh)
    return place


def public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """Return the public key of an uncompressed point. Raises ValueError when it lies off the curve."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def new_private_key() -> str:
    """Return a new signing key as base64url of its number."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64url(number.to_bytes(32, "big"))


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """Return the signing key of its text. Raises ValueError."""
    return ec.derive_private_key(int.from_bytes(unbase64(text), "big"), ec.SECP256R1())


def public_text(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public half as browsers want it (applicationServerKey)."""
    return base64url(key.public_key().public_bytes(*_POINT))


def authorization(key: ec.EllipticCurvePrivateKey, endpoint: str, subject: str, *, now: datetime) -> str:
    """Return the Authorization header that says who we are: a JWT signed with ES256, good for twelve hours."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}", "exp": int((now + TOKEN_LIFE).timestamp()), "sub": subject,
    }  # fmt: skip
    head = base64url(json.dumps({"typ": "JWT", "alg": "ES256"}, separators=(",", ":")).encode())
    body = base64url(json.dumps(claims, separators=(",", ":")).encode())
    r, s = decode_dss_signature(key.sign(f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256())))
    signature = base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={head}.{body}.{signature}, k={public_text(key)}"


def encrypted(
    plain: bytes, place: PushPlace, *, salt: bytes | None = None, own: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    """Return one aes128gcm record only this browser can read; `salt` and `own` are fixed in tests alone."""
    if len(plain) > MAX_PLAIN:
        raise ValueError("too long for a push message")
    salt = salt or os.urandom(16)
    own = own or ec.generate_private_key(ec.SECP256R1())
    own_public = own.public_key().public_bytes(*_POINT)
    shared = own.exchange(ec.ECDH(), public_key(place.p256dh))
    key_info = b"WebPush: info\0" + place.p256dh + own_public
    secret = _derive(shared, place.auth, key_info, 32)
    content_key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(content_key).encrypt(nonce, plain + b"\x02", None)
    return salt + RECORD.to_bytes(4, "big") + bytes([len(own_public)]) + own_public + sealed


def opened(body: bytes, key: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """Undo `encrypted` as the browser does; the trial's stand-in reads its own messages by it. Raises ValueError."""
    salt, size = body[:16], body[20]
    sender, sealed = body[21 : 21 + size], body[21 + size :]
    shared = key.exchange(ec.ECDH(), public_key(sender))
    mine = key.public_key().public_bytes(*_POINT)
    secret = _derive(shared, auth, b"WebPush: info\0" + mine + sender, 32)
    content_key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    return AESGCM(content_key).decrypt(nonce, sealed, None).rstrip(b"\x00").removesuffix(b"\x02")


def base64url(raw: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unbase64(text: str) -> bytes:
    """Return the bytes of base64url with or without padding. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _derive(secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=size, salt=salt, info=info).derive(secret)
