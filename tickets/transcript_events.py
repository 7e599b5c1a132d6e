"""Events of transcripts."""

from dataclasses import dataclass

from core.events import declare


@dataclass(frozen=True)
class TranscriptSent:
    """A conversation went to its customer by mail: how many messages it held."""

    messages: int
    version: int = 0


declare("ticket.transcript_sent", TranscriptSent)
