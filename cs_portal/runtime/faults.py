"""What can go wrong while starting, in words for the person at the terminal."""


class StartError(RuntimeError):
    """Something outside the program stands in the way; the message says what and what to do."""


class PortTaken(StartError):
    """Another program listens on the wanted port."""

    def __init__(self, host: str, port: int) -> None:
        self.port = port
        super().__init__(
            f"Port {port} on {host} is taken by another program. "
            f"Stop that program or choose another port: bin/up --port {port + 1 if port < 65535 else 8000}"
        )


class DiskFull(StartError):
    """There is not enough room for the data directory."""

    def __init__(self, place: str, free_mb: int, wanted_mb: int) -> None:
        super().__init__(
            f"The disk holding {place} is full: {free_mb} MB free, {wanted_mb} MB needed. "
            "Free some room, or keep the data elsewhere: bin/up --var DIRECTORY"
        )
