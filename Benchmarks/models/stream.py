#!/usr/bin/env python3
"""What reading a streamed answer of 10,000 events costs: codeagent, a bare libcurl download, the maker's Python client.

A server on loopback answers every request with the same stream, in one burst or paced. Processor time (user and system)
of each client is measured by the kernel; that of the same client with a stream of ten events is taken off, so that
starting a program and loading its libraries do not count.

  Benchmarks/models/stream.py                       chat, 5 rounds, burst and paced
  Benchmarks/models/stream.py --dialect anthropic --pace-us 500
  Benchmarks/models/stream.py --check               exit 1 when codeagent takes more than 1.5 times the bare download

The bare download is curl_easy_perform in C, compiled on the spot (gcc, libcurl's headers). The Python client
(`openai` or `anthropic`) is measured where --python names an interpreter that has it.
"""

import argparse
import json
import os
import pathlib
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

BARE = r"""
#include <curl/curl.h>
#include <stdio.h>
static size_t total;
static size_t take(char *bytes, size_t size, size_t count, void *context) { total += size * count; return size * count; }
int main(int argc, char **argv) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL *easy = curl_easy_init();
  struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
  curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{\"model\":\"m\",\"stream\":true}");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
  CURLcode code = curl_easy_perform(easy);
  printf("%zu\n", total);
  return code;
}
"""

PYTHON = {
    "openai-chat": "import sys, openai\n"
    "for c in openai.OpenAI(base_url=sys.argv[1] + '/v1', api_key='k').chat.completions.create(model='m', stream=True,"
    " messages=[{'role': 'user', 'content': 'x'}]): pass\n",
    "openai-responses": "import sys, openai\n"
    "for c in openai.OpenAI(base_url=sys.argv[1] + '/v1', api_key='k').responses.create(model='m', stream=True,"
    " input='x'): pass\n",
    "anthropic-messages": "import sys, anthropic\n"
    "for c in anthropic.Anthropic(base_url=sys.argv[1], api_key='k').messages.create(model='m', stream=True,"
    " max_tokens=10, messages=[{'role': 'user', 'content': 'x'}]): pass\n",
}
ROUTES = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages",
    "bedrock-converse": "/model/m/converse-stream",
}


def sse(data, event=None):
    return ((f"event: {event}\n" if event else "") + f"data: {json.dumps(data, separators=(',', ':'))}\n\n").encode()


def frame(kind, payload):
    head = b""
    for name, value in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event")):
        head += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    body = json.dumps(payload, separators=(",", ":")).encode()
    start = struct.pack(">II", 16 + len(head) + len(body), len(head))
    start += struct.pack(">I", zlib.crc32(start)) + head + body
    return start + struct.pack(">I", zlib.crc32(start))


def events(dialect, count):
    """An answer of so many pieces of text."""
    words = [f"word{index % 97} " for index in range(count)]
    if dialect == "openai-chat":
        base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        for word in words:
            yield sse({**base, "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
        yield sse({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        yield sse({**base, "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": count, "total_tokens": 5}})
        yield b"data: [DONE]\n\n"
    elif dialect == "openai-responses":
        text = "".join(words)
        item = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
                "content": [{"type": "output_text", "text": text, "annotations": []}]}
        answer = {"id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "model": "m",
                  "output": [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
        yield sse({"type": "response.created", "sequence_number": 0, "response": answer}, "response.created")
        for number, word in enumerate(words):
            kind = "response.output_text.delta"
            yield sse({"type": kind, "sequence_number": number + 1, "item_id": "msg_1", "output_index": 0,
                       "content_index": 0, "delta": word, "logprobs": []}, kind)
        kind = "response.output_item.done"
        yield sse({"type": kind, "sequence_number": count + 1, "output_index": 0, "item": item}, kind)
        done = {**answer, "status": "completed", "output": [item],
                "usage": {"input_tokens": 5, "output_tokens": count, "total_tokens": 5,
                          "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}}
        yield sse({"type": "response.completed", "sequence_number": count + 2, "response": done}, "response.completed")
    elif dialect == "anthropic-messages":
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
                   "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 5, "output_tokens": 1}}
        yield sse({"type": "message_start", "message": message}, "message_start")
        yield sse({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                  "content_block_start")
        for word in words:
            yield sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}},
                      "content_block_delta")
        yield sse({"type": "content_block_stop", "index": 0}, "content_block_stop")
        yield sse({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                   "usage": {"output_tokens": count}}, "message_delta")
        yield sse({"type": "message_stop"}, "message_stop")
    else:
        yield frame("messageStart", {"role": "assistant"})
        for word in words:
            yield frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}, "p": "abcdefgh"})
        yield frame("contentBlockStop", {"contentBlockIndex": 0})
        yield frame("messageStop", {"stopReason": "end_turn"})
        yield frame("metadata", {"usage": {"inputTokens": 5, "outputTokens": count, "totalTokens": count + 5}})


class Server:
    """Answers what asks for an answer with the stream, everything else with 404."""

    def __init__(self, dialect, count, pace):
        self.parts = [b"%x\r\n%s\r\n" % (len(event), event) for event in events(dialect, count)]
        self.pace = pace
        self.asked = b"POST " + ROUTES[dialect].encode()
        kind = "application/vnd.amazon.eventstream" if dialect == "bedrock-converse" else "text/event-stream"
        self.head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        buffer = b""
        try:
            while True:
                while b"\r\n\r\n" not in buffer:
                    more = connection.recv(65536)
                    if not more:
                        return
                    buffer += more
                head, buffer = buffer.split(b"\r\n\r\n", 1)
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                while len(buffer) < length:
                    buffer += connection.recv(65536)
                buffer = buffer[length:]
                if not head.startswith(self.asked):
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}")
                    continue
                connection.sendall(self.head)
                if self.pace:
                    due = time.perf_counter()
                    for part in self.parts:
                        connection.sendall(part)
                        due += self.pace / 1e6
                        while time.perf_counter() < due:
                            time.sleep(max(0, due - time.perf_counter() - 20e-6))
                else:
                    connection.sendall(b"".join(self.parts))
                connection.sendall(b"0\r\n\r\n")
        except OSError:
            pass


def cpu(argv, environment):
    """Milliseconds of processor time that a program took."""
    child = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = child.stdout.read(), child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{argv[0]} failed: {err.decode()[-500:]}{out.decode()[-200:]}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dialect", default="openai-chat", choices=sorted(ROUTES))
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pace-us", type=float, default=200, help="microseconds between events of the paced stream")
    parser.add_argument("--program", default=str(ROOT / ".build/release/codeagent"))
    parser.add_argument("--probe", help="a command for {url} instead of `codeagent models probe`")
    parser.add_argument("--python", help="an interpreter that has the maker's client")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="stream-bench"))
    (work / "bare.c").write_text(BARE)
    subprocess.run(["gcc", "-O2", "-o", work / "bare", work / "bare.c", "-lcurl"], check=True)
    names = {"openai-chat": "chat", "openai-responses": "responses", "anthropic-messages": "anthropic",
             "bedrock-converse": "bedrock"}
    worst = 0.0
    for pace in (0, options.pace_us):
        servers = {count: Server(options.dialect, count, pace) for count in (10, options.events)}

        def client(name, url):
            environment = {**os.environ, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AK", "no_proxy": "127.0.0.1",
                           "AWS_SECRET_ACCESS_KEY": "secret", "XDG_CONFIG_HOME": str(work), "XDG_CACHE_HOME": str(work)}
            if name == "bare libcurl":
                return [str(work / "bare"), url + ROUTES[options.dialect]], environment
            if name == "python":
                return [options.python, "-c", PYTHON[options.dialect], url], environment
            if options.probe:
                return options.probe.format(url=url, dialect=options.dialect).split(), environment
            base = url if options.dialect in ("anthropic-messages", "bedrock-converse") else url + "/v1"
            (work / "codeagent").mkdir(exist_ok=True)
            text = f'[providers.bench]\nbase_url = "{base}"\ndialect = "{names[options.dialect]}"\n'
            if options.dialect == "bedrock-converse":
                text += 'service = "bedrock"\n'
            (work / "codeagent/config.toml").write_text(text)
            return [options.program, "models", "probe", "bench/m", "--json"], environment

        clients = ["bare libcurl", "codeagent"] + (["python"] if options.python and options.dialect in PYTHON else [])
        took = {name: [] for name in clients}
        for _ in range(options.rounds):
            for name in clients:
                few = cpu(*client(name, servers[10].url))
                many = cpu(*client(name, servers[options.events].url))
                took[name].append(many - few)
        size = sum(len(part) for part in servers[options.events].parts)
        print(f"{options.dialect}, {options.events} events, {size / 1e6:.1f} MB, "
              + (f"one every {pace:.0f} us" if pace else "in one burst"))
        bare = statistics.median(took["bare libcurl"])
        for name in clients:
            middle = statistics.median(took[name])
            print(f"  {name:14}{middle:8.1f} ms CPU   {middle / max(bare, 0.1):5.2f} x"
                  f"   ({min(took[name]):.1f} to {max(took[name]):.1f})")
        if pace:
            worst = max(worst, statistics.median(took["codeagent"]) / max(bare, 0.1))
    if options.check and worst > 1.5:
        sys.exit(f"codeagent took {worst:.2f} times the bare download; the goal is 1.5")


if __name__ == "__main__":
    main()
