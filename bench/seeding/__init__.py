"""Fill a database for the benchmarks: skewed, not uniform, straight into SQL, the same data for the same size."""

PASSWORD = "benchmark-only-7c1f"
API_KEY = "csk_benchmark_only"
BUSY, ONE, LEAD = "busy@bench.example", "one@bench.example", "lead@bench.example"
