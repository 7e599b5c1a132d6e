#!/usr/bin/env python3
"""Run a management command."""

import os
import sys
from pathlib import Path

from cs_portal.runtime.secrets import adopt_running


def main() -> None:
    adopt_running(os.environ, Path(os.environ.get("VAR_DIR", Path(__file__).resolve().parent / "var")))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_portal.settings.trial")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
