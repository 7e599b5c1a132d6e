"""The first-run wizard: company and first administrator, shop, mailbox, staff, calendar."""
