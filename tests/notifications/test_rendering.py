"""Words and values become mail; a value is never markup, a template never code."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.ui.colour import contrast
from notifications.errors import BadHeader
from notifications.rendering import Frame, Wording, render_message
from notifications.templates import language_for, register_template


def rendered(body: str, subject: str = "s", frame: Frame | None = None, language: str = "en", **values: Any) -> Any:
    return render_message(Wording(subject, body), values, frame or Frame(), language)


def test_value_is_escaped_in_html_and_plain_in_text() -> None:
    done = rendered("Hello {name}", name='<img src=x onerror=alert(1)> "&')
    assert '<img src=x onerror=alert(1)> "&' in done.text
    assert "&lt;img src=x onerror=alert(1)&gt; &quot;&amp;" in done.html
    assert "<img" not in done.html


@pytest.mark.parametrize(
    "odd",
    ["{name.__class__}", "{0}", "{{7*7}}", "{name!r}", "{name:>99999999}", "{ name }", "{unknown}", "%(name)s"],
)
def test_only_plain_variables_are_filled(odd: str) -> None:
    done = rendered(f"a {odd} b", name="X")
    assert f"a {odd} b" in done.text


def test_value_is_not_read_again_as_variable_or_link() -> None:
    done = rendered("{first} {second}", first="{second}", second="[click](https://evil.example)")
    assert "{second} [click](https://evil.example)" in done.text
    assert '<a href="https://evil.example"' not in done.html


def test_button_and_link() -> None:
    done = rendered("[Open]({url})\n\nor [here]({url}) now", url="https://shop.example/?a=1&b=2")
    assert done.html.count('href="https://shop.example/?a=1&amp;b=2"') == 2
    assert "Open\nhttps://shop.example/?a=1&b=2" in done.text
    assert "or here (https://shop.example/?a=1&b=2) now" in done.text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", "data:text/html,x", "https://", "//evil.example"])
def test_unsafe_link_is_left_out(url: str) -> None:
    done = rendered("Hello\n\n[Open]({url})", url=url)
    assert "Open" not in done.text
    assert "javascript" not in done.html


def test_agents_words_keep_lines_and_links_a_name_gets_none() -> None:
    done = rendered("{name}\n\n{text}", name="https://evil.example", text="see\nhttps://shop.example/x，谢谢")
    assert 'see<br><a href="https://shop.example/x">https://shop.example/x</a>，谢谢' in done.html
    assert '<a href="https://evil.example"' not in done.html


def test_quote_list_and_empty_paragraphs() -> None:
    done = rendered("> {text}\n\n- one\n- two\n\n{nothing}\n\nend", text="a\nb", nothing="")
    assert "> a\n> b\n\n- one\n- two\n\nend" in done.text
    assert "<li>one</li><li>two</li>" in done.html
    assert "<blockquote" in done.html


def test_subject_is_one_line_and_bounded() -> None:
    assert len(rendered("x", subject="{name}", name="退" * 500).subject) == 200
    for bad in ("a\nb", "a\rb", "a\x00b\nc", "a\u2028b"):
        with pytest.raises(BadHeader):
            rendered("x", subject="{name}", name=bad)


def test_frame_brings_brand_signature_and_way_out() -> None:
    frame = Frame("青禾家居", "#FFEE00", "https://shop.example", "客服中心\n李静", "https://x.example/u/t/", True)
    done = rendered("您好", frame=frame, language="zh-hans")
    assert "#FFEE00" in done.html
    assert "客服中心<br>李静" in done.html
    assert "https://x.example/u/t/" in done.text
    assert "-- \n客服中心\n李静" in done.text
    assert 'lang="zh-CN"' in done.html


def test_colour_that_is_none_is_not_used() -> None:
    assert "red;x" not in rendered("x", frame=Frame(shop_colour="red;x")).html


def test_lone_surrogates_and_nul_go() -> None:
    rendered("{name}", name="a\ud800\x00b").html.encode()


def test_language_and_missing_words() -> None:
    assert [language_for(code) for code in ("zh", "zh-CN", "zh-hans", "en-GB", "fr")] == ["zh-hans"] * 3 + [
        "en",
        "zh-hans",
    ]
    with pytest.raises(ValueError, match="lacks en"):
        register_template("tests.half", subject={"zh": "题"}, body={"zh": "文"})


@pytest.mark.parametrize("own", ["#0F766E", "#FDE047", "#111827"])
def test_links_read_on_white_and_on_dark(own: str) -> None:
    html = rendered("[这里](https://shop.example/)", frame=Frame(shop_colour=own)).html
    colours = re.findall(r"\.m-text blockquote a \{ color: (#[0-9a-f]{6})", html)
    reads = [contrast(colour, ground) >= 4.5 for colour, ground in zip(colours, ("#ffffff", "#1b1e1d"), strict=True)]
    assert reads == [True, True]
