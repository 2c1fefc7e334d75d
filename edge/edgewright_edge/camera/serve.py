"""Pictures over HTTP as motion JPEG, to this machine only."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .latest import Latest

HOST = "127.0.0.1"  # a camera is nobody else's business; reach it from elsewhere through ssh -L
_BOUNDARY = "edgewright-frame"
_PAGE = b"<!doctype html><title>edgewright</title><body style='margin:0;background:#222'><img src='/stream'>"


def open_server(port: int, pictures: Latest[bytes]) -> ThreadingHTTPServer:
    """Serves a page at `/` and the JPEGs put into `pictures` at `/stream`.  Port 0: one that is free."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                self._page()
            elif self.path == "/stream":
                self._stream()
            else:
                self.send_error(404)

        def _page(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(_PAGE)))
            self.end_headers()
            self.wfile.write(_PAGE)

        def _stream(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            number = 0
            try:
                while newest := pictures.newer_than(number):
                    number, jpeg = newest
                    head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                self.wfile.write(f"--{_BOUNDARY}--\r\n".encode())
            except (BrokenPipeError, ConnectionResetError):
                pass  # the browser was closed

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing: a line per request would hide what matters."""

    server = ThreadingHTTPServer((HOST, port), Handler)
    server.daemon_threads = True
    return server
