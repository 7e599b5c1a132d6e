"""Mail as Chinese and English clients write it: text out of HTML, quotes and signatures folded away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import html_to_text, split_quoted_reply, split_signature

QUOTES = {
    "qq": '------------------ 原始邮件 ------------------\n发件人: "客服" <a@b.com>;\n发送时间: 2026年11月20日\n\n您好',
    "qq english": "------------------ Original ------------------\nFrom: x <a@b.com>\nDate: Fri\n\nhello",
    "163": '在 2026-11-20 10:00:00，"客服" <a@b.com> 写道：\n\n> 您好\n> 已发出',
    "163 new": "---- 回复的原邮件 ----\n| 发件人 | 客服 |\n您好",
    "netease english": 'At 2026-11-20 10:00:00, "cs" <a@b.com> wrote:\n\nhello',
    "foxmail": "发件人： 客服\n发送时间： 2026-11-20 10:00\n收件人： 张三\n主题： 您的订单\n您好",
    "outlook zh": "_______________\n发件人: 客服 <a@b.com>\n发送时间: 2026年11月20日 10:00\n收件人: 张三\n您好",
    "outlook en": "From: Support <a@b.com>\nSent: Friday, 20 November 2026 10:00\nTo: Zhang\nSubject: Order\n\nHello",
    "outlook plain": "-----Original Message-----\nFrom: Support\nHello",
    "outlook zh plain": "-----邮件原件-----\n发件人: 客服 <a@b.com>\n收件人: 张三\n您好",
    "gmail en": "On Fri, Nov 20, 2026 at 10:00 AM Support <a@b.com> wrote:\n> Hello",
    "gmail en wrapped": "On Fri, Nov 20, 2026 at 10:00 AM Support Team\n<support@shop.example.com> wrote:\n> Hello",
    "gmail zh": "客服 <a@b.com> 于2026年11月20日周五 10:00写道：\n\n> 您好",
    "gmail zh wrapped": "客服 <a@b.com>\n于2026年11月20日周五 10:00写道：\n\n> 您好",
    "apple zh": "> 在 2026年11月20日，上午10:00，客服 <a@b.com> 写道：\n> \n> 您好",
    "iphone zh": "在 2026年11月20日，10:00，客服 <a@b.com> 写道：\n\n您好",
    "bare quote": "> 您好\n> 已发出",
}


@pytest.mark.parametrize("client", QUOTES)
def test_the_fresh_part_is_what_was_written_now(client: str) -> None:
    fresh, quoted = split_quoted_reply(f"还是没收到。\n\n请尽快处理\n\n{QUOTES[client]}\n")
    assert fresh == "还是没收到。\n\n请尽快处理"
    assert QUOTES[client].split("\n")[0] in quoted


@pytest.mark.parametrize(
    "text",
    [
        "在您的店里我写道：请尽快发货\n但是没有人理我",
        "我的预算：\n> 100 元以内",
        "发件人：是谁我不知道\n请帮我查",
        "From what I see, the order is late\nTo be honest I am angry",
        "他写道歉信了吗？",
        "单号 123\n----------\n谢谢",
        "On 5 May I wrote to you.\nNobody answered.",
        "",
    ],
)
def test_ordinary_words_are_not_taken_for_a_quote(text: str) -> None:
    assert split_quoted_reply(text) == (text, "")


def test_answers_below_and_between_quotes_are_fresh() -> None:
    fresh, quoted = split_quoted_reply("在 2026-11-20，客服 <a@b.com> 写道：\n> 尺码？\nL 码\n> 颜色？\n黑色\n")
    assert fresh == "L 码\n黑色"
    assert [line for line in quoted.split("\n") if line.startswith(">")] == ["> 尺码？", "> 颜色？"]


def test_a_mail_that_is_only_history_stays_whole() -> None:
    text = QUOTES["outlook en"]
    assert split_quoted_reply(text) == (text, "")


@given(st.lists(st.one_of(st.sampled_from([line for q in QUOTES.values() for line in q.split("\n")]), st.text())))
def test_no_word_is_lost_in_splitting(lines: list[str]) -> None:
    text = "\n".join(lines)
    fresh, quoted = split_quoted_reply(text)
    assert sorted((fresh + quoted).split()) == sorted(text.split()) or sorted(f"{fresh}\n{quoted}".split()) == sorted(
        text.split()
    )
    body, signature = split_signature(fresh)
    assert sorted(f"{body}\n{signature}".split()) == sorted(fresh.split())


@pytest.mark.parametrize(
    "signature",
    [
        "-- \n张三\n某公司",
        "发自我的iPhone",
        "发自我的华为手机",
        "来自QQ邮箱",
        "Sent from my iPhone",
        "Get Outlook for iOS",
    ],
)
def test_signatures_are_told_apart(signature: str) -> None:
    assert split_signature(f"请退款\n\n{signature}") == ("请退款", signature)


def test_a_mail_that_is_only_a_signature_stays_whole() -> None:
    assert split_signature("发自我的iPhone") == ("发自我的iPhone", "")


def test_html_becomes_lines_without_hidden_or_active_parts() -> None:
    html = """<html><head><title>x</title><style>p{}</style></head><body>
    <div style="display:none">preheader<br>more</div><p>您好，&nbsp;<b>客服</b></p><p>订单&amp;发票</p>
    <ul><li>一<li>二</ul><script>alert(1)</script><table><tr><td>a</td><td>b</td></tr></table>
    <img src="x"><input value="y">完</body></html>"""
    assert html_to_text(html) == "您好， 客服\n\n订单&发票\n\n- 一\n- 二\na b\n完"


def test_an_html_quote_is_folded_like_a_plain_one() -> None:
    html = (
        '<div>还没到</div><div>发自我的iPhone</div><div class="gmail_quote"><div>On Fri, Nov 20, 2026 at 10:00 AM '
        "Support &lt;a@b.com&gt; wrote:<br></div><blockquote><p>Hello</p><blockquote>older</blockquote></blockquote>"
        "</div>"
    )
    fresh, quoted = split_quoted_reply(html_to_text(html))
    assert split_signature(fresh) == ("还没到", "发自我的iPhone")
    assert quoted.split("\n")[1:] == ["> Hello", ">", "> > older"]


@given(st.text(alphabet=st.sampled_from(list("<>/!-[]&;=\"' abdivpreblockquote\n你")), max_size=200))
def test_html_never_fails(html: str) -> None:
    html_to_text(html)


def test_deep_and_long_html_is_cut_not_refused() -> None:
    assert html_to_text("<div>" * 50_000 + "好" + "</div>" * 50_000) == "好"
    assert html_to_text("<blockquote>" * 20_000 + "好").endswith("> 好")
