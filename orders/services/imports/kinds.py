"""What a file of each kind can tell, and what it has to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from core.errors import Text
from orders.enums import ImportKind
from orders.services.imports.headings import TARGETS, Target


@dataclass(frozen=True)
class FileKind:
    """The columns of one kind of file; of each set in `needs` one column has to be there, else its sentence is said.

    `key` names the column that tells the things of the file apart, and is kept with the sentence about a row.
    """

    targets: Mapping[str, Target]
    needs: tuple[tuple[frozenset[str], Text], ...]
    key: str = "number"

    def missing(self, columns: Mapping[str, str]) -> list[Text]:
        """Return what a matching lacks, the most important first."""
        have = set(columns.values())
        return [sentence for wanted, sentence in self.needs if not have & wanted]


_NUMBER = (
    frozenset({"number"}),
    _("Say which column holds the order number. Without it no row can be told apart."),
)
_ITEM = (
    frozenset({"item_title", "item_sku"}),
    _("Say which column names the items: their title or their number."),
)
_EXPECTED = Target(
    "expected_at", _("Expected arrival"), "date",
    ("预计送达时间", "预计到达时间", "预计签收时间", "expected at", "estimated delivery", "eta"),
)  # fmt: skip
_PRODUCTS = (
    Target("sku", _("Item number (SKU)"), "code", (
        "商家编码", "商品编码", "规格编码", "sku编码", "货号", "商品货号", "商品id", "物料编码", "存货编码",
        "sku id", "sku code",
        "variant sku", "item number", "product code", "product id",
    )),
    Target("product_name", _("Product name"), "text", (
        "商品名称", "宝贝标题", "商品标题", "货品名称", "品名", "存货名称", "名称", "标题", "name", "product name",
        "product", "title",
        "item name",
    )),
    Target("category", _("Category"), "text", (
        "商品类目", "类目", "商品分类", "分类", "品类", "category", "product type", "type", "product category",
    )),
    Target("price", _("Price"), "amount", (
        "一口价", "价格", "售价", "单价", "商品价格", "销售价", "price", "variant price", "unit price", "sale price",
    )),
    Target("currency", _("Currency"), "currency", ("币种", "货币")),
    Target("stock", _("Stock"), "stock", (
        "库存", "库存数量", "可用库存", "现有库存", "商品库存", "可售库存", "数量", "实际库存", "stock", "quantity",
        "qty",
        "inventory", "available", "variant inventory qty", "on hand",
    )),
    Target("stock_at", _("Stock counted at"), "date", ("库存时间", "盘点时间", "更新时间", "stock at", "counted at",
        "updated at")),
    Target("is_active", _("On sale"), "yes_no", ("是否上架", "上架状态", "商品状态", "状态", "上架", "status",
        "published", "active")),
)  # fmt: skip
_CUSTOMERS = (
    Target("account", _("Buyer's account"), "text", (
        "买家会员名", "会员名", "买家昵称", "用户名", "买家账号", "会员账号", "会员id", "会员编号", "客户编号",
        "customer id", "username",
        "account", "buyer account",
    )),
    Target("customer_name", _("Name"), "text", (
        "姓名", "客户姓名", "会员姓名", "真实姓名", "收货人姓名", "称呼", "名称", "name", "full name",
        "customer name", "customer",
    )),
    Target("phone", _("Phone"), "phone", (
        "手机", "手机号", "手机号码", "联系电话", "电话", "联系手机", "客户电话", "会员手机", "phone", "mobile",
        "telephone", "phone number",
    )),
    Target("email", _("Email"), "email", ("邮箱", "电子邮箱", "邮件", "email", "e-mail", "email address")),
    Target("tier", _("Tier"), "tier", ("会员等级", "等级", "客户等级", "客户级别", "会员级别", "级别", "level",
        "tier", "vip level")),
    Target("tags", _("Tags"), "tags", ("标签", "客户标签", "会员标签", "tag", "tags", "labels")),
    Target("note", _("Note"), "text", ("备注", "客户备注", "说明", "notes", "note", "remark")),
)  # fmt: skip
_PROMOTIONS = (
    Target("code", _("Promotion number"), "code", (
        "活动id", "活动编号", "活动编码", "促销编号",
        "促销id", "优惠编号", "promotion id", "promotion code", "promo code",
        "discount code", "campaign id",
    )),
    Target("title", _("Promotion title"), "text", (
        "活动名称", "活动标题", "促销名称", "优惠名称", "活动",
        "名称", "标题", "promotion", "promotion name", "campaign", "title",
        "name",
    )),
    Target("skus", _("Item numbers (SKU)"), "list", (
        "商家编码", "商品编码", "规格编码", "sku编码", "货号", "商品货号",
        "参与商品", "活动商品", "适用商品", "sku", "skus", "item number",
        "item numbers", "variant sku", "products",
    )),
    Target("price", _("Promotion price"), "amount", (
        "活动价", "促销价", "优惠价", "到手价", "一口价",
        "特价", "promotion price", "sale price", "special price", "price",
    )),
    Target("percent", _("Discount"), "percent_off", (
        "折扣", "折扣率", "活动折扣", "优惠折扣", "优惠幅度", "discount", "percent off", "discount percent", "percent",
    )),
    Target("starts_at", _("Starts at"), "date", (
        "开始时间", "活动开始时间", "生效时间", "开始日期", "起始时间",
        "starts at", "start", "start date", "start time", "valid from",
    )),
    Target("ends_at", _("Ends at"), "date", (
        "结束时间", "活动结束时间", "失效时间", "截止时间", "结束日期",
        "ends at", "end", "end date", "end time", "valid until",
    )),
    Target("is_active", _("In force"), "yes_no", (
        "是否生效", "是否启用", "活动状态", "状态", "status", "active", "enabled",
    )),
)  # fmt: skip


def _some(*keys: str) -> dict[str, Target]:
    return {key: TARGETS[key] for key in keys}


KINDS: dict[ImportKind, FileKind] = {
    ImportKind.ORDERS: FileKind(
        TARGETS,
        (_NUMBER, (frozenset({"placed_at"}), _("Say which column tells when the order was placed.")), _ITEM),
    ),
    ImportKind.ITEMS: FileKind(
        _some("number", "item_title", "item_sku", "item_quantity", "item_price"), (_NUMBER, _ITEM)
    ),
    ImportKind.PARCELS: FileKind(
        {**_some("number", "carrier", "tracking_number", "shipped_at", "delivered_at"), "expected_at": _EXPECTED},
        (
            _NUMBER,
            (frozenset({"tracking_number"}), _("Say which column holds the tracking number.")),
            (frozenset({"carrier"}), _("Say which column names the carrier.")),
        ),
    ),
    ImportKind.PRODUCTS: FileKind(
        {target.key: target for target in _PRODUCTS},
        ((frozenset({"sku"}), _("Say which column holds the article number. Without it no row can be told apart.")),),
        "sku",
    ),
    ImportKind.CUSTOMERS: FileKind(
        {target.key: target for target in _CUSTOMERS},
        (
            (
                frozenset({"account", "phone", "email"}),
                _("Say which column holds the account, the phone or the email. Without one nobody can be recognised."),
            ),
        ),
        "account",
    ),
    ImportKind.PROMOTIONS: FileKind(
        {target.key: target for target in _PROMOTIONS},
        (
            (
                frozenset({"code"}),
                _("Say which column holds the promotion number. Without it no row can be told apart."),
            ),
            (frozenset({"title"}), _("Say which column holds the title of the promotion.")),
            (frozenset({"starts_at"}), _("Say which column tells when a promotion starts.")),
            (frozenset({"price", "percent"}), _("Say which column holds the price or the discount.")),
        ),
        "code",
    ),
}
