"""Models of the orders app."""

from orders.models.carrying import CarrierAccount, CarrierCompany, CarrierPush, Tracking
from orders.models.contingency import ContingencyPlan, PlanOrder
from orders.models.estimate import ArrivalEstimate, LaneModel, LaneStat
from orders.models.exception import ParcelException
from orders.models.hook import InboundHook
from orders.models.imports import ImportMapping, ImportRowError, ImportRun
from orders.models.incident import AffectedOrder, AttachRun, FoundCluster, Incident
from orders.models.notice import NoticeRule, OrderNotice
from orders.models.order import Order, OrderItem, Payment
from orders.models.parcel import Carrier, Parcel, Scan
from orders.models.promise import DeliveryPromise, PromiseRule, PromiseRun
from orders.models.promotion import Promotion, PromotionVersion
from orders.models.request import OrderNote, OrderRequest, RepeatedNotice
from orders.models.shop import Product, Shop
from orders.models.source import CarrierName, Refund, ShopConnection, SourceOrder
from orders.models.track import TrackingLink, TrackingLookup

__all__ = [
    "AffectedOrder",
    "ArrivalEstimate",
    "AttachRun",
    "Carrier",
    "CarrierAccount",
    "CarrierCompany",
    "CarrierName",
    "CarrierPush",
    "ContingencyPlan",
    "DeliveryPromise",
    "FoundCluster",
    "ImportMapping",
    "ImportRowError",
    "ImportRun",
    "InboundHook",
    "Incident",
    "LaneModel",
    "LaneStat",
    "NoticeRule",
    "Order",
    "OrderItem",
    "OrderNote",
    "OrderNotice",
    "OrderRequest",
    "Parcel",
    "ParcelException",
    "Payment",
    "PlanOrder",
    "Product",
    "PromiseRule",
    "PromiseRun",
    "Promotion",
    "PromotionVersion",
    "Refund",
    "RepeatedNotice",
    "Scan",
    "Shop",
    "ShopConnection",
    "SourceOrder",
    "Tracking",
    "TrackingLink",
    "TrackingLookup",
]
