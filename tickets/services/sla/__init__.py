"""The SLA engine: terms, choosing a policy, keeping clocks, due rows, escalation, setting clocks anew."""
