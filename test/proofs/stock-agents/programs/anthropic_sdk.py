# An agent's turn with the official Anthropic library for Python: streaming, with one tool.
import subprocess
import sys

import anthropic

TOOLS = [{"name": "run_command", "description": "Runs a command.", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}}]
client = anthropic.Anthropic(max_retries=0)
messages = [{"role": "user", "content": sys.argv[1]}]
while True:
    with client.messages.stream(model="claude-opus-5-5", max_tokens=1024, tools=TOOLS, messages=messages) as stream:
        for text in stream.text_stream:
            print(text, end="", flush=True)
        message = stream.get_final_message()
    messages.append({"role": "assistant", "content": message.content})
    if message.stop_reason != "tool_use":
        break
    results = []
    for call in message.content:
        if call.type == "tool_use":
            output = subprocess.run(["sh", "-c", call.input["command"]], capture_output=True, text=True, check=True).stdout
            results.append({"type": "tool_result", "tool_use_id": call.id, "content": output})
    messages.append({"role": "user", "content": results})
