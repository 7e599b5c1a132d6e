"""The gallery at /ui/: every part in every state, and every shell with made-up content. For staff and the trial."""

# ruff: noqa: E501 - sample data reads best as one row a line

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.ui import gallery_samples as samples

SHOP = {"name": "山野生活馆", "colour": "#c2410c", "phone": "400-820-0042", "privacy_url": "#"}
PAGES: dict[str, Callable[[datetime], dict[str, Any]]] = {}


def page(name: str) -> Callable[[Callable[[datetime], dict[str, Any]]], Callable[[datetime], dict[str, Any]]]:
    """Register the context of one gallery page; its template is ui/gallery/NAME.html."""

    def keep(build: Callable[[datetime], dict[str, Any]]) -> Callable[[datetime], dict[str, Any]]:
        PAGES[name] = build
        return build

    return keep


@require_safe
def gallery(request: HttpRequest, name: str = "parts") -> HttpResponse:
    """Show one page of the gallery to staff, or to anyone in the trial."""
    if not (settings.TRIAL or request.user.is_authenticated):
        return redirect_to_login(request.get_full_path())
    if name not in PAGES:
        raise Http404
    context = {"pages": sorted(PAGES), "page_name": name, **PAGES[name](timezone.now())}
    return render(request, f"ui/gallery/{name}.html", context)


@page("parts")
def parts(at: datetime) -> dict[str, Any]:
    broken = samples.SampleForm({"order": "2026", "phone": "13x", "topic": "late", "body": ""})
    broken.add_error(None, "订单号和手机号对不上，请核对后再试。您填写的内容都还在。")
    return {
        "now": at,
        "tones": samples.TONES,
        "states": samples.STATES,
        "clocks": [
            {"due_at": at + timedelta(minutes=90), "started_at": at - timedelta(minutes=30)},
            {"due_at": at + timedelta(minutes=9), "started_at": at - timedelta(minutes=51)},
            {"due_at": at - timedelta(minutes=12), "started_at": at - timedelta(hours=1)},
            {"due_at": at, "started_at": at - timedelta(hours=1), "stopped_at": at - timedelta(minutes=5)},
            {"due_at": at + timedelta(hours=3), "started_at": at - timedelta(hours=1), "paused": True},
        ],
        "moments": [at - timedelta(seconds=20), at - timedelta(minutes=12), at - timedelta(hours=5), at - timedelta(days=3), at - timedelta(days=500), at + timedelta(hours=2)],
        "names": ["陈雨桐", "欧阳若曦", "Marcus Weber", "王芳", "Ayşe", "李建国", "赵", "service@example.com"],
        "channels": ["mail", "form", "chat", "phone", "wechat", "sms", "api"],
        "form": samples.SampleForm(initial={"topic": "late"}),
        "broken": broken,
        "tabs": [
            {"label": "订单", "url": "#", "active": True, "count": 3, "icon": "package"},
            {"label": "客户", "url": "#", "icon": "user"},
            {"label": "售后", "url": "#", "count": 0, "icon": "receipt-refund"},
            {"label": "承诺", "url": "#", "icon": "calendar-due"},
        ],
        "orders": samples.orders(at),
        "life": samples.life(at),
        "steps": samples.steps(),
        "failed_steps": [{"label": "上传", "state": "done"}, {"label": "检查", "state": "failed", "note": "第 12 行金额为负"}, {"label": "导入", "state": "next"}],
        "story": samples.story(at),
        "charts": samples.charts(),
        "long": samples.LONG,
        "trend": [14, 12, 13, 9, 11, 8, 9],
    }  # fmt: skip


@page("desk")
def desk(at: datetime) -> dict[str, Any]:
    return {
        "now": at,
        "views": samples.views(at),
        "tickets": samples.tickets(at),
        "stream": samples.stream(at),
        "life": samples.life(at),
        "orders": samples.orders(at)[:2],
        "tabs": [
            {"label": "订单", "url": "#", "active": True},
            {"label": "客户", "url": "#"},
            {"label": "售后", "url": "#", "count": 1},
            {"label": "知识", "url": "#"},
            {"label": "承诺", "url": "#"},
        ],
    }


@page("board")
def board(at: datetime) -> dict[str, Any]:
    return {
        "now": at,
        "charts": samples.charts(),
        "trend": [14, 12, 13, 9, 11, 8, 9],
        "reasons": samples.charts()[1]["rows"],
    }


@page("wall")
def wall(at: datetime) -> dict[str, Any]:
    return {"now": at}


@page("contact")
def contact(at: datetime) -> dict[str, Any]:
    broken = samples.SampleForm({"order": "20261119-0042", "phone": "1380013", "topic": "broken", "body": samples.LONG})
    broken.add_error("phone", "手机号应为 11 位数字，现在是 7 位。")
    return {"shop": SHOP, "form": broken}


@page("survey")
def survey(at: datetime) -> dict[str, Any]:
    return {"shop": SHOP, "form": samples.FacesForm()}


@page("tracking")
def tracking(at: datetime) -> dict[str, Any]:
    return {"shop": SHOP, "life": samples.life(at)[::-1], "now": at}


@page("done")
def done(at: datetime) -> dict[str, Any]:
    return {
        "shop": SHOP,
        "heading": "我们收到了",
        "lead": "您的问题已经转给客服，最晚今天 18:00 前回复您。",
        "reference": "T-20261121-0318",
        "steps": [
            "确认邮件已发往 chen***@qq.com。",
            "客服会先查物流，再给您一个准确的时间。",
            "直接回复那封邮件就能补充情况。",
        ],
    }


@page("landing")
def landing(at: datetime) -> dict[str, Any]:
    return {"shop": SHOP}


@page("auth")
def auth(at: datetime) -> dict[str, Any]:
    return {"form": samples.SampleForm()}


@page("gone")
def gone(at: datetime) -> dict[str, Any]:
    return {"message": ""}
