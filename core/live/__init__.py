"""Live hints: after commit, tell open pages to look again. Postgres is the truth; a lost hint costs a few seconds."""

from core.live.announce import announce, publish

__all__ = ["announce", "publish"]
