# SPDX-License-Identifier: MIT
"""A router that only challenges: challenger.py PORT EXTRA [ticket] [again | repeat]

Answers HELLO with a wampcra (or ticket) CHALLENGE of the Extra given, an
AUTHENTICATE with WELCOME or, with "again", with one more CHALLENGE; with
"repeat" with an ABORT that repeats what it was given, as Crossbar's own example
of a dynamic authenticator does. Prints each message.
"""
import asyncio
import json
import sys

import hostile_router


class Challenger(hostile_router.Hostile):
    def onConnect(self, request):
        self.token = request.headers.get("authorization", "")
        return super().onConnect(request)

    def onMessage(self, payload, is_binary):
        message = json.loads(payload)
        print(json.dumps(message), flush=True)
        challenge = f'[4,"{"ticket" if "ticket" in sys.argv else "wampcra"}",{self.factory.behaviour}]'
        if message[0] == 1 or (message[0] == 5 and "again" in sys.argv):
            self.say(challenge)
        elif message[0] == 5 and "repeat" in sys.argv:
            escaped = "".join(f"\\u{ord(c):04x}" for c in message[1])
            self.say('[3,{"message":"invalid \'%s\' by \'%s\' of joe"},"com.example.%s"]' %
                     (escaped, self.token, message[1]))
        elif message[0] == 5:
            self.say(json.dumps(hostile_router.WELCOME))
        elif message[0] == 6:
            self.say('[6,{},"wamp.close.goodbye_and_out"]')


if __name__ == "__main__":
    hostile_router.Hostile = Challenger
    asyncio.run(hostile_router.main(int(sys.argv[1]), sys.argv[2]))
