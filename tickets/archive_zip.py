"""Put files that are deflated already into one zip while it is being sent; nothing is packed twice or held whole."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Packed:
    """A deflated file of the later zip; less than 4 GB before and after."""

    name: str
    key: str
    crc: int
    size: int
    packed: int
    rows: int


class Packer:
    """Deflates text into a file, counting as it goes."""

    def __init__(self, target: IO[bytes]) -> None:
        self.target, self.crc, self.size, self.packed = target, 0, 0, 0
        self._deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self.crc, self.size = zlib.crc32(data, self.crc), self.size + len(data)
        self._put(self._deflate.compress(data))

    def close(self) -> None:
        """End the stream; the target stays open."""
        self._put(self._deflate.flush())

    def _put(self, data: bytes) -> None:
        self.packed += len(data)
        self.target.write(data)


class _Sink:
    """Takes what ZipFile writes until it is sent, and counts what went by."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.at = 0

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        self.at += len(data)
        return len(data)

    def tell(self) -> int:
        return self.at

    def flush(self) -> None:
        """Have nothing to do: what is written is sent by whoever asked."""

    def take(self) -> bytes:
        data, self.parts = b"".join(self.parts), []
        return data


def stream_zip(files: Iterable[Packed], opened: Callable[[str], Any], *, at: datetime) -> Iterator[bytes]:
    """Yield a zip of deflated files, `at` as their time of day; `opened` gives a file by its key."""
    return _walk(files, opened, at, _Sink())


def zip_size(files: Iterable[Packed], *, at: datetime) -> int:
    """Return how many bytes stream_zip will yield, without opening a file."""
    sink = _Sink()
    for _part in _walk(files, None, at, sink):
        pass
    return sink.at


def _walk(files: Iterable[Packed], opened: Callable[[str], Any] | None, at: datetime, sink: _Sink) -> Iterator[bytes]:
    target: Any = sink
    book: Any = ZipFile(target, "w")
    for one in files:
        info = ZipInfo(one.name, at.timetuple()[:6])
        info.compress_type, info.CRC = ZIP_DEFLATED, one.crc
        info.file_size, info.compress_size, info.header_offset = one.size, one.packed, sink.tell()
        info.external_attr = 0o600 << 16
        sink.write(info.FileHeader(zip64=False))
        book.filelist.append(info)
        yield sink.take()
        sink.at += one.packed
        if opened is not None:
            with opened(one.key) as source:
                while data := source.read(CHUNK):
                    yield data
    # ZipFile only writes the list of contents here: what is packed already it would pack again.
    book.start_dir, book._didModify = sink.tell(), True
    book.close()
    yield sink.take()
