"""Files of orders on their way in: opened, matched, checked dry, then imported in resumable batches."""

from orders.services.imports.checking import check_import
from orders.services.imports.opening import start_import
from orders.services.imports.refused import write_refused_rows
from orders.services.imports.running import import_slice, run_import
from orders.services.imports.starting import begin_check, begin_run, cancel_import, sweep_imports

__all__ = [
    "begin_check",
    "begin_run",
    "cancel_import",
    "check_import",
    "import_slice",
    "run_import",
    "start_import",
    "sweep_imports",
    "write_refused_rows",
]
