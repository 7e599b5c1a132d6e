"""bin/bench import --rows N: how fast a shop's export goes in, and how much memory that takes.

The file has one row an item, two items an order, a customer of her own for most orders (some order often: Zipf), a
parcel and dated steps. Measured is the import as the worker runs it, after the dry run: from opening the file to the
last commit, indexes built. `raw_ms` is a plain COPY of the same facts into tables without indexes, in the same run.

The database is made anew each time, so that the people are new to it as in a company's first import. Memory is what
the import adds to an idle worker: of its own process, and of the one beside it what they do not share.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from bench.harness import Site
from bench.report import Report

HEADINGS = [
    "订单编号", "订单创建时间", "订单付款时间", "发货时间", "签收时间", "订单状态", "买家实际支付金额", "收货人姓名",
    "联系手机", "收货地址", "宝贝标题", "商家编码", "数量", "商品单价", "物流公司", "物流单号",
]  # fmt: skip
SURNAMES, GIVEN = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗",
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国红梅",
)
CITIES = ["浙江省杭州市西湖区", "上海市浦东新区", "广东省深圳市南山区", "北京市朝阳区", "四川省成都市武侯区"]
ITEMS = [
    ("保温杯 500ml 白色", "CUP-500-W", "89.00"), ("蓝牙耳机 降噪版", "EAR-BT-2", "¥1,299.00"),
    ("纯棉T恤 黑 L", "TEE-BLK-L", "59.9"), ("儿童绘本 10册", "BOOK-10", "128"), ("电动牙刷", "BRUSH-E1", "199.00"),
]  # fmt: skip
CHILD = """
import json, sys, time, resource
import django
django.setup()
import logging; logging.disable(logging.INFO)
from django.utils import timezone
from core.actors import SYSTEM
from core.events.partitions import roll_partitions
from cs_portal.celery import load_dictionaries
from orders.models import Shop
from orders.services import imports
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20
roll_partitions(timezone.now())
shop = Shop.objects.create(code=f"bench-{int(time.time())}", name="Bench")
load_dictionaries()  # as the worker does before it forks
base = rss()
print(json.dumps({"base_mb": base}), flush=True)
at = timezone.now()
with open(sys.argv[1], "rb") as file:
    begun = time.perf_counter()
    run = imports.start_import(shop_id=shop.pk, file=file, name="orders.csv", actor=SYSTEM, at=at)
    opened = time.perf_counter() - begun
imports.begin_check(run_id=run.pk, columns=run.columns, options={}, actor=SYSTEM, at=at)
begun = time.perf_counter()
run = imports.check_import(run_id=run.pk, at=at)
checked = time.perf_counter() - begun
assert run.state == "checked" and not run.rows_bad, (run.state, run.failure_code, run.preview)
imports.begin_run(run_id=run.pk, live_from=None, actor=SYSTEM, at=at)
begun = time.perf_counter()
run = imports.run_import(run_id=run.pk, at=at)
took = time.perf_counter() - begun
assert run.state == "done" and run.orders_new == run.orders_total, (run.state, run.orders_new)
print(json.dumps({"orders": run.orders_new, "rows": run.rows_total, "open_s": opened, "check_s": checked,
                  "import_s": took}))
"""


def run_child(argv: list[str], env: dict[str, str]) -> tuple[dict[str, float], str]:
    """Run the import; return what it told, with base_mb and extra_mb, and what it complained of."""
    place = Path(__file__).resolve().parent.parent
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(argv, env=env, cwd=place, stdout=subprocess.PIPE, stderr=complaints, text=True) as child,
    ):
        assert child.stdout is not None
        told = json.loads(child.stdout.readline() or "{}")
        told["extra_mb"] = 0.0
        while child.poll() is None:
            told["extra_mb"] = max(told["extra_mb"], used_mb(child.pid) - told.get("base_mb", 0.0))
            time.sleep(0.05)
        told |= json.loads(child.stdout.read().strip() or "{}")
        complaints.seek(0)
        return told, complaints.read() if child.returncode else ""


def used_mb(pid: int) -> float:
    """Return the memory of a process and what its children do not share with it; 0 when it is gone."""
    try:
        own = Path(f"/proc/{pid}/statm").read_text().split()[1]
        total = int(own) * resource.getpagesize() / 2**20
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            lines = Path(f"/proc/{child}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024
    except (OSError, IndexError):
        return 0.0
    return total


def write_file(path: Path, rows: int) -> None:
    """Write the shop's export; the same every time."""
    rng = random.Random(7)
    people = max(1, rows // 3)
    weights = list(itertools.accumulate(1 / (n + 10) for n in range(people)))
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADINGS)
        begin = datetime(2026, 6, 1, tzinfo=UTC)
        for n in range(rows // 2):
            # one order in five is of somebody who orders often
            person = rng.choices(range(people), cum_weights=weights)[0] if n % 5 == 0 else 10_000_000 + n
            placed = begin + timedelta(minutes=n % 200_000, seconds=n % 60)
            head = [
                f"{3_000_000_000_000_000_000 + n * 7}",
                f"{placed:%Y}/{placed.month}/{placed.day} {placed:%H:%M}",
                f"{placed + timedelta(minutes=3):%Y-%m-%d %H:%M:%S}",
                f"{placed + timedelta(days=1):%Y-%m-%d %H:%M:%S}",
                f"{placed + timedelta(days=3):%Y-%m-%d %H:%M:%S}",
                "已签收",
                "1388.00",
                SURNAMES[person % 20] + GIVEN[person % 29] + GIVEN[person % 23],
                f"13{person:09d}",
                f"{CITIES[n % 5]}文{n % 900}路 {n % 300} 号",
            ]
            for _line in range(2):
                title, sku, price = rng.choice(ITEMS)
                quantity, tracking = rng.choice((1, 1, 2)), f"SF{100_000_000_000 + n}"
                writer.writerow([*head, title, sku, quantity, price, "顺丰速运", tracking])


def raw_copy_ms(url: str, shop_code_like: str = "bench-%") -> float:
    """COPY what was imported last out and into bare tables again; returns the milliseconds of the way in."""
    total = 0.0
    with psycopg.connect(url) as connection:
        shop = connection.execute(
            "SELECT id FROM orders_shop WHERE code LIKE %s ORDER BY id DESC LIMIT 1", [shop_code_like]
        ).fetchone()
        assert shop is not None
        of_orders = f"SELECT id FROM orders_order WHERE shop_id = {shop[0]}"
        parts = {
            "orders_order": f"shop_id = {shop[0]}",
            "orders_item": f"order_id IN ({of_orders})",
            "orders_parcel": f"order_id IN ({of_orders})",
            "core_event": f"order_id IN ({of_orders})",
            "customers_customer": f"id IN (SELECT customer_id FROM orders_order WHERE shop_id = {shop[0]})",
            "customers_identity": f"customer_id IN (SELECT customer_id FROM orders_order WHERE shop_id = {shop[0]})",
        }
        for table, where in parts.items():
            with connection.cursor().copy(
                f"COPY (SELECT * FROM {table} WHERE {where}) TO STDOUT"
            ) as source:  # allowed: our own tables
                data = b"".join(bytes(block) for block in source)
            connection.execute(
                f"CREATE TEMP TABLE raw_{table} (LIKE {table}) ON COMMIT DROP"
            )  # allowed: our own tables
            begun = time.perf_counter()
            with connection.cursor().copy(f"COPY raw_{table} FROM STDIN") as target:  # allowed: our own tables
                target.write(data)
            total += time.perf_counter() - begun
        connection.rollback()
    return total * 1000


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; prints its JSON line and returns 0 or 1."""
    parser = argparse.ArgumentParser(prog="bin/bench import", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args(argv)
    report = Report("import", {"rows": options.rows, "runs": options.runs})
    site = Site("import")
    try:
        shutil.rmtree(site.var / "postgres", ignore_errors=True)
        site.open()
        site.prepare()
        path = site.var / f"orders-{options.rows}.csv"
        if not path.exists():
            write_file(path, options.rows)
        results, raws = [], []
        for _run in range(options.runs):
            told, complaints = run_child([sys.executable, "-c", CHILD, str(path)], {**os.environ, **site.process_env()})
            if complaints:
                sys.stderr.write(complaints[-4000:])
                return 1
            results.append(told)
            raws.append(raw_copy_ms(site.postgres.url()))
    finally:
        site.close()
    best = min(results, key=lambda result: result["import_s"])
    report.cases["orders"] = {
        "n": best["orders"],
        "p50_ms": round(best["import_s"] * 1000, 1),
        "p95_ms": round(max(result["import_s"] for result in results) * 1000, 1),
        "queries": None,
        "db_ms": None,
        "raw_ms": round(min(raws), 1),
        "orders_per_s": round(best["orders"] / best["import_s"]),
        "parse_and_check_ms": round(best["check_s"] * 1000, 1),
        "open_ms": round(best["open_s"] * 1000, 1),
        "extra_memory_mb": round(max(result["extra_mb"] for result in results), 1),
        "base_memory_mb": round(best["base_mb"], 1),
    }
    return report.finish()
