# SPDX-License-Identifier: MIT
"""A WAMP router that does nothing but ask for a ticket, with Python's own library alone.

router = TicketRouter("right"); router.port; router.tickets is what was presented.
"""
import base64
import hashlib
import json
import socket
import threading

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class TicketRouter:
    def __init__(self, ticket):
        self.ticket = ticket
        self.tickets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            conn, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        with conn, conn.makefile("rb") as stream:
            self.shake_hands(conn, stream)
            while (message := self.receive(stream)) is not None:
                if message[0] == 1:
                    self.send(conn, [4, "ticket", {}])
                elif message[0] == 5:
                    self.tickets.append(message[1])
                    if message[1] == self.ticket:
                        self.send(conn, [2, 4711, {"roles": {"broker": {}, "dealer": {}}}])
                    else:
                        self.send(conn, [3, {"message": "ticket is wrong"}, "wamp.error.authentication_failed"])
                elif message[0] == 6:
                    self.send(conn, [6, {}, "wamp.close.goodbye_and_out"])

    @staticmethod
    def shake_hands(conn, stream):
        key = None
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"sec-websocket-key":
                key = value.strip().decode()
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        conn.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: wamp.2.json\r\n\r\n").encode())

    @staticmethod
    def receive(stream):
        """The next text message; pings and the like are passed over. None: the end."""
        while True:
            head = stream.read(2)
            if len(head) < 2:
                return None
            length = head[1] & 0x7f
            if length == 126:
                length = int.from_bytes(stream.read(2), "big")
            elif length == 127:
                length = int.from_bytes(stream.read(8), "big")
            mask = stream.read(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(stream.read(length)))
            if head[0] & 0x0f == 1:
                return json.loads(data)
            if head[0] & 0x0f == 8:
                return None

    @staticmethod
    def send(conn, message):
        data = json.dumps(message).encode()
        assert len(data) < 65536
        length = bytes([len(data)]) if len(data) < 126 else bytes([126]) + len(data).to_bytes(2, "big")
        conn.sendall(b"\x81" + length + data)
