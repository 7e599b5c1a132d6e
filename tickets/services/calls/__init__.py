"""Phone calls: what a PBX tells, whose desk it rings at, the ticket it is about, who must be called back."""
