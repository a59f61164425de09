# The official OpenAI library for Python with its usual retries.
import sys

import openai
from repeat import repeat

client = openai.OpenAI()
stream = sys.argv[1] == "stream"


def call():
    answer = client.chat.completions.create(model="gpt-4o-mini", max_completion_tokens=50, messages=[{"role": "user", "content": "Count."}], stream=stream)
    if not stream:
        return answer.choices[0].message.content
    return "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)


repeat(call)
