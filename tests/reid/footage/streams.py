"""A camera in the network, as far as tests need one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self

import cv2
import numpy as np


class MotionJpegServer:
    """Sends pictures to whoever asks, and hangs up; after some connections it answers no more.

    Args:
        pictures: (height, width, 3) BGR.
        connections: how many are let in.
        repeat: how often each connection gets all pictures.
        interval: seconds between two.
    """

    def __init__(
        self,
        pictures: Sequence[np.ndarray],
        connections: int = 1_000,
        repeat: int = 1,
        interval: float = 0.02,
    ) -> None:
        parts = [_part(cv2.imencode(".jpg", picture)[1].tobytes()) for picture in pictures]
        left = [connections]

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                left[0] -= 1
                if left[0] < 0:
                    self.send_error(503)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
                self.end_headers()
                try:
                    for _ in range(repeat):
                        for part in parts:
                            head = (
                                f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(part)}\r\n\r\n"
                            )
                            self.wfile.write(head.encode() + part + b"\r\n")
                            time.sleep(interval)
                except OSError:
                    pass  # nobody is listening any more

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/street"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _part(picture: bytes) -> bytes:
    head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture + b"\r\n"
