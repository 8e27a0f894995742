"""A vision model's server that streams a fixed answer, slowly enough to be watched."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECES = ["It ", "weighs ", "**1.2 kg** ", "with ", "its ", "base ", "[LM-KT3]. ", "That ", "is ", "what ", "the ", "entry ", "says."]
HEAD = {"id": "chatcmpl-1", "created": 1700000000, "model": "watched"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if wanted.get("stream"):
            self.stream()
        else:
            self.whole()

    def whole(self):
        message = {"role": "assistant", "content": "".join(PIECES)}
        body = json.dumps({**HEAD, "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for piece in PIECES:
                self.chunk(json.dumps(delta({"content": piece}, None)))
                time.sleep(0.25)
            self.chunk(json.dumps(delta({}, "stop")))
            self.chunk("[DONE]")
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            # The answer was stopped, as one scenario wants it.
            self.close_connection = True

    def chunk(self, data):
        event = f"data: {data}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        self.wfile.flush()


def delta(content, finish):
    return {**HEAD, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": content, "finish_reason": finish}]}


def start():
    """The base address of a server that runs until the program ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/v1"
