"""Starts localstripe, stands in front of it, and lets our client's test ask it.

localstripe refuses parameters that Stripe has and it has not; they are taken out on the way.
Nothing is changed in what it answers.
"""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode

UNKNOWN = ("automatic_payment_methods[", "description", "return_url", "cancellation_reason")
ROOT = os.path.join(os.path.dirname(__file__), "..", "..", "..")
TEST = "provider_stripe::foreign"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ready(port, process):
    for _ in range(100):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return True
        if process.poll() is not None:
            return False
        time.sleep(0.1)
    return False


def front(port):
    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self):
            length = int(self.headers.get("content-length", 0))
            fields = parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True)
            body = urlencode([pair for pair in fields if not pair[0].startswith(UNKNOWN)])
            kept = ("authorization", "content-type", "idempotency-key", "stripe-version")
            headers = {name: self.headers[name] for name in kept if self.headers[name]}
            there = http.client.HTTPConnection("127.0.0.1", port)
            there.request(self.command, self.path, body or None, headers)
            answer = there.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers.get("content-type", "text/plain"))
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = forward

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def main():
    port = free_port()
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    with tempfile.TemporaryFile("w+") as log:
        stripe = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            if not ready(port, stripe):
                log.seek(0)
                sys.exit("stripe: localstripe did not start: " + log.read()[-1000:])
            sys.exit(ask(front(port)))
        finally:
            stripe.terminate()
            stripe.wait()


def ask(url):
    test = ["cargo", "test", "-q", "-p", "tests", "--test", "it", "--", TEST]
    test += ["--ignored", "--nocapture"]
    asked = dict(os.environ, BIKELEASE_TEST_LOCALSTRIPE_URL=url)
    run = subprocess.run(test, cwd=ROOT, env=asked, capture_output=True, text=True)
    lines = [line for line in run.stdout.splitlines() if line.startswith("localstripe: ")]
    # Without its line the test was not run.
    if run.returncode or not lines:
        print(run.stdout, run.stderr, sep="\n", file=sys.stderr)
        return 1
    print(*lines, sep="\n")
    return 0


main()
