"""Catalogues without system gettext: extract, merge, fill, compile and check.

Sources are Python, Django templates and JavaScript. A catalogue is sorted by message and carries no line numbers, so
that branches merge. A message that is no longer used is kept as obsolete until `update --prune`, so that a text which
vanishes for an hour keeps its translation.
"""

from __future__ import annotations

import argparse
import fcntl
import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.template.base import Lexer, TokenType
from django.utils.text import smart_split
from django.utils.translation import trim_whitespace

from cs_portal.runtime.chinese_marks import chinese_marks

ROOT = Path(__file__).resolve().parent.parent.parent
CONTEXT_GLUE = "\x04"
LANGUAGES = {"zh_Hans": "nplurals=1; plural=0;", "en": "nplurals=2; plural=(n != 1);"}
NOT_OURS = {"tests", "bench", "var", "node_modules", "migrations", "vendor", "__pycache__", "locale"}
PYTHON_KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
IN_TAG = re.compile(r"""_\(\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)')\s*\)""")
PLACEHOLDER = re.compile(r"%\([^)]+\)[sd]|%[sd]|\{\w*\}")
CHINESE = re.compile(r"[\u3400-\u9fff]")

# (singular, plural or None, context or None)
Found = tuple[str, str | None, str | None]


class CatalogueError(ValueError):
    """A template or a file cannot be read; the message names it."""


def sources(root: Path) -> Iterator[Path]:
    """Yield every file that may hold words, in a stable order."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if any(part in NOT_OURS or part.startswith(".") for part in parts[:-1]):
            continue
        if path.suffix in {".py", ".html", ".txt", ".js"} and (
            path.suffix == ".py" or "templates" in parts or parts[0] == "static"
        ):
            yield path


def _unquoted(word: str) -> str | None:
    if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    return None


def _context_of(words: list[str]) -> str | None:
    return _unquoted(words[words.index("context") + 1]) if "context" in words[:-1] else None


def template_messages(text: str, name: str) -> Iterator[Found]:
    """Yield the messages of a Django template; raises CatalogueError when a block is not closed."""
    block: list[str] | None = None
    body: list[list[str]] = [[]]
    for token in Lexer(text).tokenize():
        if block is not None and token.token_type is TokenType.TEXT:
            body[-1].append(token.contents.replace("%", "%%"))
        elif block is not None and token.token_type is TokenType.VAR:
            body[-1].append(f"%({token.contents.strip()})s")
        elif token.token_type in {TokenType.VAR, TokenType.BLOCK}:
            words = list(smart_split(token.contents))
            tag = words[0] if words and token.token_type is TokenType.BLOCK else ""
            if block is not None and tag == "plural":
                body.append([])
            elif block is not None and tag in {"endblocktranslate", "endblocktrans"}:
                yield _block_message(block, ["".join(part) for part in body])
                block, body = None, [[]]
            elif tag in {"blocktranslate", "blocktrans"}:
                block = words
            elif tag in {"translate", "trans"} and (word := _unquoted(words[1])) is not None:
                yield word.replace("%", "%%"), None, _context_of(words[2:])
            for double, single in IN_TAG.findall(token.contents):
                yield re.sub(r"\\(.)", r"\1", double or single).replace("%", "%%"), None, None
    if block is not None:
        raise CatalogueError(f"{name}: a blocktranslate is not closed")


def _block_message(words: list[str], parts: list[str]) -> Found:
    if "trimmed" in words:
        parts = [trim_whitespace(part) for part in parts]
    return parts[0], parts[1] if len(parts) > 1 else None, _context_of(words)


def code_messages(text: str, kind: str) -> Iterator[Found]:
    """Yield the messages of Python or JavaScript source."""
    source = io.BytesIO(text.encode())
    for _line, message, _comments, context in extract(kind, source, keywords=PYTHON_KEYWORDS):
        if isinstance(message, tuple):
            yield message[0], message[1], context
        else:
            yield message, None, context


def messages_of(path: Path) -> Iterator[Found]:
    """Yield the messages of one file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        if "gettext" in text:
            yield from code_messages(text, "python")
    elif path.suffix == ".js":
        if "gettext" in text:
            yield from code_messages(text, "javascript")
    elif "{" in text:
        yield from template_messages(text, str(path))


def gather(root: Path, under: Path | None = None) -> dict[tuple[str, str | None], str | None]:
    """Return {(singular, context): plural} of every file, or of those under a path."""
    found: dict[tuple[str, str | None], str | None] = {}
    for path in sources(root):
        if under is None or path == under or under in path.parents:
            for singular, plural, context in messages_of(path):
                if singular:
                    key = (singular, context)
                    found[key] = plural or found.get(key)
    return found


def _path(root: Path, language: str) -> Path:
    return root / "locale" / language / "LC_MESSAGES" / "django.po"


def load(root: Path, language: str) -> Catalog:
    """Read a catalogue; an empty one when there is none yet."""
    path = _path(root, language)
    if not path.exists():
        return Catalog(locale=language, fuzzy=False)
    with path.open("rb") as source:
        return read_po(source, locale=language, abort_invalid=True)


def save(root: Path, language: str, catalogue: Catalog) -> None:
    """Write a catalogue in its one canonical form, atomically."""
    header = ["Project-Id-Version: cs_portal", f"Language: {language}", "MIME-Version: 1.0"]
    header += ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
    header += [f"Plural-Forms: {LANGUAGES[language]}"]
    text = 'msgid ""\nmsgstr ""\n' + "".join(f'"{line}\\n"\n' for line in header) + "\n"
    body = io.BytesIO()
    write_po(body, catalogue, width=110, no_location=True, omit_header=True, sort_output=True)
    _replace(_path(root, language), text.encode() + body.getvalue().lstrip(b"\n"))


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_bytes() == content:
        return
    half_written = path.with_name(path.name + ".part")
    half_written.write_bytes(content)
    half_written.replace(path)


def _strings(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, (tuple, list)) else (message.string or "",)


def _known(catalogue: Catalog) -> dict[tuple[str, str | None], tuple[str, ...]]:
    known = {}
    for message in [*catalogue.obsolete.values(), *catalogue]:
        singular = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
        if singular and any(_strings(message)):
            known[singular, message.context] = _strings(message)
    return known


def _add(catalogue: Catalog, key: tuple[str, str | None], plural: str | None, strings: tuple[str, ...]) -> None:
    count = catalogue.num_plurals
    if plural is None:
        catalogue.add(key[0], strings[0], context=key[1])
    else:
        padded = tuple((*strings, *[strings[-1]] * count)[:count])
        catalogue.add((key[0], plural), padded, context=key[1])


def update(root: Path, *, prune: bool = False, words: dict[str, list[str]] | None = None) -> dict[str, int]:
    """Merge what the sources say into every catalogue; returns how many messages miss a translation, by language.

    `words` fills the Chinese catalogue: {message or context + U+0004 + message: [translations]}.
    """
    found = gather(root)
    missing: dict[str, int] = {}
    for language in LANGUAGES:
        old = load(root, language)
        known = _known(old)
        for glued, given in (words or {}).items() if language == "zh_Hans" else ():
            context, glue, singular = glued.rpartition(CONTEXT_GLUE)
            known[singular, context if glue else None] = tuple(given)
        new = Catalog(locale=language, fuzzy=False)
        missing[language] = 0
        for key, plural in found.items():
            own = (key[0], plural) if plural else (key[0],)
            strings = own if language == "en" else tuple(map(chinese_marks, known.get(key, ("",))))
            missing[language] += not all(strings)
            _add(new, key, plural, strings)
        if not prune and language != "en":
            for key, strings in known.items():
                if key not in found:
                    new.obsolete[new._key_for(*key)] = Message(key[0], strings[0], context=key[1])
        save(root, language, new)
    return missing


def missing_under(root: Path, under: Path | None) -> list[str]:
    """List the messages of files under a path that have no Chinese yet."""
    known = _known(load(root, "zh_Hans"))
    found = gather(root, under)
    return sorted(f"{key[1]}{CONTEXT_GLUE}{key[0]}" if key[1] else key[0] for key in found if key not in known)


def compile_all(root: Path) -> list[Path]:
    """Write the .mo files that are missing or older than their .po; returns them."""
    written = []
    for path in sorted((root / "locale").glob("*/LC_MESSAGES/*.po")):
        target = path.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= path.stat().st_mtime:
            continue
        with path.open("rb") as source:
            catalogue = read_po(source, locale=path.parts[-3])
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        _replace(target, compiled.getvalue())
        target.touch()
        written.append(target)
    return written


def _marks(texts: tuple[str, ...]) -> set[str]:
    return {mark for text in texts for mark in PLACEHOLDER.findall(text.replace("%%", ""))}


def faults(root: Path) -> list[str]:
    """List what is wrong: stale, fuzzy, untranslated, a placeholder lost or invented, a source text not in English."""
    found = gather(root)
    wrong = [f"source text is not English: {key[0]!r}" for key in found if CHINESE.search(key[0])]
    for language in LANGUAGES:
        catalogue = load(root, language)
        here: dict[tuple[str, str | None], Message] = {}
        for message in catalogue:
            singular = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
            if singular:
                here[singular, message.context] = message
        if sorted(map(repr, here)) != sorted(map(repr, found)):
            late = len(set(found) ^ set(here))
            wrong.append(f"{language}: {late} messages differ from the sources; run bin/messages update")
        for (singular, _context), message in here.items():
            strings = _strings(message)
            ids = tuple(message.id) if isinstance(message.id, (tuple, list)) else (message.id,)
            if message.fuzzy:
                wrong.append(f"{language}: fuzzy: {singular!r}")
            elif not all(strings):
                wrong.append(f"{language}: not translated: {singular!r}")
            elif not _marks(strings) <= _marks(ids) or not _marks(ids[-1:]) <= _marks(strings):
                wrong.append(f"{language}: placeholders differ: {singular!r} → {strings!r}")
    return wrong


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    lock = root / "var" / "cache" / "messages.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _words_from(path: Path) -> dict[str, list[str]]:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path}: {error}") from error
    if not isinstance(given, dict):
        raise CatalogueError(f"{path}: expected an object of message → translation")
    words = {key: value if isinstance(value, list) else [value] for key, value in given.items() if value}
    for key, values in words.items():
        if not all(isinstance(value, str) for value in values):
            raise CatalogueError(f"{path}: the translation of {key!r} is not text")
    return words


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    """Run one subcommand; returns the exit code."""
    parser = argparse.ArgumentParser(prog="bin/messages", description="Keep the catalogues of both languages whole.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("update", help="extract and merge").add_argument(
        "--prune", action="store_true", help="drop messages no source uses any more"
    )
    lister = commands.add_parser("missing", help="list messages without Chinese as JSON")
    lister.add_argument("--under", type=Path, help="only files under this path")
    commands.add_parser("fill", help="take translations from a JSON map").add_argument("file", type=Path)
    commands.add_parser("compile", help="write the .mo files")
    commands.add_parser("check", help="fail when anything is stale, fuzzy or untranslated")
    options = parser.parse_args(argv)
    try:
        with _alone(root):
            return _run(options, root)
    except CatalogueError as error:
        print(error, file=sys.stderr)
        return 2


def _run(options: argparse.Namespace, root: Path) -> int:
    if options.command in {"update", "fill"}:
        words = _words_from(options.file) if options.command == "fill" else None
        left = update(root, prune=getattr(options, "prune", False), words=words)
        compile_all(root)
        print(" ".join(f"{language}: {count} untranslated" for language, count in left.items()))
    elif options.command == "missing":
        under = options.under.resolve() if options.under else None
        print(json.dumps(missing_under(root, under), ensure_ascii=False, indent=1))
    elif options.command == "compile":
        for path in compile_all(root):
            print(path.relative_to(root))
    else:
        wrong = faults(root)
        print("\n".join(wrong) or "Both catalogues are complete.")
        return 1 if wrong else 0
    return 0
