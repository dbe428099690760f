#!/usr/bin/env python3
"""A scripted model server on loopback: N turns of one shell command, then the end.

It speaks OpenAI Responses (what codeagent and the floor use), OpenAI Chat Completions and Anthropic Messages (for
peers), streaming or not. Which turn is due follows from how many tool results a request carries, so a request that is
sent again gets the same answer again. Every request is noted with the monotonic times at which it was complete and at
which its answer was handed to the kernel; GET /log returns the notes.

usage: model_server.py --turns N [--command TEXT]      prints {"port": N} when it listens
"""

import argparse
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SHELL_NAMES = (
    "shell",
    "exec_command",
    "bash",
    "shell_command",
    "local_shell",
    "run_command",
    "run_shell",
    "execute",
    "terminal",
)
COMMAND_FIELDS = ("command", "cmd", "script", "input")
FINISH_NAMES = ("finish", "done", "submit", "complete")


class Script:
    """What the model says at each turn."""

    def __init__(self, turns, command):
        self.turns = turns
        self.command = command

    def answer(self, results, tools):
        """(text, call) for a request with so many tool results; call is (name, input) or None."""
        if not tools:
            return "ok", None
        if results < self.turns:
            name, schema = self.find(tools, SHELL_NAMES) or self.with_command(tools)
            return "", (name, self.arguments(schema, self.command))
        found = self.find(tools, FINISH_NAMES)
        if found:
            return "", (found[0], self.arguments(found[1], None))
        return "Done.", None

    @staticmethod
    def find(tools, names):
        by_name = {name.lower(): (name, schema) for name, schema in tools}
        return next((by_name[name] for name in names if name in by_name), None)

    @staticmethod
    def with_command(tools):
        for name, schema in tools:
            if any(field in schema.get("properties", {}) for field in COMMAND_FIELDS):
                return name, schema
        raise LookupError("no tool takes a shell command: " + ", ".join(name for name, _ in tools))

    @staticmethod
    def arguments(schema, command):
        """Values for the required fields of a schema, the command in its own."""
        properties = schema.get("properties", {})
        field = next((name for name in COMMAND_FIELDS if name in properties), None) if command is not None else None
        values = {}
        for name, about in properties.items():
            kind = about.get("type")
            if name == field:
                values[name] = ["sh", "-c", command] if kind == "array" else command
            elif name not in schema.get("required", []):
                continue
            elif about.get("enum"):
                values[name] = about["enum"][0]
            else:
                kinds = kind if isinstance(kind, list) else [kind]
                blank = {"integer": 1, "number": 1, "boolean": False, "array": [], "object": {}, "null": None}
                values[name] = "Done." if "string" in kinds else blank.get(kinds[0], "Done.")
        return values


def sse(event, data):
    return f"event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


class Responses:
    """OpenAI Responses: POST /v1/responses."""

    @staticmethod
    def read(body):
        tools = [(t["name"], t.get("parameters") or {}) for t in body.get("tools", []) if t.get("type") == "function"]
        items = body.get("input", [])
        results = sum(1 for item in items if isinstance(item, dict) and str(item.get("type")).endswith("_output"))
        return tools, results

    @staticmethod
    def write(number, text, call, stream):
        if call:
            arguments = json.dumps(call[1])
            item = {
                "id": f"fc_{number}",
                "type": "function_call",
                "status": "completed",
                "call_id": f"call_{number}",
                "name": call[0],
                "arguments": arguments,
            }
            place = {"item_id": item["id"], "output_index": 0}
            blank = {**item, "status": "in_progress", "arguments": ""}
            middle = [
                ("response.function_call_arguments.delta", {**place, "delta": arguments}),
                ("response.function_call_arguments.done", {**place, "arguments": arguments}),
            ]
        else:
            part = {"type": "output_text", "text": text, "annotations": []}
            item = {
                "id": f"msg_{number}",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [part],
            }
            place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
            blank = {**item, "status": "in_progress", "content": []}
            middle = [
                ("response.content_part.added", {**place, "part": {**part, "text": ""}}),
                ("response.output_text.delta", {**place, "delta": text}),
                ("response.output_text.done", {**place, "text": text}),
                ("response.content_part.done", {**place, "part": part}),
            ]
        usage = {
            "input_tokens": 1000,
            "input_tokens_details": {"cached_tokens": 900},
            "output_tokens": 20,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 1020,
        }
        response = {
            "id": f"resp_{number}",
            "object": "response",
            "created_at": 1700000000,
            "model": "mock",
            "status": "completed",
            "output": [item],
            "usage": usage,
            "error": None,
            "incomplete_details": None,
        }
        if not stream:
            return json.dumps(response)
        started = {**response, "status": "in_progress", "output": [], "usage": None}
        events = [
            ("response.created", {"response": started}),
            ("response.in_progress", {"response": started}),
            ("response.output_item.added", {"output_index": 0, "item": blank}),
            *middle,
            ("response.output_item.done", {"output_index": 0, "item": item}),
            ("response.completed", {"response": response}),
        ]
        return "".join(sse(kind, {"type": kind, "sequence_number": i, **data}) for i, (kind, data) in enumerate(events))


class Chat:
    """OpenAI Chat Completions: POST /v1/chat/completions."""

    @staticmethod
    def read(body):
        functions = [t["function"] for t in body.get("tools", []) if t.get("type") == "function"]
        results = sum(1 for message in body.get("messages", []) if message.get("role") == "tool")
        return [(f["name"], f.get("parameters") or {}) for f in functions], results

    @staticmethod
    def write(number, text, call, stream):
        usage = {"prompt_tokens": 1000, "completion_tokens": 20, "total_tokens": 1020}
        top = {"id": f"chatcmpl-{number}", "created": 1700000000, "model": "mock"}
        message = {"role": "assistant", "content": text or None}
        if call:
            function = {"name": call[0], "arguments": json.dumps(call[1])}
            message["tool_calls"] = [{"id": f"call_{number}", "type": "function", "function": function}]
        reason = "tool_calls" if call else "stop"
        if not stream:
            choice = {"index": 0, "message": message, "finish_reason": reason}
            return json.dumps({**top, "object": "chat.completion", "choices": [choice], "usage": usage})
        if call:
            message["tool_calls"][0]["index"] = 0
        chunks = [
            {"choices": [{"index": 0, "delta": message, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
            {"choices": [], "usage": usage},
        ]
        lines = [json.dumps({**top, "object": "chat.completion.chunk", **chunk}) for chunk in chunks] + ["[DONE]"]
        return "".join(f"data: {line}\n\n" for line in lines)


class Messages:
    """Anthropic Messages: POST /v1/messages."""

    @staticmethod
    def read(body):
        tools = [(t["name"], t.get("input_schema") or {}) for t in body.get("tools", []) if "name" in t]
        results = 0
        for message in body.get("messages", []):
            if isinstance(message.get("content"), list):
                results += sum(1 for block in message["content"] if block.get("type") == "tool_result")
        return tools, results

    @staticmethod
    def write(number, text, call, stream):
        if call:
            block = {"type": "tool_use", "id": f"toolu_{number}", "name": call[0], "input": call[1]}
            blank, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": json.dumps(call[1])}
        else:
            block = {"type": "text", "text": text}
            blank, delta = {**block, "text": ""}, {"type": "text_delta", "text": text}
        message = {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": "mock",
            "content": [block],
            "stop_reason": "tool_use" if call else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1000, "output_tokens": 20},
        }
        if not stream:
            return json.dumps(message)
        events = [
            ("message_start", {"message": {**message, "content": [], "stop_reason": None}}),
            ("content_block_start", {"index": 0, "content_block": blank}),
            ("content_block_delta", {"index": 0, "delta": delta}),
            ("content_block_stop", {"index": 0}),
            (
                "message_delta",
                {
                    "delta": {"stop_reason": message["stop_reason"], "stop_sequence": None},
                    "usage": {"output_tokens": 20},
                },
            ),
            ("message_stop", {}),
        ]
        return "".join(sse(kind, {"type": kind, **data}) for kind, data in events)


DIALECTS = {"/responses": Responses, "/chat/completions": Chat, "/messages": Messages}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        complete = time.monotonic_ns()
        path = self.path.split("?")[0]
        dialect = next((d for end, d in DIALECTS.items() if path.endswith(end)), None)
        if dialect is None:
            return self.send(404, "application/json", json.dumps({"error": {"message": f"no such path: {path}"}}))
        try:
            body = json.loads(raw)
            tools, results = dialect.read(body)
            text, call = self.server.script.answer(results, tools)
        except (ValueError, LookupError) as error:
            self.server.note({"error": str(error), "path": path})
            return self.send(400, "application/json", json.dumps({"error": {"message": str(error)}}))
        stream = bool(body.get("stream"))
        with self.server.lock:
            self.server.answers += 1
            number = self.server.answers
        answer = dialect.write(number, text, call, stream)
        self.send(200, "text/event-stream" if stream else "application/json", answer)
        self.server.note(
            {
                "complete": complete,
                "answered": time.monotonic_ns(),
                "turn": results,
                "main": bool(tools),
                "bytes": len(raw),
                "path": path,
            }
        )

    def do_GET(self):
        if self.path == "/log":
            with self.server.lock:
                return self.send(200, "application/json", json.dumps(self.server.notes))
        if self.path.split("?")[0].endswith("/models"):
            return self.send(
                200, "application/json", json.dumps({"object": "list", "data": [{"id": "mock", "object": "model"}]})
            )
        self.send(404, "application/json", "{}")

    def do_HEAD(self):
        self.send(200, "text/plain", "")

    def send(self, status, kind, text):
        """Head and body in one write, so that no client waits between the two."""
        body = text.encode() if self.command != "HEAD" else b""
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self._headers_buffer += [b"\r\n", body]
        self.flush_headers()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.lock = threading.Lock()
        self.answers = 0
        self.notes = []

    def handle_error(self, request, client_address):
        """A client that goes away is no news."""

    def note(self, entry):
        with self.lock:
            self.notes.append(entry)


def main():
    parser = argparse.ArgumentParser(description="A scripted model server on loopback.")
    parser.add_argument("--turns", type=int, required=True, help="how many tool calls before the end")
    parser.add_argument("--command", default="true", help="the shell command of every turn")
    options = parser.parse_args()
    server = Server(Script(options.turns, options.command))
    print(json.dumps({"port": server.server_address[1]}), flush=True)
    server.serve_forever(poll_interval=60)


if __name__ == "__main__":
    main()
