"""Automation rules: saving them, judging, acting, waiting, trying them on the past."""
