#!/usr/bin/env python3
"""Time for one decision, beside the reference engine, on the same policies and requests in one run.

    python3 Benchmarks/cedar/speed.py --tool .build/release/codeagent --policies 200

Both sides read and compile policies and entities before the clock starts; both clocks count processor time. The
reference (PyPI `cedarpy`) is asked one request a call with pre-parsed handles, and all requests in one batch, which
spreads the cost of crossing into Python. Its own time inside the engine (`authz_duration_micros`) is shown, too.
"""
import argparse, json, os, random, re, shutil, subprocess, sys, tempfile, time

try:
    import cedarpy
except ImportError:
    sys.exit("cedarpy is not installed: pip install cedarpy")

CONDITIONS = [
    "context.mfa && resource.owner == principal",
    'resource.path like "src/*/internal/*.swift"',
    "principal.level >= resource.level && !resource.isSealed",
    'resource.labels.contains("public") || principal.teams.containsAny(resource.teams)',
    'context has region && ["eu", "us"].contains(context.region)',
    'context.address.isInRange(ip("10.0.0.0/8"))',
    'principal has manager && principal.manager in Group::"staff"',
    "resource.size + 10 < 4096 * principal.level",
    "context.now < datetime(\"2030-01-01\") && resource.rating.greaterThan(decimal(\"0.5\"))",
    "resource.isMissing == true",
]


def build(rng, count):
    policies = []
    for i in range(count):
        effect = "forbid" if i % 20 == 19 else "permit"
        principal = rng.choice(["principal", f'principal in Group::"g{rng.randrange(20)}"', "principal is User",
                                f'principal == User::"u{rng.randrange(40)}"'])
        action = rng.choice(["action", 'action in Action::"edit"', 'action == Action::"read"',
                             'action in [Action::"read", Action::"write"]'])
        resource = rng.choice(["resource", f'resource in Folder::"f{rng.randrange(20)}"', "resource is File"])
        body = " ".join(f"when {{ {rng.choice(CONDITIONS)} }}" for _ in range(rng.choice([1, 1, 2])))
        policies.append(f"{effect}({principal}, {action}, {resource}) {body};")
    entities = [{"uid": {"type": "Group", "id": f"g{i}"}, "attrs": {}, "parents": [{"type": "Group", "id": "staff"}]} for i in range(20)]
    entities += [{"uid": {"type": "Folder", "id": f"f{i}"}, "attrs": {},
                  "parents": [{"type": "Folder", "id": f"f{i // 2}"}] if i else []} for i in range(20)]
    entities += [{"uid": {"type": "Action", "id": a}, "attrs": {}, "parents": [{"type": "Action", "id": "edit"}] if a == "write" else []}
                 for a in ("read", "write", "edit")]
    users = [{"type": "User", "id": f"u{i}"} for i in range(40)]
    for i, uid in enumerate(users):
        attrs = {"level": rng.randrange(10), "teams": rng.sample(["a", "b", "c", "d"], 2)}
        if rng.random() < .5: attrs["manager"] = {"__entity": rng.choice(users)}
        entities.append({"uid": uid, "attrs": attrs, "parents": [{"type": "Group", "id": f"g{g}"} for g in rng.sample(range(20), 2)]})
    files = [{"type": "File", "id": f"src/m{i}/internal/f{i}.swift"} for i in range(60)]
    for uid in files:
        entities.append({"uid": uid, "parents": [{"type": "Folder", "id": f"f{rng.randrange(20)}"}], "attrs": {
            "owner": {"__entity": rng.choice(users)}, "path": uid["id"], "level": rng.randrange(10), "isSealed": rng.random() < .2,
            "labels": rng.sample(["public", "secret", "internal"], 2), "teams": rng.sample(["a", "b", "c", "d"], 2),
            "size": rng.randrange(9000), "rating": {"__extn": {"fn": "decimal", "arg": f"0.{rng.randrange(1, 99)}"}}}})
    requests = []
    for _ in range(100):
        context = {"mfa": rng.random() < .5, "address": {"__extn": {"fn": "ip", "arg": rng.choice(["10.1.2.3", "192.168.0.1"])}},
                   "now": {"__extn": {"fn": "datetime", "arg": "2026-01-01T00:00:00Z"}}}
        if rng.random() < .5: context["region"] = rng.choice(["eu", "asia"])
        requests.append({"principal": rng.choice(users), "action": {"type": "Action", "id": rng.choice(["read", "write"])},
                         "resource": rng.choice(files), "context": context})
    return "\n".join(policies), entities, requests


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default=".build/release/codeagent")
    parser.add_argument("--policies", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=20)
    args = parser.parse_args()
    text, entities, requests = build(random.Random(1), args.policies)
    handle, store = cedarpy.PolicySet.from_str(text), cedarpy.Entities.from_json_str(json.dumps(entities))
    answers = cedarpy.is_authorized_batch(requests, handle, store)

    def clock(call):
        start = time.process_time()
        for _ in range(args.repeat): call()
        return (time.process_time() - start) / args.repeat / len(requests) * 1e6
    single = clock(lambda: [cedarpy.is_authorized(r, handle, store) for r in requests])
    batch = clock(lambda: cedarpy.is_authorized_batch(requests, handle, store))
    inside = [cedarpy.is_authorized(r, handle, store).metrics["authz_duration_micros"] for r in requests * 5]

    directory = tempfile.mkdtemp(prefix="cedar-speed-")
    try:
        name = os.path.join(directory, "speed")
        case = {"policies": "corpus-tests/speed.cedar", "entities": "corpus-tests/speed.entities.json", "requests": [
            dict(r, validateRequest=False, decision=a.decision.name.lower(), reason=sorted(a.diagnostics.reasons),
                 errors=[re.match(r"error while evaluating policy `([^`]*)`", e).group(1) for e in a.diagnostics.errors])
            for r, a in zip(requests, answers)]}
        for suffix, content in ((".cedar", text), (".entities.json", json.dumps(entities)), (".json", json.dumps(case))):
            with open(name + suffix, "w") as f: f.write(content)
        run = subprocess.run([args.tool, "policy", "conformance", directory, "--json", "--time", str(args.repeat * 20)],
                             capture_output=True, text=True)
    finally:
        shutil.rmtree(directory)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    ours = next(line["nanosecondsPerDecision"] for line in lines if line["kind"] == "time") / 1000
    agrees = next(line["conforming"] for line in lines if line["kind"] == "summary")
    allowed = sum(a.decision.name == "Allow" for a in answers)
    failing = sum(len(a.diagnostics.errors) for a in answers) / len(answers)
    print(f"{args.policies} policies, {len(requests)} requests ({allowed} allowed, {failing:.1f} failing policies each); "
          f"answers {'agree' if agrees else 'DIFFER'}")
    print(f"  codeagent                {ours:9.2f} µs a decision")
    for label, value in (("cedarpy, one a call", single), ("cedarpy, in a batch", batch), ("cedarpy, inside the engine", sum(inside) / len(inside))):
        print(f"  {label:26} {value:7.2f} µs a decision, {value / ours:5.1f} times as long")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
