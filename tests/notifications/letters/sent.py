"""Letters by who sends them: answers, machines, reports of delivery, one mail to several mailboxes."""

# ruff: noqa: E501 - one mail a line reads best

from __future__ import annotations

from collections.abc import Iterator

from tests.notifications.letters.shapes import CARE, HELP, SALE, Facts, Letter
from tests.notifications.odd_mails import ZH, multi, part, plain, word


def answers(facts: Facts) -> Iterator[Letter]:
    fresh = "还是没收到，麻烦再查一下"
    mine = {"From": f"Li <{facts.customer}>"}
    answer = {
        **mine,
        "In-Reply-To": facts.answer_id,
        "References": f"{facts.thread} {facts.asked_id} {facts.answer_id}",
    }
    histories = {
        "qq": "------------------ 原始邮件 ------------------\r\n发件人: \"客服\" <care@service.example>;\r\n发送时间: 2026年11月20日(星期五) 上午10:00\r\n收件人: \"李\"<li@customer.example>;\r\n主题: 您的订单\r\n\r\n马上处理",
        "163": "在 2026-11-20 10:00:00，\"客服\" <care@service.example> 写道：\r\n\r\n> 马上处理",
        "163-new": "---- 回复的原邮件 ----\r\n| 发件人 | 客服 |\r\n| 日期 | 2026年11月20日 |\r\n马上处理",
        "foxmail": "\r\n发件人： 客服\r\n发送时间： 2026-11-20 10:00\r\n收件人： 李\r\n主题： 您的订单\r\n马上处理",
        "aliyun": "------------------------------------------------------------------\r\n发件人：客服 <care@service.example>\r\n发送时间：2026年11月20日(星期五) 10:00\r\n收件人：李 <li@customer.example>\r\n主　题：您的订单\r\n\r\n马上处理",
        "outlook": "________________________________\r\n发件人: 客服 <care@service.example>\r\n发送时间: 2026年11月20日 10:00\r\n收件人: 李\r\n主题: 您的订单\r\n\r\n马上处理",
        "outlook-en": "From: Care <care@service.example>\r\nSent: Friday, 20 November 2026 10:00\r\nTo: Li\r\nSubject: Your order\r\n\r\n马上处理",
        "outlook-old": "-----Original Message-----\r\nFrom: Care\r\nSent: Friday\r\n\r\n马上处理",
        "gmail": "On Fri, Nov 20, 2026 at 10:00 AM Care <care@service.example>\r\nwrote:\r\n\r\n> 马上处理",
        "gmail-zh": "客服 <care@service.example> 于2026年11月20日周五 10:00写道：\r\n\r\n> 马上处理",
        "apple": "> 在 2026年11月20日，上午10:00，客服 <care@service.example> 写道：\r\n> \r\n> 马上处理",
        "original-line": "-----原始邮件-----\r\n发件人:\"客服\" <care@service.example>\r\n发送时间:2026-11-20 10:00:00 (星期五)\r\n\r\n马上处理",
    }  # fmt: skip
    for name, history in histories.items():
        raw = plain(f"re-{name}", f"{fresh}\r\n\r\n{history}\r\n".encode(), Subject=f"Re: {name}", **answer)
        yield Letter(f"quote-{name}", f"quote-{name}", raw, "joined", text=fresh, quoted="马上处理")
    pages = {
        "gmail-html": f'<div dir="ltr">{fresh}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Fri, Nov 20, 2026 at 10:00 AM Care &lt;care@service.example&gt; wrote:<br></div><blockquote>马上处理</blockquote></div>',
        "qq-html": f'<div>{fresh}</div><div><br></div><div style="font-size:12px">------------------&nbsp;原始邮件&nbsp;------------------</div><div>发件人: "客服" &lt;care@service.example&gt;;</div><div>马上处理</div>',
        "outlook-html": f'<p class="MsoNormal">{fresh}</p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>发件人:</b> 客服 &lt;care@service.example&gt;<br><b>发送时间:</b> 2026年11月20日 10:00<br><b>收件人:</b> 李<br><b>主题:</b> 您的订单</p></div><p>马上处理</p>',
        "netease-html": f'<div>{fresh}</div><br><div>在 2026-11-20 10:00:00，"客服" &lt;care@service.example&gt; 写道：</div><blockquote id="isReplyContent">马上处理</blockquote>',
        "apple-html": f'<div>{fresh}</div><div><br><blockquote type="cite"><div>在 2026年11月20日，上午10:00，客服 &lt;care@service.example&gt; 写道：</div><br><div>马上处理</div></blockquote></div>',
    }  # fmt: skip
    for name, page in pages.items():
        raw = plain(f"re-{name}", page.encode(), "text/html; charset=utf-8", Subject=f"Re: {name}", **answer)
        yield Letter(f"quote-{name}", f"quote-{name}", raw, "joined", text=fresh, quoted="马上处理")
    only = {"In-Reply-To": facts.answer_id}
    yield Letter("answer-in-reply-to", "thread-own", plain("a1", fresh.encode(), **mine, **only), "joined", text=fresh)
    yield Letter(
        "answer-references",
        "thread-own",
        plain("a2", fresh.encode(), **mine, References=f"<x@y> {facts.answer_id}"),
        "joined",
        text=fresh,
    )
    yield Letter(
        "answer-to-first",
        "thread-own",
        plain("a3", fresh.encode(), **mine, References=facts.asked_id),
        "joined",
        text=fresh,
    )
    yield Letter(
        "answer-signed-address",
        "thread-signed",
        plain("a4", fresh.encode(), To=facts.reply_to),
        "joined",
        "smtp",
        to=(facts.reply_to,),
        text=fresh,
    )
    yield Letter(
        "answer-signed-address-imap",
        "thread-signed",
        plain("a5", fresh.encode(), To=facts.reply_to),
        "joined",
        "imap",
        text=fresh,
    )
    yield Letter(
        "answer-signed-reference",
        "thread-signed",
        plain("a6", fresh.encode(), References=facts.thread),
        "joined",
        text=fresh,
    )
    forged = facts.thread.replace(".", ".a", 2)
    yield Letter(
        "stranger-forged-reference", "thread-forged", plain("a7", fresh.encode(), References=forged), text=fresh
    )
    yield Letter("stranger-knows-our-id", "thread-forged", plain("a8", fresh.encode(), **only), text=fresh)
    yield Letter(
        "stranger-forged-address",
        "thread-forged",
        plain("a9", fresh.encode(), To=facts.forged_reply),
        door="imap",
        text=fresh,
    )
    yield Letter(
        "answer-unknown-thread", "thread-unknown", plain("a10", fresh.encode(), References="<a@b> <c@d>"), text=fresh
    )


def machines(facts: Facts) -> Iterator[Letter]:
    signs: list[tuple[str, dict[str, str]]] = [
        ("auto-submitted", {"Auto-Submitted": "auto-replied"}), ("auto-generated", {"Auto-Submitted": "auto-generated; x=y"}),
        ("precedence-auto", {"Precedence": "auto_reply"}), ("precedence-bulk", {"Precedence": "bulk"}),
        ("precedence-junk", {"Precedence": "Junk"}), ("x-autoreply", {"X-Autoreply": "yes"}), ("x-autorespond", {"X-Autorespond": "x"}),
        ("subject-zh", {"Subject": word("自动回复：我在休假", "utf-8")}), ("subject-zh-mark", {"Subject": word("【自动回复】收到", "gbk")}),
        ("subject-zh-alone", {"Subject": word("自动回复", "utf-8")}), ("subject-en", {"Subject": "Automatic reply: your order"}),
        ("subject-ooo", {"Subject": "Out of Office AutoReply: order"}), ("subject-ja", {"Subject": word("自動返信：", "utf-8")}),
    ]  # fmt: skip
    for name, headers in signs:
        raw = plain(f"m-{name}", "我在休假，十一月三十日回来".encode(), **{"In-Reply-To": facts.answer_id, **headers})
        yield Letter(f"auto-{name}", "automatic", raw, "ignored:automatic")
    yield Letter("auto-null-sender", "automatic", plain("m1", ZH.encode()), "ignored:automatic", "smtp", sender="")
    yield Letter(
        "auto-asked-about",
        "about-automatic",
        plain("m2", ZH.encode(), Subject=word("自动回复功能不好用", "utf-8")),
        text=ZH,
    )
    yield Letter("auto-not-submitted", "about-automatic", plain("m3", ZH.encode(), Auto_Submitted="no"), text=ZH)
    yield Letter(
        "suppress-all", "wants-no-answer", plain("m4", ZH.encode(), **{"X-Auto-Response-Suppress": "All"}), text=ZH
    )
    yield Letter(
        "no-reply-sender", "wants-no-answer", plain("m5", ZH.encode(), From="Shop <no-reply@platform.example>"), text=ZH
    )
    yield Letter(
        "newsletter", "newsletter", plain("m6", ZH.encode(), List_Unsubscribe="<https://x.example/u>"), text=ZH
    )
    yield Letter("list-id", "list", plain("m7", ZH.encode(), List_Id="<news.x.example>"), "ignored:mailing_list")
    yield Letter("list-precedence", "list", plain("m8", ZH.encode(), Precedence="list"), "ignored:mailing_list")
    yield Letter(
        "list-but-signed",
        "list",
        plain("m9", ZH.encode(), To=facts.reply_to, List_Id="<x.y.z>"),
        "joined",
        "smtp",
        to=(facts.reply_to,),
    )
    yield Letter("loop-mark", "loop", plain("m10", ZH.encode(), X_Loop=facts.loop_mark), "ignored:own_mail")
    yield Letter("loop-our-id", "loop", plain("m11", ZH.encode(), Message_ID=facts.answer_id), "ignored:own_mail")
    yield Letter("loop-our-address", "loop", plain("m12", ZH.encode(), From=f"Care <{CARE}>"), "ignored:own_address")
    yield Letter("loop-strangers-mark", "loop", plain("m13", ZH.encode(), X_Loop="someone-else"), text=ZH)
    receipt = multi(
        "m14",
        "report; report-type=disposition-notification",
        part("text/plain", b"read"),
        part(
            "message/disposition-notification",
            b"Final-Recipient: rfc822;x@y\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n",
        ),
    )
    yield Letter("receipt", "receipt", receipt, "ignored:receipt")


def reports(facts: Facts) -> Iterator[Letter]:
    copied = f"From: care@service.example\r\nMessage-ID: {facts.answer_id}\r\nSubject: x\r\n".encode()
    other = copied.replace(facts.answer_id.encode(), b"<not-ours@elsewhere.example>")
    daemon = {"From": "Mail Delivery <MAILER-DAEMON@mx.example>"}

    def dsn(
        name: str, original: bytes, *, status: str = "5.2.2", action: str = "failed", kind: str = "text/rfc822-headers"
    ) -> bytes:
        state = f"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; x@y.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        return multi(
            name,
            "report; report-type=delivery-status",
            part("text/plain", b"It did not work."),
            part("message/delivery-status", state.encode()),
            part(kind, original + b"\r\nbody"),
            **daemon,
        )

    bounced = "applied:bounce"
    yield Letter("dsn", "report-dsn", dsn("r1", copied), bounced, "smtp", sender="")
    yield Letter(
        "dsn-with-mail", "report-dsn-mail", dsn("r2", copied, kind="message/rfc822"), bounced, "smtp", sender=""
    )
    yield Letter("dsn-imap", "report-dsn", b"Return-Path: <>\r\n" + dsn("r3", copied), bounced, "imap", sender="")
    yield Letter(
        "dsn-delayed",
        "report-delay",
        dsn("r4", copied, status="4.4.1", action="delayed"),
        "ignored:delayed",
        "smtp",
        sender="",
    )
    yield Letter("dsn-strangers", "report-strange", dsn("r5", other), "ignored:unknown_message", "smtp", sender="")
    yield Letter(
        "dsn-without-original",
        "report-strange",
        multi(
            "r6",
            "report; report-type=delivery-status",
            part("text/plain", b"no"),
            part("message/delivery-status", b"Status: 5.1.1\r\n"),
            **daemon,
        ),
        "ignored:unknown_message",
        "smtp",
        sender="",
    )
    qq = multi(
        "r7",
        "mixed",
        part("text/html; charset=gbk", "<p>很抱歉，您的邮件被退回：对方邮箱已满</p>".encode("gbk")),
        part("message/rfc822", copied + b"\r\nbody"),
        From="PostMaster@qq.example",
        Subject=word("系统退信", "gbk"),
    )
    yield Letter("qq-free-form", "report-qq", qq, bounced, "imap")
    netease = multi(
        "r8",
        "mixed",
        part("text/plain; charset=gb18030", "您的邮件未送达".encode("gb18030")),
        part("text/rfc822-headers", copied),
        From="Postmaster@163.example",
        Subject=word("系统退信/Systems bounce", "gbk"),
    )
    yield Letter("netease-free-form", "report-163", netease, bounced, "smtp", sender="")
    qmail = plain(
        "r9",
        b"Hi. This is the qmail-send program.\r\n<x@y.example>:\r\nSorry, no mailbox here by that name. (#5.2.2)\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n"
        + copied,
        Subject="failure notice",
        **daemon,
    )
    yield Letter("qmail", "report-qmail", qmail, bounced, "smtp", sender="")
    exchange = multi(
        "r10",
        "mixed",
        part("text/html", b"<p>Delivery has failed to these recipients</p>"),
        b"Content-Type: message/rfc822\r\n\r\n" + copied + b"\r\nx",
        From="postmaster@corp.example",
        Subject="Undeliverable: your order",
        X_Failed_Recipients="x@y.example",
    )
    yield Letter("exchange-free-form", "report-exchange", exchange, bounced, "imap")
    yield Letter(
        "postmaster-writes",
        "postmaster-person",
        plain("r11", ZH.encode(), From="postmaster@customer.example"),
        text=ZH,
        door="smtp",
    )
    complaint = multi(
        "r12",
        "report; report-type=feedback-report",
        part("text/plain", b"abuse"),
        part("message/feedback-report", b"Feedback-Type: not-spam\r\nVersion: 1\r\n"),
        part("message/rfc822", copied + b"\r\nx"),
        From="fbl@provider.example",
    )
    yield Letter("feedback", "report-feedback", complaint, "ignored:delayed", "smtp")


def several(facts: Facts) -> Iterator[Letter]:
    raw = plain("v1", ZH.encode(), To=f"{CARE}, {SALE}, {HELP}")
    yield Letter("to-two-by-one-mail", "several-mailboxes", raw, to=(CARE, SALE), door="smtp", text=ZH)
    for number in range(2):  # the same id for another letter: a careless program
        body = f"第 {number} 封，同一个编号".encode()
        same = plain("v2", body, Message_ID="<always@same.example>", Subject=f"same {number}")
        yield Letter(f"same-id-{number}", "used-id", same, text=f"第 {number} 封")
