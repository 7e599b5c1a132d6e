"""Draw pictures anew: no metadata (where it was taken), nothing hidden behind the picture, a small one for lists."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, UnidentifiedImageError

from tickets.attachments.sniff import HEIC
from tickets.errors import FileRefused, FileTooLarge

MAX_PIXELS = 30_000_000
MAX_JPEG_PIXELS = 130_000_000  # decoded at a fraction of its size, so a big photo costs no more than a small one
MAX_HEIF_PIXELS = 50_000_000  # a phone's largest
MAX_SIDE = 4096
THUMBNAIL = 480
TOO_MANY = _("This picture has too many pixels. Please send a smaller one.")
UNREADABLE = _("This picture is damaged and cannot be shown. Please take it again.")
UNREADABLE_HEIC = _("This photo cannot be read. Please send it as JPEG; a screenshot of it is fine too.")
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP", HEIC: "HEIF"}


@dataclass(frozen=True)
class Picture:
    """A picture drawn anew, with its size in pixels, and its small version (WebP)."""

    data: bytes
    width: int
    height: int
    thumbnail: bytes


def redraw(data: bytes, mime: str) -> Picture:
    """Return the picture without anything but its pixels; a moving GIF keeps its first frame, HEIC becomes JPEG.

    Raises FileRefused for a broken one, FileTooLarge for one of too many pixels, before it is unpacked.
    """
    wanted = FORMATS[mime]
    if mime == HEIC:
        _learn_heif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the pixel count is checked right below, before anything is decoded
            with Image.open(io.BytesIO(data), formats=[wanted]) as image:
                check_pixels(image)
                if wanted == "JPEG":
                    image.draft("RGB", (MAX_SIDE, MAX_SIDE))
                return _draw(image, "JPEG" if mime == HEIC else wanted)
    except Image.DecompressionBombError as error:
        raise FileTooLarge(TOO_MANY) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise FileRefused(UNREADABLE_HEIC if mime == HEIC else UNREADABLE) from error


def _learn_heif() -> None:
    """Teach Pillow to read HEIC; the library is loaded with the first such photo and reads one picture of a file."""
    if "HEIF" not in Image.OPEN:
        from pi_heif import register_heif_opener

        register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def check_pixels(image: Image.Image) -> None:
    """Refuse a picture that would fill the memory. Raises FileTooLarge."""
    width, height = image.size
    limit = {"JPEG": MAX_JPEG_PIXELS, "HEIF": MAX_HEIF_PIXELS}.get(image.format or "", MAX_PIXELS)
    if width * height > limit or max(width, height) > 30_000:
        raise FileTooLarge(TOO_MANY)


def _draw(image: Image.Image, wanted: str) -> Picture:
    if image.mode in {"RGB", "RGBA", "L"}:  # first of all: each step below makes another copy
        image.thumbnail((MAX_SIDE, MAX_SIDE))
    upright = ImageOps.exif_transpose(image)
    has_alpha = upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info
    upright = upright.convert("RGBA" if has_alpha and wanted != "JPEG" else "RGB")
    upright.thumbnail((MAX_SIDE, MAX_SIDE))
    clean = Image.new(upright.mode, upright.size)
    clean.paste(upright)
    small = clean.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    return Picture(_bytes(clean, wanted), clean.width, clean.height, _bytes(small, "WEBP"))


def _bytes(image: Image.Image, wanted: str) -> bytes:
    target = io.BytesIO()
    options = {"JPEG": {"quality": 88, "optimize": True}, "WEBP": {"quality": 82}}.get(wanted, {})
    image.save(target, wanted, **options)
    return target.getvalue()
