#!/usr/bin/env python3
"""The least that an agent must do, as a lower reference: ask the model, run what it says, ask again.

One shell tool over OpenAI Responses, streaming, one connection kept. No sandbox, no record, no workspace, no limits.

usage: floor.py BASE_URL TASK
"""

import http.client
import json
import subprocess
import sys
from urllib.parse import urlsplit

TOOL = {
    "type": "function",
    "name": "shell",
    "description": "Runs a shell command.",
    "parameters": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
}


def events(response):
    data = []
    for line in response:
        line = line.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            data.append(line[5:].strip())
        elif not line and data:
            yield json.loads(b"\n".join(data))
            data = []


def main():
    base, task = urlsplit(sys.argv[1]), sys.argv[2]
    connection = http.client.HTTPConnection(base.hostname, base.port, timeout=60)
    items = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": task}]}]
    while True:
        body = {
            "model": "mock",
            "instructions": "You are a coding agent.",
            "tools": [TOOL],
            "stream": True,
            "input": items,
        }
        connection.request("POST", base.path + "/responses", json.dumps(body), {"content-type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            sys.exit(f"HTTP {response.status}: {response.read()[:300]}")
        output = None
        for event in events(response):
            if event["type"] == "response.completed":
                output = event["response"]["output"]
        response.read()  # To the end of the body, so that the connection can be used again.
        if output is None:
            sys.exit("the stream ended before its end")
        items += output
        calls = [item for item in output if item["type"] == "function_call"]
        if not calls:
            return
        for call in calls:
            command = json.loads(call["arguments"])["command"]
            done = subprocess.run(
                ["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            text = done.stdout.decode(errors="replace") + f"[exit {done.returncode}]"
            items.append({"type": "function_call_output", "call_id": call["call_id"], "output": text})


if __name__ == "__main__":
    main()
