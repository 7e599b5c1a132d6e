"""The refused parts of an export as a table to look into: file, line, reason, and how it began."""

from __future__ import annotations

import csv
import io

from django.utils.translation import gettext as _

from core.crypto import decrypt
from core.workbooks import safe_cell
from tickets.migration_errors import FAULTS
from tickets.models import Migration, MigrationProblem


def fault_words(row: MigrationProblem) -> str:
    """Return the reason in the reader's language."""
    words = str(FAULTS.get(row.code, row.code))
    return f"{words} ({row.detail})" if row.detail else words


def write_problems(migration: Migration) -> bytes:
    """Return the refused parts as CSV (UTF-8 with a byte order mark, for Excel); no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_("File"), _("Line"), _("Reason"), _("Begins with")])
    for row in MigrationProblem.objects.filter(migration=migration).order_by("pk").iterator(chunk_size=1000):
        excerpt = decrypt(bytes(row.excerpt_enc)) if row.excerpt_enc else ""
        writer.writerow([safe_cell(cell) for cell in (row.file, str(row.line), fault_words(row), excerpt)])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")
