#!/usr/bin/env python3
"""What codeagent costs beside its model: start, overhead of a turn, memory; with a floor in the same run.

A scripted model server on loopback asks for the shell command `true`, turn after turn, and then ends. Whatever passes
between one answer and the next request is the agent's (and the command's). Needs Python 3.9, git and the release build.

  Benchmarks/harness/bench.py                              codeagent and the floor, 200 turns, 3 rounds
  Benchmarks/harness/bench.py --turns 50 --rounds 1        quicker
  Benchmarks/harness/bench.py --clients codex=/path/to/codex claude=/path/to/claude
  Benchmarks/harness/bench.py --clients mine='/opt/mine/agent --url {base}/v1 {task}'
"""

import argparse
import http.client
import json
import os
import platform
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from memory import PeakMemory

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TASK = "Run the shell command `true` {turns} times, one call at a time, and change nothing. Then finish."

# The goals of docs: start to first request (ms), overhead of a turn (ms), the agent process (MB).
GOALS = {"start": 40, "turn": 15, "process": 60}

# How well-known peers are started, given the path of their program.
PEERS = {
    "codex": "{program} exec --skip-git-repo-check --json -m gpt-5.5 -s workspace-write -c model_provider=mock"
    ' -c \'model_providers.mock={{name="mock",base_url="{base}/v1",wire_api="responses",env_key="OPENAI_API_KEY"}}\''
    " -c check_for_update_on_startup=false -c analytics.enabled=false {task}",
    "claude": "env IS_SANDBOX=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_TELEMETRY=1 DISABLE_AUTOUPDATER=1"
    " {program} -p --output-format stream-json --verbose --dangerously-skip-permissions {task}",
    "mini": "env MSWEA_CONFIGURED=true MSWEA_COST_TRACKING=ignore_errors {program} -y --exit-immediately -l 0"
    " -m openai/mock -o {home}/trajectory.json -t {task}",
}


def make_repository(path):
    """A small Python project with passing tests; the same objects every time, so that an index stays warm."""
    shutil.rmtree(path, ignore_errors=True)
    (path / "shop").mkdir(parents=True)
    (path / "tests").mkdir()
    (path / "README.md").write_text("# shop\n\nPrices, parts and orders. Tests: `python3 -m unittest`\n")
    (path / "shop" / "__init__.py").write_text("")
    (path / "tests" / "__init__.py").write_text("")
    for number in range(24):
        lines = [f'"""Part {number} of the catalogue."""', ""]
        for each in range(12):
            lines += [
                "",
                f"def price_{number}_{each}(quantity, discount=0):",
                f'    """The price of {each + 1} of them."""',
                f"    total = quantity * {number * 12 + each + 1}",
                "    return total - total * discount // 100",
                "",
            ]
        (path / "shop" / f"part{number}.py").write_text("\n".join(lines))
        (path / "tests" / f"test_part{number}.py").write_text(
            f"import unittest\n\nfrom shop.part{number} import price_{number}_0\n\n\n"
            "class PriceTests(unittest.TestCase):\n    def test_discount(self):\n"
            f"        self.assertEqual(price_{number}_0(100, 10), {(number * 12 + 1) * 90})\n"
        )
    identity = {"NAME": "bench", "EMAIL": "bench@example.org", "DATE": "2024-01-01T00:00:00Z"}
    environment = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null")
    for role in ("AUTHOR", "COMMITTER"):
        environment.update({f"GIT_{role}_{key}": value for key, value in identity.items()})
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "The shop"]):
        subprocess.run(["git", *arguments], cwd=path, env=environment, check=True)


class ModelServer:
    """The scripted server, in a process of its own so that nothing here disturbs its clock."""

    def __init__(self, turns):
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(HERE / "model_server.py"), "--turns", str(turns)], stdout=subprocess.PIPE
        )
        self.port = json.loads(self.process.stdout.readline())["port"]

    def log(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/log")
        return json.loads(connection.getresponse().read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def end_group(process):
    """Ends the client and what it left behind in its process group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run_once(name, command, turns, work, timeout):
    """One run of one client: its numbers."""
    repository, home = work / "repository", work / "homes" / name
    make_repository(repository)
    home.mkdir(parents=True, exist_ok=True)
    temporary = work / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    with ModelServer(turns) as server:
        base = f"http://127.0.0.1:{server.port}"
        places = {
            "base": base,
            "task": shlex.quote(TASK.format(turns=turns)),
            "repo": repository,
            "home": home,
            "turns": turns + 5,
        }
        argv = shlex.split(command.format(**places))
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "OPENAI_BASE_URL": base + "/v1",
            "OPENAI_API_BASE": base + "/v1",
            "OPENAI_API_KEY": "sk-mock",
            "ANTHROPIC_BASE_URL": base,
            "ANTHROPIC_API_KEY": "sk-ant-mock",
        }
        with open(work / f"{name}.out", "wb") as out, open(work / f"{name}.err", "wb") as err:
            started = time.monotonic_ns()
            process = subprocess.Popen(
                argv,
                cwd=repository,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            memory = PeakMemory(process.pid)
            memory.start()
            timer = threading.Timer(timeout, end_group, [process])
            timer.start()
            _, status, usage = os.wait4(process.pid, 0)
            ended = time.monotonic_ns()
            timer.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            memory.stop.set()
            memory.join()
            end_group(process)
        log = server.log()
    errors = [entry["error"] for entry in log if "error" in entry]
    requests = sorted((entry for entry in log if entry.get("main")), key=lambda entry: entry["complete"])
    gaps = []
    for before, after in zip(requests, requests[1:]):
        # What comes after the script's end (a verification's feedback, say) is no turn.
        if before["turn"] < turns and after["turn"] == before["turn"] + 1:
            gaps.append((after["complete"] - before["answered"]) / 1e6)
    result = {
        "client": name,
        "exit": process.returncode,
        "wall_s": (ended - started) / 1e9,
        "requests": len(requests),
        "turns": len(gaps),
        "errors": errors,
        "cpu_ms": (usage.ru_utime + usage.ru_stime) * 1000 / max(1, len(gaps)),
        "process_mb": memory.process / 1e6,
        "tree_mb": memory.tree / 1e6,
    }
    if requests:
        result["start_ms"] = (requests[0]["complete"] - started) / 1e6
        result["first_request_kb"] = requests[0]["bytes"] / 1e3
        result["last_request_kb"] = requests[-1]["bytes"] / 1e3
    if gaps:
        edge = min(20, len(gaps))
        result["gaps_ms"] = [round(gap, 3) for gap in gaps]
        result["turn_ms"] = statistics.median(gaps)
        result["turn_p95_ms"] = sorted(gaps)[int(0.95 * (len(gaps) - 1))]
        result["turn_first_ms"] = statistics.median(gaps[:edge])
        result["turn_last_ms"] = statistics.median(gaps[-edge:])
    return result


def middle(results, name, key):
    values = [result[key] for result in results if result["client"] == name and key in result]
    return statistics.median(values) if values else None


def table(results, names):
    """A Markdown table: medians over the rounds, with the ratio to the floor where one makes sense."""

    def cell(name, key, digits, ratio=True):
        value, floor = middle(results, name, key), middle(results, "floor", key)
        if value is None:
            return "–"
        text = f"{value:.{digits}f}"
        return f"{text} (×{value / floor:.1f})" if ratio and floor and name != "floor" else text

    head = [
        "",
        "start to first request, ms",
        "overhead a turn, ms",
        "p95",
        "first 20 → last 20",
        "CPU a turn, ms",
        "agent process, MB",
        "whole tree, MB",
        "first → last request, kB",
    ]
    rows = [f"| {' | '.join(head)} |", "|---" + "|--:" * (len(head) - 1) + "|"]
    for name in names:
        flat = f"{cell(name, 'turn_first_ms', 1, False)} → {cell(name, 'turn_last_ms', 1, False)}"
        sizes = f"{cell(name, 'first_request_kb', 1, False)} → {cell(name, 'last_request_kb', 0, False)}"
        cells = [
            name,
            cell(name, "start_ms", 0),
            cell(name, "turn_ms", 1),
            cell(name, "turn_p95_ms", 1, False),
            flat,
            cell(name, "cpu_ms", 1),
            cell(name, "process_mb", 0),
            cell(name, "tree_mb", 0),
            sizes,
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def goals(results):
    """How codeagent stands to its goals: lines for people, and whether all are met."""
    met, lines = True, []
    for key, limit, what, unit in (
        ("start_ms", GOALS["start"], "start to first request", "ms"),
        ("turn_ms", GOALS["turn"], "overhead a turn", "ms"),
        ("process_mb", GOALS["process"], "agent process", "MB"),
    ):
        value = middle(results, "codeagent", key)
        if value is None:
            continue
        met = met and value <= limit
        lines.append(f"{what}: {value:.1f} {unit}, goal {limit} {unit}: {'met' if value <= limit else 'NOT met'}")
    return lines, met


def machine(work):
    model = next(
        (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    files = subprocess.run(["stat", "-f", "-c", "%T", str(work)], capture_output=True, text=True).stdout.strip()
    return f"{os.cpu_count()} × {model}, Linux {platform.release()}, Python {platform.python_version()}, {files}"


def commands(options):
    """The command of each client, by name."""
    found = {"floor": f"{shlex.quote(sys.executable)} -I {shlex.quote(str(HERE / 'floor.py'))} {{base}}/v1 {{task}}"}
    if os.access(options.codeagent, os.X_OK):
        binary = shlex.quote(str(Path(options.codeagent).resolve()))
        found["codeagent"] = f"{binary} fix --json --model openai/mock --max-turns {{turns}} --task {{task}}"
    else:
        print(f"{options.codeagent} is not there (scripts/build makes it): measuring without it", file=sys.stderr)
    for text in options.clients:
        name, equals, command = text.partition("=")
        if not equals or not command:
            sys.exit(f"--clients takes NAME=COMMAND, not {text!r}")
        if "{" not in command:
            if name not in PEERS:
                sys.exit(f"{name}: the command needs {{base}} and {{task}}; only {', '.join(PEERS)} are known by name")
            command = PEERS[name].replace("{program}", shlex.quote(command))
        found[name] = command
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codeagent", default=str(ROOT / ".build/release/codeagent"), help="the binary to measure")
    parser.add_argument(
        "--clients",
        nargs="+",
        default=[],
        metavar="NAME=COMMAND",
        help="peers; {base}, {task}, {repo}, {home} are filled in",
    )
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one run")
    parser.add_argument(
        "--work", type=Path, default=Path("/var/tmp/codeagent-bench"), help="scratch folder, on a real disk"
    )
    parser.add_argument("--json", type=Path, help="write all numbers here")
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is not met")
    options = parser.parse_args()

    clients = commands(options)
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    print(f"{machine(options.work)}; load {os.getloadavg()[0]:.1f}", flush=True)
    for name, command in clients.items():
        # Fills the client's HOME (caches, indexes); not counted.
        result = run_once(name, command, 1, options.work, options.timeout)
        if not result["requests"]:
            tail = (options.work / f"{name}.err").read_text(errors="replace")[-800:]
            sys.exit(f"{name} sent no request (exit {result['exit']}); its standard error ends:\n{tail}")
    results = []
    for number in range(options.rounds):
        for name, command in clients.items():  # In turns, so that a busy minute hits all.
            result = run_once(name, command, options.turns, options.work, options.timeout)
            results.append(result)
            print(
                f"round {number + 1} {name}: exit {result['exit']}, {result['turns']} turns "
                f"in {result['wall_s']:.2f} s, start {result.get('start_ms', 0):.0f} ms, "
                f"turn {result.get('turn_ms', 0):.1f} ms, {result['process_mb']:.0f} MB"
                + (f", SERVER REFUSED: {result['errors'][0]}" if result["errors"] else "")
                + ("" if result["turns"] == options.turns else f", ONLY {result['turns']} OF {options.turns} TURNS"),
                flush=True,
            )
    print(
        f"\n{table(results, clients)}\n\nMedians of {options.rounds} rounds of {options.turns} turns; "
        f"load now {os.getloadavg()[0]:.1f}."
    )
    lines, met = goals(results)
    print("\n".join(lines))
    if options.json:
        report = {"machine": machine(options.work), "turns": options.turns, "results": results}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    shutil.rmtree(options.work, ignore_errors=True)
    if any(result["turns"] != options.turns for result in results):
        sys.exit(1)
    sys.exit(1 if options.check and not met else 0)


if __name__ == "__main__":
    main()
