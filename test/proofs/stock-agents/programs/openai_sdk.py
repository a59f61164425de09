# An agent's turn with the official OpenAI library for Python: Responses API, streaming, with one tool.
import json
import subprocess
import sys

import openai

TOOLS = [{"type": "function", "name": "run_command", "description": "Runs a command.", "strict": True,
          "parameters": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"], "additionalProperties": False}}]
client = openai.OpenAI(max_retries=0)
items = [{"role": "user", "content": sys.argv[1]}]
while True:
    calls = []
    for event in client.responses.create(model="gpt-6.1-sol", stream=True, store=False, tools=TOOLS, input=items):
        if event.type == "response.output_text.delta":
            print(event.delta, end="", flush=True)
        if event.type == "response.output_item.done":
            items.append(event.item)
            if event.item.type == "function_call":
                calls.append(event.item)
    if not calls:
        break
    for call in calls:
        output = subprocess.run(["sh", "-c", json.loads(call.arguments)["command"]], capture_output=True, text=True, check=True).stdout
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
