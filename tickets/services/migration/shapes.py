"""What a ticket or user of another desk says, read strictly from whatever shape its export has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive

from core.text import html_to_text, normalise, normalise_email, normalise_phone, tidy_text

MOST_MESSAGES = 5000
MAX_TEXT = 20_000
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
CHANNELS = {
    "email": "email", "mail": "email", "web": "form", "web_form": "form", "help_center": "form", "chat": "chat",
    "native_messaging": "chat", "messaging": "chat", "voice": "phone", "phone": "phone", "api": "api",
}  # fmt: skip
# Headings of tables, English and Chinese, and what each column is.
COLUMNS = {
    "id": ("id", "ticket id", "工单编号", "工单号", "编号"),
    "subject": ("subject", "title", "主题", "标题"),
    "description": ("description", "comment", "body", "内容", "描述"),
    "status": ("status", "状态"),
    "priority": ("priority", "优先级"),
    "tags": ("tags", "标签"),
    "created_at": ("created at", "created", "requested", "创建时间"),
    "updated_at": ("updated at", "updated", "更新时间"),
    "solved_at": ("solved at", "solved", "解决时间"),
    "requester": ("requester", "requester name", "客户", "客户姓名", "请求者"),
    "requester email": ("requester email", "email", "客户邮箱", "邮箱"),
    "requester phone": ("requester phone", "phone", "客户手机", "手机"),
    "requester id": ("requester id", "客户编号"),
    "assignee": ("assignee", "assignee name", "客服", "受理人"),
    "assignee email": ("assignee email", "客服邮箱"),
    "group": ("group", "组", "客服组"),
    "channel": ("channel", "via", "渠道"),
}
USER_COLUMNS = {
    "id": ("id", "user id", "编号"), "name": ("name", "姓名"), "email": ("email", "邮箱"), "phone": ("phone", "手机"),
    "role": ("role", "角色"),
}  # fmt: skip


class Unfit(Exception):
    """A piece that cannot be taken in: (code, detail)."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, str(detail)[:120]


@dataclass(slots=True)
class PersonIn:
    """Somebody: the other desk's number, name, contacts, and whether she worked there."""

    number: str
    name: str = ""
    email: str = ""
    phone: str = ""
    is_agent: bool | None = None


@dataclass(slots=True)
class CommentIn:
    """One comment; `files` are (name, link)."""

    number: str
    author: PersonIn | None
    text: str
    html: str
    is_public: bool
    at: datetime
    files: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class TicketIn:
    """One ticket with all its comments, oldest first."""

    number: str
    subject: str
    status: str
    priority: str
    channel: str
    created_at: datetime
    updated_at: datetime
    solved_at: datetime | None
    tags: list[str]
    requester: PersonIn | None
    assignee: PersonIn | None
    group: str
    fields: dict[str, str]
    comments: list[CommentIn]


def read_user(data: dict[str, Any]) -> PersonIn:
    """Return the person a user record tells. Raises Unfit."""
    if data.get("_table"):
        data = _columns(data, USER_COLUMNS)
    number = _number(data.get("id")) or normalise_email(_word(data.get("email"), 254)) or ""
    if not number:
        raise Unfit("no_id")
    role = _word(data.get("role"), 40).lower()
    person = _person(data)
    return PersonIn(number, person.name, person.email, person.phone, role in {"agent", "admin", "客服", "管理员"})


def read_ticket(data: dict[str, Any]) -> TicketIn:
    """Return the ticket a record tells. Raises Unfit with what is missing or wrong."""
    if data.get("_table"):
        data = _from_table(data)
    number = _number(data.get("id"))
    if not number:
        raise Unfit("no_id")
    if data.get("status") == "deleted":
        raise Unfit("deleted", number)
    created = _moment(data.get("created_at"), "created_at")
    if created is None:
        raise Unfit("no_time", number)
    updated = _moment(data.get("updated_at"), "updated_at") or created
    via: dict[str, Any] = data["via"] if isinstance(data.get("via"), dict) else {}
    channel = _word(via.get("channel") or data.get("channel"), 40).lower()
    metrics: dict[str, Any] = data["metric_set"] if isinstance(data.get("metric_set"), dict) else {}
    ticket = TicketIn(
        number=number,
        subject=_word(data.get("subject") or data.get("raw_subject"), 200),
        status=_word(data.get("status"), 40).lower() or "open",
        priority=_word(data.get("priority"), 40).lower(),
        channel=CHANNELS.get(channel, "email"),
        created_at=created,
        updated_at=max(updated, created),
        solved_at=_moment(data.get("solved_at") or metrics.get("solved_at"), "solved_at"),
        tags=_tags(data.get("tags")),
        requester=_ref(data, "requester"),
        assignee=_ref(data, "assignee"),
        group=_word(_name_of(data.get("group")) or data.get("group_id"), 80),
        fields=_fields(data.get("custom_fields") or data.get("fields")),
        comments=[],
    )
    ticket.comments = _comments(data, ticket)
    return ticket


def _comments(data: dict[str, Any], ticket: TicketIn) -> list[CommentIn]:
    rows = data.get("comments")
    if isinstance(rows, dict):
        rows = rows.get("comments")
    if rows is not None and not isinstance(rows, list):
        raise Unfit("bad_comments", ticket.number)
    if rows and len(rows) > MOST_MESSAGES:
        raise Unfit("too_many_comments", ticket.number)
    found = [_comment(row, n, ticket) for n, row in enumerate(rows or [])]
    if not found:
        text = tidy_text(_sound(data.get("description") or ticket.subject or ""))[:MAX_TEXT]
        if not text.strip():
            raise Unfit("no_words", ticket.number)
        found = [CommentIn("description", ticket.requester, text, "", True, ticket.created_at)]
    return sorted(found, key=lambda comment: comment.at)


def _comment(row: Any, position: int, ticket: TicketIn) -> CommentIn:
    if not isinstance(row, dict):
        raise Unfit("bad_comments", ticket.number)
    html = _sound(row.get("html_body") or "")[: 10 * MAX_TEXT]
    text = row.get("plain_body") or row.get("body") or row.get("value") or (html_to_text(html) if html else "")
    files = []
    for file in row.get("attachments") or []:
        if isinstance(file, dict):
            files.append((_word(file.get("file_name") or file.get("name"), 200), _word(file.get("content_url"), 500)))
    return CommentIn(
        number=_number(row.get("id")) or f"{position}",
        author=_ref(row, "author"),
        text=tidy_text(_sound(text))[:MAX_TEXT],
        html=html,
        is_public=row.get("public") is not False,
        at=_moment(row.get("created_at"), "comment") or ticket.created_at,
        files=[(name, url if url.startswith(("https://", "http://")) else "") for name, url in files if name][:50],
    )


def _ref(data: dict[str, Any], name: str) -> PersonIn | None:
    """Return whom `name_id` or an embedded `name` stands for; None for nobody."""
    whole = data.get(name)
    number = _number(data.get(f"{name}_id"))
    if isinstance(whole, dict):
        person = _person(whole)
        number = _number(whole.get("id")) or number or person.email
        if not number:
            return None
        return PersonIn(number, person.name, person.email, person.phone, _is_agent(whole))
    return PersonIn(number) if number else None


def _is_agent(data: dict[str, Any]) -> bool | None:
    role = data.get("role")
    if isinstance(data.get("agent"), bool):
        return bool(data["agent"])
    return role in {"agent", "admin"} if isinstance(role, str) else None


def _person(data: dict[str, Any]) -> PersonIn:
    email = normalise_email(_word(data.get("email"), 254)) or ""
    phone = normalise_phone(_word(data.get("phone"), 40)) or ""
    return PersonIn("", _word(data.get("name"), 120), email, phone)


def _from_table(row: dict[str, Any]) -> dict[str, Any]:
    known = _columns(row, COLUMNS)
    used = {heading for names in COLUMNS.values() for heading in names}
    data: dict[str, Any] = {name: known.get(name) for name in ("id", "subject", "description", "status", "priority")}
    data |= {name: known.get(name) for name in ("tags", "created_at", "updated_at", "solved_at", "group", "channel")}
    for name in ("requester", "assignee"):
        data[name] = {"id": known.get(f"{name} id"), "name": known.get(name), "email": known.get(f"{name} email")}
        data[name] |= {"phone": known.get(f"{name} phone")}
        if name == "assignee" and not data[name]["email"] and data[name]["name"]:
            data[name]["id"] = f"name:{normalise(str(data[name]['name']))}"
    if not any((data["requester"]["id"], data["requester"]["email"], data["requester"]["phone"])):
        data["requester"]["id"] = (
            f"name:{normalise(str(known.get('requester') or ''))}" if known.get("requester") else ""
        )
    elif not data["requester"]["id"]:
        data["requester"]["id"] = data["requester"]["email"] or data["requester"]["phone"]
    data["fields"] = {key: value for key, value in row.items() if key and key not in used and key != "_table"}
    return data


def _columns(row: dict[str, Any], names: dict[str, Iterable[str]] | dict[str, tuple[str, ...]]) -> dict[str, Any]:
    return {name: next((row[h] for h in headings if row.get(h)), None) for name, headings in names.items()}


def _fields(value: Any) -> dict[str, str]:
    """Return custom fields by the other desk's name or number, empty ones left out."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, list):
        pairs = ((one.get("title") or one.get("id"), one.get("value")) for one in value if isinstance(one, dict))
    elif isinstance(value, dict):
        pairs = value.items()
    told = {}
    for key, said in list(pairs)[:200]:
        text = _sound(", ".join(map(str, said)) if isinstance(said, list) else "" if said is None else said)
        if key and text.strip():
            told[_word(key, 80)] = normalise(text)[:500]
    return told


def _tags(value: Any) -> list[str]:
    rows = value if isinstance(value, list) else str(value or "").replace("，", ",").split(",") if value else []
    return sorted({normalise(_sound(tag))[:40] for tag in rows if str(tag).strip()})[:20]


def _name_of(value: Any) -> Any:
    return value.get("name") if isinstance(value, dict) else value


def _word(value: Any, most: int) -> str:
    return (
        normalise(_sound(value))[:most] if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    )


def _sound(value: Any) -> str:
    """Return text the database can keep: no half characters, no zero bytes."""
    return str(value).encode("utf-8", "replace").decode().replace("\x00", "")


def _number(value: Any) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, float | dict | list):
        return ""
    return normalise(_sound(value))[:64]


def _moment(value: Any, name: str) -> datetime | None:
    """Return a moment; a time without a zone is taken as UTC, as exports mean it. Raises Unfit."""
    if value in (None, ""):
        return None
    try:
        at = parse_datetime(str(value).strip().replace("/", "-")) if len(str(value)) < 60 else None
    except ValueError:
        at = None
    if at is None:
        raise Unfit("bad_time", f"{name}: {value}")
    at = at.replace(tzinfo=UTC) if is_naive(at) else at
    if at < EARLIEST:
        raise Unfit("bad_time", f"{name}: {value}")
    return at
