"""A busy machine is not a broken page: expectations wait longer than Playwright's five seconds."""

from playwright.sync_api import expect

expect.set_options(timeout=15_000)
