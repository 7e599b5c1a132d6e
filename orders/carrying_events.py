"""Events of accounts at carriers' providers."""

from dataclasses import dataclass

from core.events import Code, declare


@dataclass(frozen=True)
class CarrierAccountChanged:
    """An account's settings changed; which (codes)."""

    fields: tuple[Code, ...]


@dataclass(frozen=True)
class CarrierAccountFault:
    """An account is not asked any more, for a while (paused) or until a person says so (halted); why."""

    code: Code


@dataclass(frozen=True)
class CarrierCorrected:
    """The provider found that a parcel is another carrier's."""

    before_id: int
    carrier_id: int
    carrier: Code


declare("parcel.carrier_corrected", CarrierCorrected)
declare("carrier_account.added")
declare("carrier_account.changed", CarrierAccountChanged)
declare("carrier_account.halted", CarrierAccountFault)
declare("carrier_account.paused", CarrierAccountFault)
declare("carrier_account.resumed")
