"""Mail that comes in: the listener, the parser, what kind of mail it is."""
