"""A drawn photo of a chipped cup, so that the demo's complaints have something to show."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageDraw


def chipped_cup(seed: int = 0) -> bytes:
    """Return a small JPEG; another seed gives another light and chip."""
    dice = random.Random(seed)
    wall = tuple(200 + dice.randrange(30) for _ in range(3))
    picture = Image.new("RGB", (640, 480), wall)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 340, 640, 480), fill=(168, 150, 128))
    draw.arc((390, 200, 500, 320), 250, 110, fill=(236, 236, 230), width=20)
    draw.polygon([(210, 150), (420, 150), (400, 400), (230, 400)], fill=(240, 240, 236))
    draw.ellipse((210, 120, 420, 180), fill=(228, 228, 222))
    draw.ellipse((226, 130, 404, 172), fill=(120, 84, 60))
    x = 380 + dice.randrange(20)
    draw.polygon([(x, 118), (x + 60, 150), (x + 14, 196), (x - 14, 160)], fill=wall)
    draw.line([(x + 14, 196), (x - 8, 250), (x + 6, 290)], fill=(150, 140, 130), width=3)
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=80)
    return target.getvalue()
