"""A shop's two years for the benchmark of orders: skewed, the same data for the same size."""
