"""Serve pages and sockets on a listening socket the supervisor opened: python -m cs_portal.runtime.serve --fd N.

The socket stays with the supervisor, so a killed server refuses nobody: the other one accepts, and then
its successor.
"""

from __future__ import annotations

import argparse
import socket

import uvicorn

from cs_portal.runtime.collector import spare_the_collector


def main() -> None:
    """Run one uvicorn server on the inherited socket."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--behind-proxy", action="store_true", help="trust X-Forwarded-* of the proxy on loopback")
    options = parser.parse_args()
    config = uvicorn.Config(
        "cs_portal.asgi:application",
        lifespan="off",
        ws_max_size=65536,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=options.behind_proxy,
        forwarded_allow_ips="127.0.0.1" if options.behind_proxy else "",
        timeout_keep_alive=20,
        timeout_graceful_shutdown=5,
        backlog=1024,
    )
    config.load()
    spare_the_collector()
    with socket.socket(fileno=options.fd) as listener:
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
