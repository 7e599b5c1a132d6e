"""format=flowed (RFC 3676): lines that end in a space go on in the next one."""

from __future__ import annotations


def unflow(text: str, *, del_space: bool = False) -> str:
    """Return the text with soft line breaks joined, quotes kept at their depth and stuffing removed."""
    result: list[str] = []
    flowing_depth: int | None = None
    for line in text.replace("\r\n", "\n").split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        words = line[depth:]
        words = words.removeprefix(" ")
        is_signature = words == "-- "
        if flowing_depth == depth and not is_signature and result:
            result[-1] += words
        else:
            result.append(f"{'>' * depth} {words}" if depth else words)
        if words.endswith(" ") and not is_signature:
            flowing_depth = depth
            if del_space:
                result[-1] = result[-1][:-1]
        else:
            flowing_depth = None
    return "\n".join(result)
