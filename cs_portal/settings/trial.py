"""bin/up: one machine, embedded servers, plain http on loopback."""

from cs_portal.settings.base import *
