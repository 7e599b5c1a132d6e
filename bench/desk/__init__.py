"""Parts of bench/inbox.py: the places, what is written there, what is searched for, eight agents at work."""
