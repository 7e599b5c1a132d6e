"""Carriers judged month by month: what is counted, the rating, the rows behind each number."""
