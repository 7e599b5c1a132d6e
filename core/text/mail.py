"""What a mail says: text out of HTML, the fresh part apart from quoted history, the signature apart from the words.

Knows the habits of QQ, 163/NetEase, Outlook, Foxmail, Apple Mail, Gmail and phones, in Chinese and English.
"""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from core.text.normalising import strip_invisible

MAX_HTML = 2_000_000  # characters; a longer mail is cut, nobody reads it in a console
MAX_QUOTE_DEPTH = 5

_SKIPPED = frozenset({"script", "style", "head", "title", "template", "noscript", "svg", "object"})
_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    ]
)
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6"})
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all|font-size\s*:\s*0(?![.\d])", re.IGNORECASE)
_LAYOUT = re.compile(r"[ \t\r\n\f]+")


class _TextOfHtml(HTMLParser):
    """Collects lines; blockquotes become "> " lines so that one rule folds HTML and plain quotes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.line = ""
        self.quote_depth = 0
        self.skipping: list[str] = []
        self.pre_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.skipping:
            if tag not in _VOID:
                self.skipping.append(tag)
            return
        style = dict(attrs).get("style") or ""
        if (tag in _SKIPPED or _HIDDEN.search(style)) and tag not in _VOID:
            self.skipping.append(tag)
            return
        if tag == "br":
            self._break(force=True)
        elif tag == "hr":
            self._break()
            self.line = "_" * 20
            self._break()
        elif tag in _BLOCKS:
            self._break()
            self.quote_depth += tag == "blockquote"
            self.pre_depth += tag == "pre"
            if tag == "li":
                self.line = "- "
        elif tag in {"td", "th"} and self.line.strip():
            self.line += " "

    def handle_endtag(self, tag: str) -> None:
        if self.skipping:
            if tag in self.skipping:  # tags left open inside are closed with it
                while self.skipping.pop() != tag:
                    pass
            return
        if tag in _BLOCKS:
            self._break()
            if tag in _PARAGRAPHS and self.lines and self.lines[-1].strip("> "):
                self._break(force=True)
            self.quote_depth -= tag == "blockquote" and self.quote_depth > 0
            self.pre_depth -= tag == "pre" and self.pre_depth > 0

    def handle_data(self, data: str) -> None:
        if self.skipping:
            return
        if self.pre_depth:
            *whole, rest = data.split("\n")
            for part in whole:
                self.line += part
                self._break(force=True)
            self.line += rest
            return
        words = _LAYOUT.sub(" ", data)
        self.line += words if self.line else words.lstrip(" ")

    def _break(self, *, force: bool = False) -> None:
        if self.line.strip() or force:
            quote = "> " * min(self.quote_depth, MAX_QUOTE_DEPTH)
            self.lines.append((quote + self.line.replace("\xa0", " ")).rstrip())
        self.line = ""

    def text(self) -> str:
        self._break()
        return "\n".join(self.lines)


def html_to_text(html: str) -> str:
    """Return the readable text of an HTML mail: blocks as lines, quotes as "> " lines, nothing hidden or active."""
    parser = _TextOfHtml()
    parser.feed(html[:MAX_HTML])
    parser.close()
    text = strip_invisible(parser.text())
    return re.sub(r"\n{3,}", "\n\n", text).strip()


_SEPARATOR = re.compile(
    r"^[\s>*]*(?:[-—_=─]{2,}\s*(?:原始邮件|原始郵件|邮件原件|原邮件|回复的原邮件|回复邮件|Original(?:\s+Message)?|Original\s+Mail)"
    r"\s*[-—_=─]{2,}|-+\s*原始信息\s*-+)\s*$",
    re.IGNORECASE,
)
_ATTRIBUTION = re.compile(
    r"^[\s*]*(?:"
    r"(?:在|于)\s*.{0,250}?(?:写道|寫道|写到|wrote)\s*[:：]?"
    r"|.{0,200}?\s*(?:于|在)\s*\d{4}\s*[年/\-.].{0,120}?(?:写道|寫道)\s*[:：]"
    r"|\d{4}\s*[年/\-.]\s*\d{1,2}.{0,200}?(?:写道|寫道)\s*[:：]"
    r"|(?:On|At)\s.{0,40}\d.{0,250}?\bwrote\s*[:：]"
    r"|.{0,120}<[^<>\s]+@[^<>\s]+>\s*(?:写道|寫道|wrote)\s*[:：]"
    r")\s*$",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTION_HINT = re.compile(r"写道|寫道|写到|wrote", re.IGNORECASE)
_ATTRIBUTION_START = re.compile(
    r"^[\s*]*(?:在|于|On\s|At\s|\d{4}\s*[年/\-.]|.{0,120}(?:<|于\s*\d{4}))",
    re.IGNORECASE,
)
_FROM = re.compile(r"^[\s*>]*(?:发件人|發件人|寄件者|From)\s*\*?\s*[:：]", re.IGNORECASE)
_HEADER = re.compile(
    r"^[\s*>]*(?:发送时间|发送日期|发件时间|傳送時間|日期|时间|收件人|收件者|抄送|主题|主旨|Sent|Date|To|Cc|Subject|Importance)"
    r"\s*\*?\s*[:：]",
    re.IGNORECASE,
)
_RULE = re.compile(r"^\s*[_\-—─=*]{5,}\s*$")
_QUOTED = re.compile(r"^\s*[>＞|]")


def split_quoted_reply(text: str) -> tuple[str, str]:
    """Return what the writer wrote now and the history quoted below it; no line is lost.

    Answers below or between "> " lines count as fresh. A mail that is nothing but history (a forward) is
    returned whole as fresh, so that nobody gets an empty message.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cut = _find_cut(lines)
    fresh, quoted = lines[: cut.at], lines[cut.at :]
    if cut.interleaved:
        fresh, quoted = _sort_interleaved(fresh, quoted)
    if not "".join(fresh).strip():
        return text.strip(), ""
    return "\n".join(fresh).strip(), "\n".join(quoted).strip("\n")


@dataclass(frozen=True)
class _Cut:
    at: int  # index of the first quoted line; the number of lines when there is none
    interleaved: bool = False


def _find_cut(lines: list[str]) -> _Cut:
    for index, line in enumerate(lines):
        if _SEPARATOR.match(line):
            return _Cut(_above(lines, index))
        if _FROM.match(line) and any(_HEADER.match(other) for other in lines[index + 1 : index + 6]):
            return _Cut(_above(lines, index))
        if span := _attribution(lines, index):
            following = next((other for other in lines[index + span :] if other.strip()), "")
            return _Cut(index, interleaved=bool(_QUOTED.match(following)))
        if _QUOTED.match(line) and _is_quote_block(lines, index):
            return _Cut(index, interleaved=True)
    return _Cut(len(lines))


def _attribution(lines: list[str], index: int) -> int:
    """Return over how many lines (a mailer wraps them) an attribution runs from here, 0 for none."""
    if not _ATTRIBUTION_START.match(lines[index]):
        return 0
    for span in range(1, 4):
        chunk = lines[index : index + span]
        if len(chunk) < span or not chunk[-1].strip():
            return 0
        if _ATTRIBUTION_HINT.search(chunk[-1]):
            return span if _ATTRIBUTION.match("\n".join(chunk)) else 0
    return 0


def _is_quote_block(lines: list[str], index: int) -> bool:
    """Tell a quotation from a lone line that happens to start with ">" ("> 100 元怎么办")."""
    following = next((line for line in lines[index + 1 : index + 3] if line.strip()), "")
    return bool(_QUOTED.match(following))


def _above(lines: list[str], index: int) -> int:
    """Take the ruler that Outlook and Foxmail draw above the header block along with it."""
    above = index - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and _RULE.match(lines[above]) else index


def _sort_interleaved(fresh: list[str], rest: list[str]) -> tuple[list[str], list[str]]:
    fresh, quoted = list(fresh), []
    in_head = True  # attribution lines stand before the first quoted one
    for line in rest:
        is_quote = bool(_QUOTED.match(line))
        if is_quote or not line.strip() or (in_head and not is_quote):
            quoted.append(line)
        else:
            fresh.append(line)
        in_head = in_head and not is_quote
    return fresh, quoted


_SIGNATURE_LINE = re.compile(
    r"^\s*(?:发自我的.{1,20}|来自我的.{1,20}|发自\s?.{0,12}(?:邮箱|邮件|手机|iPhone|iPad).{0,12}|来自.{0,8}邮箱.{0,6}"
    r"|从\s?Windows\s.{0,12}邮件发送|获取\s?(?:适用于\s?)?(?:iOS|Android)?.{0,6}Outlook.{0,20}"
    r"|Sent from (?:my |Mail|Outlook|Yahoo|Samsung).{0,60}|Get Outlook for .{1,20}|Sent with .{1,40})\s*$",
    re.IGNORECASE,
)
_SIGNATURE_RULE = re.compile(r"^(?:--|—|––|_{2,})\s?$")
_MAX_SIGNATURE_LINES = 12


def split_signature(text: str) -> tuple[str, str]:
    """Return the words and the signature ("-- " block, 发自我的iPhone); a mail that is all signature stays whole."""
    lines = text.rstrip().split("\n")
    start = len(lines)
    for index in range(len(lines) - 1, max(-1, len(lines) - 1 - _MAX_SIGNATURE_LINES), -1):
        if _SIGNATURE_RULE.match(lines[index]) or _SIGNATURE_LINE.match(lines[index]):
            start = index
    body = "\n".join(lines[:start]).strip()
    return (body, "\n".join(lines[start:]).strip()) if body else (text.strip(), "")
