# SPDX-License-Identifier: MIT
"""A router of bytes, in a thread for each connection: what no WebSocket library would send.

A script is a function that gets the Connection; Connection.router.notes is where it leaves what it saw.
"""
import base64
import hashlib
import json
import queue
import socket
import struct
import threading

WELCOME = [2, 4711, {"roles": {"broker": {}, "dealer": {}}}]
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def frame(opcode, payload):
    n = len(payload)
    length = bytes([n]) if n < 126 else struct.pack(">BH", 126, n) if n < 65536 else struct.pack(">BQ", 127, n)
    return bytes([0x80 | opcode]) + length + payload


class Connection:
    def __init__(self, router, s):
        self.router, self.socket, self.received = router, s, b""

    def fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError
        self.received += data

    def take(self, n):
        while len(self.received) < n:
            self.fill()
        data, self.received = self.received[:n], self.received[n:]
        return data

    def request(self):
        while b"\r\n\r\n" not in self.received:
            self.fill()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        return lines[0], dict(line.split(": ", 1) for line in lines[1:])

    def upgrade(self, *extra):
        _, headers = self.request()
        accept = hashlib.sha1(headers["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Accept: " + base64.b64encode(accept).decode(), "Sec-WebSocket-Protocol: wamp.2.json",
                 *extra, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        return self

    def next_frame(self):
        first, n = self.take(2)
        n &= 0x7f
        if n == 126:
            n, = struct.unpack(">H", self.take(2))
        elif n == 127:
            n, = struct.unpack(">Q", self.take(8))
        mask = int.from_bytes(self.take(4) * (n // 4 + 1), "big") >> (4 * (n // 4 + 1) - n) * 8
        return first & 0x0f, (int.from_bytes(self.take(n), "big") ^ mask).to_bytes(n, "big")

    def send(self, message):
        self.socket.sendall(frame(TEXT, json.dumps(message).encode()))

    def welcome(self):
        self.next_frame()
        self.send(WELCOME)
        self.router.notes.put("joined")
        return self

    def serve(self):
        """Answers what a plain router answers, until the end."""
        while True:
            opcode, payload = self.next_frame()
            if opcode == PING:
                self.socket.sendall(frame(PONG, payload))
            elif opcode == PONG:
                self.router.notes.put(payload)
            elif opcode == CLOSE:
                self.socket.sendall(frame(CLOSE, payload[:2]))
                return
            elif opcode == TEXT:
                message = json.loads(payload)
                if message[0] == 16:
                    self.send([17, message[1], 1])
                elif message[0] == 6:
                    self.send([6, {}, "wamp.close.goodbye_and_out"])


class WireRouter:
    def __init__(self, script, receive_buffer=None):
        self.script, self.notes, self.gone = script, queue.Queue(), threading.Event()
        self.listener = socket.socket()
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.connections, self.threads = [], [threading.Thread(target=self.run)]
        self.threads[0].start()

    def session(self):
        return {"url": f"ws://127.0.0.1:{self.port}/ws", "reconnect_delay": 0.1}

    def run(self):
        while True:
            try:
                connection = Connection(self, self.listener.accept()[0])
            except OSError:
                return
            self.connections.append(connection)
            self.threads.append(threading.Thread(target=self.serve, args=(connection,)))
            self.threads[-1].start()

    def serve(self, connection):
        try:
            self.script(connection)
        except OSError:
            pass
        finally:
            connection.socket.close()

    def stop(self):
        self.gone.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.threads[0].join()
        for connection in self.connections:
            try:
                connection.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads[1:]:
            thread.join()
        self.listener.close()
