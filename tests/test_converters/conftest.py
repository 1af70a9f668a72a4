"""What tests of several converters use."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@pytest.fixture
def server():
    """A local web server of ``content`` that records what ranges are ``asked`` for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get('Range')
            server.asked.append(wanted)
            start = int(wanted[6:-1]) if wanted and server.ranges else 0
            if server.refuses or start >= len(server.content):
                self.send_error(416 if server.refuses or start else 404)
                return
            self.send_response(206 if start else 200)
            self.send_header('Content-Length', str(len(server.content) - start))
            self.end_headers()
            self.wfile.write(server.content[start : server.cut])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.content, server.asked, server.ranges, server.cut = b'', [], True, None
    server.refuses = False
    server.url = f'http://127.0.0.1:{server.server_port}/master.zip'
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
