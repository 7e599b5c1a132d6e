"""Forms of the orders app."""

from orders.forms.imports import MappingForm, RunForm, UploadForm
from orders.forms.settings import CarrierForm, ShopForm

__all__ = ["CarrierForm", "MappingForm", "RunForm", "ShopForm", "UploadForm"]
