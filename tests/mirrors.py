"""Web servers on this machine that stand in for those data sets are downloaded from."""

import http.server
import threading
import time


class Mirror(http.server.ThreadingHTTPServer):
    """Serves files by their names, or what `bad` makes of them; counts what was asked for."""

    daemon_threads = True

    def __init__(self, content, bad=None):
        self.content, self.bad = content, bad
        self.asked = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/files/"

    def start(self):
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def stop():
            self.shutdown()
            thread.join()
            self.server_close()

        return stop


class Handler(http.server.BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        self.server.asked.append(name)
        bad, content = self.server.bad, self.server.content.get(name)
        if bad in ("missing", "server error") or content is None:
            self.send_error(500 if bad == "server error" else 404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if bad == "other contents":
            content = bytes(len(content))
        elif bad in ("cut short", "stalls"):
            content = content[: len(content) // 2]
        self.wfile.write(content)
        if bad == "stalls":
            self.wfile.flush()
            time.sleep(30)
        if bad == "cut short":
            self.connection.close()

    def log_message(self, *_):
        pass
