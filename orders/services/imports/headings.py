"""What a file's columns can mean, and what their headings probably do."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from core.errors import Text
from core.text import normalise


@dataclass(frozen=True)
class Target:
    """One field a column can be matched to; `kind` names its converter, `words` are headings people use for it."""

    key: str
    label: Text
    kind: str
    words: tuple[str, ...]
    per_item: bool = False


TARGETS: dict[str, Target] = {
    target.key: target
    for target in (
        Target("number", _("Order number"), "number", (
            "订单编号", "订单号", "订单id", "主订单编号", "交易编号", "平台订单号", "单号", "网店订单号", "原始单号",
            "order number", "order no", "order no.", "order id", "order", "name", "orderid", "number",
        )),
        Target("placed_at", _("Placed at"), "date", (
            "订单创建时间", "下单时间", "创建时间", "拍下时间", "订单时间", "下单日期", "交易创建时间", "订单日期",
            "created at", "placed at", "order date", "date", "created", "placed", "ordered at",
        )),
        Target("status", _("Status"), "status", (
            "订单状态", "交易状态", "状态", "订单当前状态", "status", "order status", "state",
        )),
        Target("total", _("Order total"), "amount", (
            "买家应付货款", "订单金额", "应付金额", "总金额", "订单总金额", "订单实付金额", "订单应付金额", "总价",
            "合计",
            "应付总额", "total", "order total", "amount", "grand total", "total amount",
        )),
        Target("paid", _("Amount paid"), "amount", (
            "买家实际支付金额", "实付金额", "实付款", "实际支付金额", "支付金额", "已付金额", "实收金额",
            "paid", "amount paid", "paid amount",
        )),
        Target("discount", _("Discount"), "amount", (
            "优惠金额", "优惠", "折扣", "店铺优惠", "商家优惠", "促销优惠", "discount", "discount amount",
        )),
        Target("shipping_fee", _("Shipping fee"), "amount", (
            "买家应付邮费", "运费", "邮费", "快递费", "配送费", "shipping", "shipping fee", "shipping amount",
            "freight",
        )),
        Target("currency", _("Currency"), "currency", ("币种", "货币", "currency")),
        Target("paid_at", _("Paid at"), "date", (
            "订单付款时间", "付款时间", "支付时间", "付款确认时间", "支付完成时间", "paid at", "payment time",
            "paid on",
        )),
        Target("packed_at", _("Packed at"), "date", ("打包时间", "配货时间", "出库时间", "packed at")),
        Target("shipped_at", _("Shipped at"), "date", (
            "发货时间", "订单发货时间", "物流发货时间", "fulfilled at", "shipped at", "ship date", "shipping date",
        )),
        Target("delivered_at", _("Delivered at"), "date",
        ("签收时间", "妥投时间", "送达时间", "delivered at", "delivery date")),
        Target("completed_at", _("Completed at"), "date", (
            "订单完成时间", "完成时间", "确认收货时间", "交易成功时间", "交易完成时间", "completed at", "closed at",
        )),
        Target("cancelled_at", _("Cancelled at"), "date",
        ("取消时间", "关闭时间", "交易关闭时间", "cancelled at", "canceled at")),
        Target("promised_at", _("Promised delivery"), "date",
        ("承诺送达时间", "预计送达时间", "承诺到货", "promised at", "due date")),
        Target("recipient", _("Recipient"), "text", (
            "收货人姓名", "收货人", "收件人", "收件人姓名", "客户姓名", "姓名", "收货人/提货人",
            "shipping name", "recipient", "ship to", "customer name", "billing name",
        )),
        Target("phone", _("Phone"), "phone", (
            "联系手机", "收货人手机号", "收货人手机", "手机", "手机号", "手机号码", "联系电话", "收货人电话", "电话",
            "收件人手机",
            "收货人手机号/提货人手机号", "联系方式", "客户电话",
            "phone", "shipping phone", "mobile", "telephone", "phone number", "billing phone",
        )),
        Target("province", _("Province"), "text", ("省", "省份", "收货人省份", "shipping province", "province")),
        Target("city", _("City"), "text", ("市", "城市", "收货人城市", "shipping city", "city")),
        Target("district", _("District"), "text",
        ("区", "区县", "收货人地区", "收货人区/县", "区/县", "district", "county")),
        Target("region", _("Region"), "text", ("省市区", "地区", "收货地区", "所在地区", "region")),
        Target("street", _("Address"), "text", (
            "收货地址", "详细地址", "收货人详细地址", "地址", "收件地址", "详细收货地址/提货地址", "收货人地址",
            "shipping street", "address", "shipping address1", "shipping address", "street",
        )),
        Target("email", _("Email"), "text", ("邮箱", "电子邮箱", "买家邮箱", "email", "e-mail", "contact email")),
        Target("account", _("Buyer's account"), "text", (
            "买家会员名", "买家昵称", "用户名", "买家账号", "买家", "下单帐号", "下单账号", "会员名", "客户账号",
            "buyer",
            "account", "username", "customer id", "buyer account",
        )),
        Target("buyer_note", _("Buyer's note"), "text", (
            "买家留言", "订单备注", "买家备注", "备注", "客户备注", "notes", "note", "buyer note", "remark",
        )),
        Target("item_title", _("Item"), "text", (
            "宝贝标题", "商品名称", "商品标题", "标题", "全部商品名称", "货品名称", "商品", "宝贝名称",
            "lineitem name", "item name", "product name", "product", "title", "item", "items", "description",
        ), True),
        Target("item_sku", _("Item number (SKU)"), "code", (
            "商家编码", "商品编码", "规格编码", "sku编码", "sku", "货号", "商品id", "商品货号", "sku id",
            "规格商家编码",
            "lineitem sku", "item sku", "product sku", "item number",
        ), True),
        Target("item_quantity", _("Quantity"), "quantity", (
            "宝贝总数量", "宝贝数量", "商品数量", "购买数量", "数量", "订购数量", "件数", "购买数量(件)",
            "lineitem quantity", "quantity", "qty", "item quantity",
        ), True),
        Target("item_price", _("Price of one"), "amount", (
            "商品价格", "商品单价", "单价", "售价", "京东价", "价格", "成交单价",
            "lineitem price", "unit price", "price", "item price",
        ), True),
        Target("payment_method", _("Payment method"), "payment", (
            "支付方式", "付款方式", "支付渠道", "payment method", "payment gateway", "gateway",
        )),
        Target("payment_reference", _("Payment number"), "code", (
            "支付单号", "支付流水号", "支付编号", "交易流水号", "外部支付流水号", "付款单号",
            "payment reference", "payment id", "transaction id",
        )),
        Target("carrier", _("Carrier"), "text", (
            "物流公司", "快递公司", "承运商", "配送公司", "物流方式", "配送方式", "快递", "carrier", "shipping carrier",
            "courier", "tracking company",
        )),
        Target("tracking_number", _("Tracking number"), "tracking", (
            "物流单号", "快递单号", "运单号", "物流编号", "运单编号", "包裹单号", "tracking number", "tracking no",
            "tracking",
            "waybill", "waybill number",
        )),
    )
}  # fmt: skip
MULTIPLE = frozenset({"street", "buyer_note"})
_NOISE = re.compile(r"[\s_\-::*]+|[((](?:元|必填|件|¥|¥|cny|rmb|单位[::]?元)[))]", re.IGNORECASE)
type Targets = Mapping[str, Target]


def _key(heading: str) -> str:
    return _NOISE.sub("", normalise(heading).lower())


def guess_columns(headings: list[str], targets: Targets = TARGETS) -> dict[str, str]:
    """Return {column index as text: target key} for headings we know; each target once, the earliest word wins."""
    book: dict[str, str] = {}
    for known in targets.values():
        for word in (known.key, *known.words):
            book.setdefault(_key(word), known.key)
    wishes: dict[str, tuple[int, int]] = {}
    for index, heading in enumerate(headings):
        key = _key(heading)
        target = book.get(key)
        if target is None:
            continue
        words = [_key(word) for word in (target, *targets[target].words)]
        rank = words.index(key)
        if target not in wishes or rank < wishes[target][1]:
            wishes[target] = (index, rank)
    return {str(index): target for target, (index, _rank) in wishes.items()}


def headings_hash(headings: list[str]) -> bytes:
    """Return the digest by which a shop's matching is remembered: the same headings in any order."""
    return hashlib.sha256("\x1f".join(sorted(_key(heading) for heading in headings)).encode()).digest()


def remember(headings: list[str], columns: dict[str, str]) -> dict[str, str]:
    """Return a matching by heading, which survives another order of columns."""
    return {_key(headings[int(index)]): target for index, target in columns.items() if int(index) < len(headings)}


def recall(headings: list[str], remembered: dict[str, str], targets: Targets = TARGETS) -> dict[str, str]:
    """Return {column index: target key} of a remembered matching for these headings."""
    result: dict[str, str] = {}
    for index, heading in enumerate(headings):
        target = remembered.get(_key(heading))
        if target is not None and target in targets and target not in result.values():
            result[str(index)] = target
    return result
