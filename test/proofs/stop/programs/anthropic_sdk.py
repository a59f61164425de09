# The official Anthropic library for Python with its usual retries.
import sys

import anthropic
from repeat import repeat

client = anthropic.Anthropic()
ASKED = {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": [{"role": "user", "content": "Count."}]}


def call():
    if sys.argv[1] == "stream":
        with client.messages.stream(**ASKED) as stream:
            return stream.get_final_message().content[0].text
    return client.messages.create(**ASKED).content[0].text


repeat(call)
