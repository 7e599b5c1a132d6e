"""Rules of the house that ruff does not know; python -m tests.house_rules lists what breaks them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPS = [
    "core", "accounts", "notifications", "customers", "orders", "knowledge", "tickets", "chat", "aftersales",
    "feedback", "kpi", "cs_portal", "bench", "bin",
]  # fmt: skip
# Layers that only read; writes stand in services.
READERS = {
    "views", "consumers", "tasks", "reactions", "admin", "api", "forms", "selectors", "permissions", "models",
    "templatetags", "management", "urls",
}  # fmt: skip
QUERYSET_WRITES = {"create", "update", "delete", "get_or_create", "update_or_create", "bulk_create", "bulk_update"}
SQL_RUNNERS = {"execute", "executemany", "raw", "RawSQL", "extra", "copy"}
FORBIDDEN_NAMES = {
    "mark_safe": "mark_safe: build HTML with format_html or a template",
    "eval": "eval runs what it is given",
    "exec": "exec runs what it is given",
    "sync_to_async": "sync_to_async on the ORM: use database_sync_to_async at the edge",
}
# The component library is where HTML is made: the one place that may say a text is safe.
HTML_MAKERS = ("core/ui/", "core/templatetags/")
PRAGMA = "# allowed:"


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{_dotted(node.func)}()"
    return node.id if isinstance(node, ast.Name) else "?"


def _is_built_sql(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mod, ast.Add)):
        return any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in (node.left, node.right))
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format" and (
        isinstance(node.func.value, ast.Constant)
    )  # fmt: skip


def _call_faults(node: ast.Call, *, reads_only: bool) -> Iterator[str]:
    name = _dotted(node.func)
    last = name.rsplit(".", 1)[-1]
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    if name in FORBIDDEN_NAMES:
        yield FORBIDDEN_NAMES[name]
    if isinstance(shell := keywords.get("shell"), ast.Constant) and shell.value is True:
        yield "a shell: pass a list"
    if last in {"apply_async", "s", "si", "signature"} and keywords.keys() & {"eta", "countdown"}:
        yield "eta/countdown: far-off work is a due job (core.jobs.schedule)"
    if name in {"datetime.now", "datetime.datetime.now"} and not node.args and not keywords:
        yield "a naive datetime.now(): use django.utils.timezone.now()"
    if last in {"utcnow", "today"} and name.startswith(("datetime.", "date.")):
        yield f"{name}(): use django.utils.timezone"
    if last in SQL_RUNNERS and node.args and _is_built_sql(node.args[0]):
        yield "SQL put together from strings: use parameters or psycopg.sql"
    if not reads_only:
        return
    if ".objects" in name and last in QUERYSET_WRITES:
        yield f"{name}: writes stand in services"
    if isinstance(node.func, ast.Attribute) and last == "save" and (not node.args) and (
        not keywords or keywords.keys() & {"update_fields", "force_insert"}
    ) and not name.startswith("super()"):  # fmt: skip
        yield f"{name}: writes stand in services"


def _node_faults(node: ast.AST, *, reads_only: bool) -> Iterator[str]:
    if isinstance(node, ast.Call):
        yield from _call_faults(node, reads_only=reads_only)
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        names = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
        if names & {"pickle", "cPickle", "dill", "marshal", "shelve"}:
            yield "pickle runs what it reads"
        if any(alias.asname not in {None, "_"} for alias in node.names if "gettext" in alias.name):
            yield "gettext under a name the catalogue does not know: its texts would stay English"
        if "mark_safe" in names:
            yield FORBIDDEN_NAMES["mark_safe"]
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value == "__all__":
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        yield from ["fields = '__all__': name the fields"] if "fields" in names else []


def faults_in(source: str, name: str, *, reads_only: bool = False) -> list[str]:
    """List "name:line: what" for one source text; a line with "# allowed: reason" is let through."""
    lines = source.splitlines()
    found = []
    for node in ast.walk(ast.parse(source, filename=name)):
        for fault in _node_faults(node, reads_only=reads_only):
            if fault == FORBIDDEN_NAMES["mark_safe"] and name.startswith(HTML_MAKERS):
                continue
            place = range(node.lineno - 1, (node.end_lineno or node.lineno))  # type: ignore[attr-defined]
            if not any(PRAGMA in lines[number] for number in place):
                found.append(f"{name}:{node.lineno}: {fault}")  # type: ignore[attr-defined]
    return found


def faults_of_tree(root: Path = ROOT) -> list[str]:
    """List every fault of the product's code; tests and migrations may do more."""
    found = []
    for app in APPS:
        for path in sorted((root / app).rglob("*.py")):
            parts = {part.removesuffix(".py") for part in path.relative_to(root).parts}
            if parts & {"migrations", "__pycache__"}:
                continue
            reads_only = bool(parts & READERS) and "services" not in parts
            name = str(path.relative_to(root))
            found += faults_in(path.read_text(encoding="utf-8"), name, reads_only=reads_only)
    return found


if __name__ == "__main__":
    faults = faults_of_tree()
    print("\n".join(faults) or "no fault found")
    sys.exit(1 if faults else 0)
