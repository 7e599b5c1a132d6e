"""Events of the KPI app."""

from core.events import declare

declare("target.changed")
