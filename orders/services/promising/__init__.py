"""Promised delivery: by rules as an order comes in, kept beside it, priced anew for open orders, looked at when due."""
