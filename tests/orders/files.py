"""Files of orders for tests: a good one in many shapes, and ways to spoil it."""

import csv
import io
import zipfile

from openpyxl import Workbook

HEADINGS = [
    "订单编号", "订单创建时间", "订单付款时间", "发货时间", "订单状态", "订单金额", "收货人姓名", "联系手机",
    "收货地址",
    "宝贝标题", "商家编码", "数量", "商品单价", "物流公司", "物流单号",
]  # fmt: skip


def rows_of(orders=3, *, start=0, lines=2):
    """Return rows of `orders` orders with two lines each, side by side."""
    rows = []
    for n in range(start, start + orders):
        head = [
            f"TB{90000 + n}", f"2026/11/{n % 9 + 1} 9:05", f"2026-11-{n % 9 + 1:02d} 09:08:30",
            f"2026-11-{n % 9 + 2:02d} 10:00:00",
            "卖家已发货", "¥1,299.00", f"李{'小红明华'[n % 4]}", f"+86 139 {n // 10_000:04d} {n % 10_000:04d}",
            f"浙江省杭州市西湖区文三路 {n} 号",
        ]  # fmt: skip
        for line in range(lines):
            rows.append(
                [*head, f"保温杯 {line}", f"CUP-{line}", str(line + 1), "99.50", "顺丰速运", f"SF{10000000 + n}"]
            )
    return rows


def csv_bytes(rows, headings=HEADINGS, *, encoding="utf-8", delimiter=",", newline="\r\n"):
    """Return a CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline)
    writer.writerow(headings)
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def xlsx_bytes(rows, headings=HEADINGS):
    """Return a workbook."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(headings)
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_part(data, name, change):
    """Return a workbook with one of its parts changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            body = old.read(part.filename)
            new.writestr(part.filename, change(body) if part.filename == name else body)
    return out.getvalue()
