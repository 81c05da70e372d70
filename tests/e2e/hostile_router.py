# SPDX-License-Identifier: MIT
"""A router that misbehaves on purpose, on autobahn's WebSocket: hostile_router.py PORT BEHAVIOUR

It prints one JSON line for each message it receives.
"""
import asyncio
import json
import sys

from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol

WELCOME = [2, 4711, {"roles": {"broker": {}, "dealer": {}}}]

AFTER_WELCOME = {
    "garbage": ["}{ no JSON"],
    "object": ['{"a":1}'],
    "empty": ["[]"],
    "second_welcome": [json.dumps(WELCOME)],
    "client_message": ['[48,1,{},"com.example.p"]'],
    "unknown_invocation": ['[68,9,12345,{},["hello"]]'],
    "unknown_answers": ['[50,99,{}]', '[8,48,99,{},"com.e"]', '[36,99,1,{}]', '[17,99,1]', '[65,99,1]', '[67,0,{}]',
                        '[35,0,{"subscription":1}]', '[69,1,{}]', '[300,"extension"]', '[68,10,12345,{},["end"]]'],
    "huge_numbers": ['[68,11,12345,{"timeout":1e400},[1e400,"\\ud800"]]'],
    "challenge": None,
    "silent": None,
}


class Hostile(WebSocketServerProtocol):
    def onConnect(self, request):
        return None if self.factory.behaviour == "no_subprotocol" else "wamp.2.json"

    def say(self, text):
        self.sendMessage(text.encode("utf-8", "surrogatepass"))

    def onMessage(self, payload, is_binary):
        message = json.loads(payload)
        print(json.dumps(message), flush=True)
        behaviour = self.factory.behaviour
        if message[0] != 1 or behaviour == "silent":
            return
        if behaviour == "challenge":
            self.say('[4,"ticket",{}]')
            return
        self.say(json.dumps(WELCOME))
        for text in AFTER_WELCOME[behaviour]:
            self.say(text)


async def main(port, behaviour):
    factory = WebSocketServerFactory(f"ws://127.0.0.1:{port}", protocols=["wamp.2.json"])
    factory.protocol = Hostile
    factory.behaviour = behaviour
    await asyncio.get_event_loop().create_server(factory, "127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
