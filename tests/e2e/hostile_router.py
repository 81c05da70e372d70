# SPDX-License-Identifier: MIT
"""A router that misbehaves on purpose, or obeys and tells, on autobahn's WebSocket:
hostile_router.py PORT BEHAVIOUR

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
    "mute": [],
    "obedient": [],
    "odd": [],
    "goodbye_with_list": ['[6,[],"wamp.close.system_shutdown"]'],
    "revoking": [],
    "goodbye_at_once": [],
    "long": [],
}

# What a router in a language without a difference between {} and [] says, and other oddities.
INSTEAD_OF_WELCOME = {
    "abort_with_list": '[3,[],"wamp.error.no_such_realm"]',
    "abort_with_null": '[3,null,"wamp.error.no_such_realm",{},[]]',
    "abort_with_number": '[3,{"message":7},"wamp.error.no_such_realm"]',
    "welcome_with_list": '[2,4711,[]]',
    "welcome_with_odd_roles": '[2,4711,{"roles":["broker","dealer"],"authid":{},"realm":null,"x":[NaN]}]',
    "welcome_with_text": '[2,"4711",{}]',
    "welcome_too_large": '[2,9007199254740993,{"roles":{}}]',
}

# What an obedient router answers, by the type of the request.
OBEDIENT = {
    6: lambda m: [[6, {}, "wamp.close.goodbye_and_out"]],
    16: lambda m: [[17, m[1], 1]] if m[2].get("acknowledge") else [],
    32: lambda m: [[33, m[1], 1000 + m[1]]],
    34: lambda m: [[35, m[1]]],
    48: lambda m: [[50, m[1], {}, ["done"]]],
    64: lambda m: [[65, m[1], 1000 + m[1]]],
    66: lambda m: [[67, m[1]]],
}


def obey(message):
    return OBEDIENT.get(message[0], lambda m: [])(message)


REVOKED = set()


def revoke(message):
    """Takes away at once what is asked for the first time; the second attempt may stay."""
    answers = obey(message)
    if message[0] in (32, 64) and message[3] not in REVOKED:
        REVOKED.add(message[3])
        kind, name = (35, "subscription") if message[0] == 32 else (67, "registration")
        answers.append([kind, 0, {name: 1000 + message[1], "reason": "com.example.error.kicked"}])
    return answers


def be_odd(message):
    """Right heads, and payloads of other types."""
    if message[0] == 48:
        return [{"list": [50, message[1], [], {}, []], "dict": [50, message[1], {}, {"a": 1}],
                 "error": [8, 48, message[1], [], "com.example.error", 7, [1]]}[message[3].split(".")[-1]]]
    answers = obey(message)
    if message[0] == 64:
        answers.append([68, 1, 1000 + message[1], {}, {"a": 1}])
    if message[0] == 32:
        answers += [[36, 1000 + message[1], 5, [], {}, []], [36, 1000 + message[1], 6, {}, [], [1]]]
    return answers


ANSWERS = {"obedient": obey, "odd": be_odd, "revoking": revoke,
           "long": lambda m: [[36, 1, 1, {}, ["x" * (n << 20)]] for n in (15, 24)],
           "goodbye_at_once": lambda m: [[6, {}, "wamp.close.system_shutdown"]]}


class Hostile(WebSocketServerProtocol):
    def onConnect(self, request):
        return None if self.factory.behaviour == "no_subprotocol" else "wamp.2.json"

    def say(self, text):
        self.sendMessage(text.encode("utf-8", "surrogatepass"))

    def onMessage(self, payload, is_binary):
        message = json.loads(payload)
        print(json.dumps(message), flush=True)
        behaviour = self.factory.behaviour
        if message[0] != 1:
            for answer in ANSWERS.get(behaviour, lambda m: [])(message):
                self.say(json.dumps(answer))
            return
        if behaviour == "silent":
            return
        if behaviour == "challenge":
            self.say('[4,"ticket",{}]')
            return
        self.say(INSTEAD_OF_WELCOME.get(behaviour) or json.dumps(WELCOME))
        for text in AFTER_WELCOME.get(behaviour, []):
            self.say(text)


async def main(port, behaviour):
    factory = WebSocketServerFactory(f"ws://127.0.0.1:{port}", protocols=["wamp.2.json"])
    factory.protocol = Hostile
    factory.behaviour = behaviour
    await asyncio.get_event_loop().create_server(factory, "127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
