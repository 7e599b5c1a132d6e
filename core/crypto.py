"""Encryption of personal fields, look-up digests, tokens and signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from datetime import timedelta
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core import signing

from core.errors import Expired, NotFound


class CannotDecrypt(ValueError):
    """The key is unknown or the bytes were altered."""


@lru_cache(maxsize=8)
def _cipher(key_id: str) -> AESGCM:
    try:
        return AESGCM(settings.FIELD_KEYS[key_id])
    except KeyError:
        raise CannotDecrypt(f"unknown key {key_id!r}") from None


def encrypt(text: str) -> bytes:
    """Encrypt with AES-256-GCM under the newest key: 1 byte id length, id, 12 bytes nonce, ciphertext with tag."""
    key_id = next(iter(settings.FIELD_KEYS))
    nonce = os.urandom(12)
    tag = key_id.encode()
    return bytes([len(tag)]) + tag + nonce + _cipher(key_id).encrypt(nonce, text.encode(), tag)


def decrypt(value: bytes | memoryview) -> str:
    """Undo encrypt. Raises CannotDecrypt."""
    raw = bytes(value)
    if not raw:
        return ""
    size = raw[0]
    tag, nonce, body = raw[1 : 1 + size], raw[1 + size : 13 + size], raw[13 + size :]
    try:
        return _cipher(tag.decode()).decrypt(nonce, body, tag).decode()
    except (InvalidTag, UnicodeDecodeError, ValueError) as error:
        raise CannotDecrypt("the stored value cannot be read") from error


def blind_index(text: str, purpose: str) -> bytes:
    """Return a 32-byte keyed digest by which an encrypted value can be found, different for each purpose."""
    return hmac.digest(settings.INDEX_KEY, f"{purpose}\0{text}".encode(), "sha256")


def random_token() -> str:
    """Return an unguessable URL-safe token of 192 bits (32 characters)."""
    return secrets.token_urlsafe(24)


def hash_token(token: str) -> bytes:
    """Return the digest under which a token is stored; tokens are random, so no salt is needed."""
    return hashlib.sha256(token.encode()).digest()


def sign(payload: Any, purpose: str) -> str:
    """Sign a JSON payload for a link; readable by anyone, alterable by no one."""
    return signing.dumps(payload, key=settings.SECRET_KEY, salt=f"cs.{purpose}", compress=False)


def verify(token: str, purpose: str, max_age: timedelta | None = None) -> Any:
    """Return the payload of a signed token. Raises Expired when too old, NotFound when it is not ours."""
    try:
        return signing.loads(token, key=settings.SECRET_KEY, salt=f"cs.{purpose}", max_age=max_age)
    except signing.SignatureExpired:
        raise Expired from None
    except signing.BadSignature:
        raise NotFound from None


def short_mac(text: str, purpose: str) -> str:
    """Return 16 lower-case characters (80 bits) that prove an address part is ours; for mail reply addresses."""
    digest = hmac.digest(settings.INDEX_KEY, f"mac.{purpose}\0{text}".encode(), "sha256")
    return base64.b32encode(digest[:10]).decode().lower()


def link_mac(text: str, purpose: str) -> str:
    """Return 22 URL-safe characters (128 bits) that prove a short link is ours."""
    return base64.urlsafe_b64encode(blind_index(text, f"link.{purpose}")[:16]).decode().rstrip("=")


def same(left: str | bytes, right: str | bytes) -> bool:
    """Compare two secrets in constant time."""
    a = left.encode() if isinstance(left, str) else left
    b = right.encode() if isinstance(right, str) else right
    return hmac.compare_digest(a, b)
