"""Hand tickets to agents: who gets which, by what, and what happens to them when somebody leaves."""
