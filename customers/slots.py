"""What changes from call to call in the kept statements about customers (core.kept)."""

from core.kept import number_slot

CUSTOMER = number_slot("customer", 4)
