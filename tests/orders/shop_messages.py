"""Messages as Shopify and WooCommerce send them, signed; shaped by their public documentation, all names invented."""

import base64
import hashlib
import hmac
import json
from copy import deepcopy
from typing import Any

SECRET = "shared-secret-of-the-shop"
T0 = "2026-11-10T09:00:00+08:00"

ORDER: dict[str, Any] = {
    "id": 5011223344,
    "name": "#1001",
    "created_at": T0,
    "updated_at": T0,
    "processed_at": T0,
    "cancelled_at": None,
    "currency": "CNY",
    "financial_status": "paid",
    "fulfillment_status": None,
    "total_price": "187.90",
    "current_total_price": "187.90",
    "total_outstanding": "0.00",
    "total_discounts": "0.00",
    "total_shipping_price_set": {"shop_money": {"amount": "0.00", "currency_code": "CNY"}},
    "payment_gateway_names": ["alipay"],
    "note": "请周末送",
    "email": "lixh@example.com",
    "phone": None,
    "customer": {"id": 706405, "email": "lixh@example.com", "phone": "+8613800138000"},
    "shipping_address": {
        "name": "李小红", "phone": "13800138000", "province": "浙江省", "city": "杭州市",
        "address1": "文三路 138 号", "address2": None, "country_code": "CN", "zip": "310000",
    },
    "line_items": [
        {"id": 11, "title": "保温杯", "variant_title": "500ml 白色", "sku": "CUP-500-W", "quantity": 2,
         "current_quantity": 2, "price": "89.00", "requires_shipping": True},
        {"id": 12, "title": "杯刷", "variant_title": None, "sku": "BRUSH-1", "quantity": 1, "current_quantity": 1,
         "price": "9.90", "requires_shipping": True},
    ],
    "fulfillments": [],
    "refunds": [],
}  # fmt: skip


def shopify_order(updated_at: str, **fields: Any) -> dict[str, Any]:
    """Return a version of the order."""
    return {**deepcopy(ORDER), "updated_at": updated_at, **fields}


def shipment(source_id: int, number: str, updated_at: str, lines: dict[int, int], **fields: Any) -> dict[str, Any]:
    """Return a version of a fulfillment."""
    return {
        "id": source_id,
        "order_id": ORDER["id"],
        "status": "success",
        "created_at": fields.pop("created_at", "2026-11-11T10:00:00+08:00"),
        "updated_at": updated_at,
        "tracking_company": fields.pop("company", "SF Express"),
        "tracking_number": number,
        "tracking_numbers": [number],
        "shipment_status": None,
        "line_items": [{"id": line, "quantity": quantity} for line, quantity in lines.items()],
        **fields,
    }


def refund(source_id: int, amount: str, at: str) -> dict[str, Any]:
    """Return a refund."""
    return {
        "id": source_id,
        "order_id": ORDER["id"],
        "created_at": at,
        "note": "少发一件",
        "refund_line_items": [],
        "transactions": [{"id": 1, "kind": "refund", "status": "success", "amount": amount, "currency": "CNY"}],
    }


WOO: dict[str, Any] = {
    "id": 727,
    "number": "727",
    "status": "processing",
    "currency": "CNY",
    "date_created_gmt": "2026-11-10T01:00:00",
    "date_modified_gmt": "2026-11-10T01:05:00",
    "date_paid_gmt": "2026-11-10T01:04:00",
    "date_completed_gmt": None,
    "discount_total": "10.00",
    "shipping_total": "8.00",
    "total": "87.00",
    "customer_id": 26,
    "customer_note": "",
    "payment_method": "alipay",
    "transaction_id": "2026112022001",
    "billing": {
        "first_name": "强",
        "last_name": "王",
        "phone": "13900139000",
        "email": "wangq@example.com",
    },
    "shipping": {
        "first_name": "强",
        "last_name": "王",
        "state": "广东省",
        "city": "深圳市",
        "address_1": "科苑路 15 号",
    },
    "line_items": [{"id": 315, "name": "台灯", "sku": "LAMP-1", "quantity": 1, "subtotal": "89.00", "price": 89}],
    "meta_data": [],
    "refunds": [],
}


def body_of(told: Any) -> bytes:
    """Return a message's bytes as PHP and Ruby write them: no blanks, characters as they are."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def signature(body: bytes, secret: str = SECRET) -> str:
    """Return the signature both platforms make."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def shopify_headers(body: bytes, topic: str, secret: str = SECRET, **more: str) -> dict[str, str]:
    """Return the headers Shopify sends."""
    return {
        "X-Shopify-Hmac-Sha256": signature(body, secret),
        "X-Shopify-Topic": topic,
        "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "X-Shopify-Triggered-At": "2026-11-10T01:00:00.1Z",
        "X-Shopify-Shop-Domain": "cups.myshopify.com",
        **more,
    }


def woo_headers(body: bytes, topic: str, secret: str = SECRET) -> dict[str, str]:
    """Return the headers WooCommerce sends."""
    return {
        "X-WC-Webhook-Signature": signature(body, secret),
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Source": "https://lamps.example.com/",
        "X-WC-Webhook-Delivery-ID": "53ac6a22",
    }
