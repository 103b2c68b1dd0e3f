"""A server for these pages, for this machine alone: `python3 serve.py`, or `python3 serve.py 9000` for a port of your own."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# A system's own table may have other names for these, with which a browser runs nothing.
KINDS = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".json": "application/json",
}


class Pages(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, **KINDS}

    def log_request(self, *_):
        """Only what fails is said."""


def main(port=8000):
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(Pages, directory=FOLDER))
    except OSError as error:
        said = f"Port {port} cannot be used ({error.strerror})."
        raise SystemExit(f"{said} Name another one: python3 serve.py {port + 1}") from None
    print(f"http://127.0.0.1:{server.server_port}/ (Ctrl+C ends it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
