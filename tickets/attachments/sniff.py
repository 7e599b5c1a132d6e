"""Say what a file is by its content, never by its name; refuse all we do not know to be a harmless download."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import filetype  # type: ignore[import-untyped]
from django.utils.translation import gettext_lazy as _

from core.text import strip_invisible
from tickets.errors import FileRefused

PICTURES = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}
OTHERS = {
    "image/heic": "heic",
    "application/pdf": "pdf",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "application/zip": "zip",
    "text/plain": "txt",
}
HEIC = "image/heic"  # photos of iPhones, which browsers cannot show; drawn anew as JPEG
REPLACED = {"jpg": {"heic", "heif"}}
SAME_KIND = {"jpg": {"jpg", "jpeg", "jfif"}, "heic": {"heic", "heif"}, "txt": {"txt", "csv", "log", "md", "eml"}}
MARKUP = re.compile(
    rb"<\s*(?:!doctype|!entity|html|head|body|script|svg|math|iframe|object|embed|\?xml|\?php|%|x:|xsl)", re.IGNORECASE
)
SNIFFED = 512 * 1024
RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*%;]')


@dataclass(frozen=True)
class Kind:
    """What a file is: its media type and the ending it is given; a picture can be shown, the rest only downloaded."""

    mime: str
    ending: str

    @property
    def is_picture(self) -> bool:
        """Say whether we can re-encode it."""
        return self.mime in PICTURES or self.mime == HEIC

    @property
    def kept_as(self) -> Kind:
        """Return what it is once we have stored it."""
        return Kind("image/jpeg", "jpg") if self.mime == HEIC else self


def sniff(data: bytes) -> Kind:
    """Return what the bytes are. Raises FileRefused with a sentence for people."""
    if not data:
        raise FileRefused(_("This file is empty."))
    guess = filetype.guess(data[:SNIFFED])
    mime = guess.mime if guess else ""
    mime = {"image/heif": "image/heic", "image/heic-sequence": "image/heic"}.get(mime, mime)
    known = PICTURES.get(mime) or OTHERS.get(mime)
    if known:
        return Kind(mime, known)
    if not mime and is_text(data):
        return Kind("text/plain", "txt")
    raise FileRefused


def is_text(data: bytes) -> bool:
    """Tell whether the bytes are plain text in UTF-8 or GB 18030 without any markup a browser might run."""
    head = data[:SNIFFED]
    if b"\x00" in head or MARKUP.search(head):
        return False
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = head.decode(encoding, errors="ignore" if len(data) > SNIFFED else "strict")
        except UnicodeDecodeError:
            continue
        odd = sum(unicodedata.category(char) == "Cc" and char not in "\t\r\n\f\x1a" for char in text)
        return odd == 0
    return False


def safe_name(name: str, kind: Kind) -> str:
    """Return a name that is nothing but a name: no path, no control or direction signs, at most 120 characters.

    It ends in what the content is: `invoice.pdf.exe` holding text becomes `invoice.pdf.exe.txt`.
    """
    base = re.split(r"[/\\]", strip_invisible(unicodedata.normalize("NFC", name[:1000])))[-1]
    base = " ".join(FORBIDDEN.sub("_", base).split()).strip(". ")
    if not base.strip("._ ") or RESERVED.match(base):
        base = f"file_{base}".rstrip("._ ")
    stem, dot, ending = base.rpartition(".")
    if dot and stem and ending.lower() in REPLACED.get(kind.ending, ()):
        return f"{stem[:110]}.{kind.ending}"
    if dot and stem and ending.lower() in SAME_KIND.get(kind.ending, {kind.ending}):
        return f"{stem[:110]}.{ending.lower()}"
    return f"{base[:110]}.{kind.ending}"
