"""The metric registry: one definition per number, shown beside it."""

from kpi.metrics.delivery import DELIVERY
from kpi.metrics.phone import PHONE
from kpi.metrics.satisfaction import SATISFACTION
from kpi.metrics.service import SERVICE
from kpi.metrics.shapes import Metric, Shape, Stat
from kpi.metrics.solving import SOLVING

METRICS: dict[str, Metric] = {metric.key: metric for metric in (*SERVICE, *SOLVING, *PHONE, *DELIVERY, *SATISFACTION)}

__all__ = ["METRICS", "Metric", "Shape", "Stat"]
