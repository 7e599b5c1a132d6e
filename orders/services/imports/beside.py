"""Make things in a process of its own while this one works on those made before.

Python runs one thread at a time; a second process is the only way to a second processor. It is a fork, so that it
needs neither a start nor a connection: it closes every file it inherited, the database's first of all, and what it
makes comes back through a pipe. It ends with whoever reads from it, killed or not.
"""

from __future__ import annotations

import fcntl
import os
import pickle  # allowed: it reads what our own child wrote to the pipe between us
import signal
import traceback
import warnings
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any, NoReturn

from core.errors import DomainError
from orders.errors import ImportRefused

PIPE_BYTES = 1024 * 1024
_ITEM, _END, _REFUSED, _FAILED = range(4)


class BesideFailed(RuntimeError):
    """The process beside this one broke or was killed; its trace is the message."""


def made_beside[T](things: Iterable[T], *, ahead: int = 1) -> Generator[T]:
    """Yield what `things` yields, made in a child process up to `ahead` before it is wanted; closing ends the child.

    What is made must be picklable and `things` must not touch the database. Raises ImportRefused for a DomainError of
    the child, BesideFailed for anything else that ended it early.
    """
    receiver, sender = Pipe(duplex=False)
    with suppress(OSError, AttributeError):  # a system that has no such thing, or allows less, is only slower
        fcntl.fcntl(sender.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    with warnings.catch_warnings():
        # Other threads may hold locks that nobody opens in the child; it takes none of theirs, see _make.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _make(things, sender, ahead)
    try:
        sender.close()
        yield from _received(receiver)
    finally:
        receiver.close()
        with suppress(ProcessLookupError, ChildProcessError):  # gone without a trace where nobody wants to hear of it
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _received(receiver: Connection) -> Generator[Any]:
    while True:
        try:
            what, value = receiver.recv()
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            raise BesideFailed("the process that reads the file was ended") from error
        if what == _END:
            return
        if what == _REFUSED:
            code, context = value
            raise ImportRefused(code=code, **context)
        if what == _FAILED:
            raise BesideFailed(value)
        yield value


def _make(things: Iterable[object], sender: Connection, ahead: int) -> NoReturn:
    """Live as the child: make, send and leave without the clean-up that is the parent's."""
    try:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        pipe = sender.fileno()
        os.closerange(3, pipe)
        os.closerange(pipe + 1, os.sysconf("SC_OPEN_MAX"))
        _send_all(things, sender, ahead)
    finally:
        os._exit(0)


def _send_all(things: Iterable[object], sender: Connection, ahead: int) -> None:
    """Send what is made, up to `ahead` things behind the making."""
    waiting: deque[Future[None]] = deque()
    with suppress(BrokenPipeError), ThreadPoolExecutor(1) as sending:  # broken: nobody reads any longer
        for message in _messages(things):
            if len(waiting) == ahead:
                waiting.popleft().result()
            waiting.append(sending.submit(sender.send_bytes, message))
        for sent in waiting:
            sent.result()


def _messages(things: Iterable[object]) -> Generator[bytes]:
    try:
        for thing in things:
            yield _pack(_ITEM, thing)
        yield _pack(_END, None)
    except DomainError as refused:
        yield _pack(_REFUSED, (refused.code, refused.context))
    except Exception:  # noqa: BLE001 - told to the parent, which raises it
        yield _pack(_FAILED, traceback.format_exc())


def _pack(what: int, value: object) -> bytes:
    return pickle.dumps((what, value), pickle.HIGHEST_PROTOCOL)
