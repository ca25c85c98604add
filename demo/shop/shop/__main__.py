"""`python -m shop`: serve until the platform says stop."""

import argparse
import os
import signal
import sys
import threading

from shop.app import Shop
from shop.server import ShopServer
from shop.settings import load


def main() -> int:
    """Serve on the port of the command line or of SHOP_PORT."""
    parser = argparse.ArgumentParser(prog="shop", description="A corner shop on the web.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("SHOP_PORT", "8080")))
    options = parser.parse_args()
    shop = Shop(load(), revision=os.environ.get("SHOP_REVISION", "unknown"))
    server = ShopServer((options.host, options.port), shop)

    def stop(_number: int, _frame: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with server:
        server.serve_forever(poll_interval=0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main())
