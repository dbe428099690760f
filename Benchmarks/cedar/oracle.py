#!/usr/bin/env python3
"""Compares the Cedar room with the reference engine on generated cases.

The reference is PyPI `cedarpy`. Each case is written in the format that `codeagent policy conformance` reads, with the
answers of the reference as what is expected; then that command runs over all of them.

    python3 Benchmarks/cedar/oracle.py --tool .build/release/codeagent --cases 500 --seed 1

Kinds of cases: `wild` (2–20 untyped policies, templates and links, no schema: the semantics of evaluation and of
errors), `typed` (policies written for a generated schema, some of them subtly wrong: strict validation, and decisions
under a schema), `syntax` (policies and schemas with damaged tokens: what must be refused), `json` (schemas in the JSON
form and entities, half of them damaged).
"""
import argparse, json, os, random, re, shutil, subprocess, sys, tempfile

try:
    import cedarpy
except ImportError:
    sys.exit("cedarpy is not installed: pip install cedarpy")

IDS = ["a", "b", "c", "", "é", "e\u0301", "日本", "a b", 'q"q', "back\\slash", "l\nf", "😀", "ω", "\u0430", "0", "x*y"]
TEXTS = ["", "a", "ab", "abc", "a*c", "*", "é", "e\u0301", "日本語", "\\", '"', "\n\t", "😀x", "10.0.0.1", "true", "A"]
NAMES = ["n", "s", "b", "list", "rec", "who", "addr", "opt", "name", "with space", "é", "if", "x_1", "principal"]
LONGS = [0, 1, -1, 2, 7, 42, 9223372036854775807, -9223372036854775808, 4611686018427387904, 3037000500]
IPS = ["10.0.0.1", "10.0.0.0/8", "192.168.0.1/24", "192.168.0.8/24", "::1", "ffee::/64", "127.0.0.1", "224.0.0.5",
       "ff02::1", "0.0.0.0/0", "::/0", "1:2:3:4:5:6:7::", "FFEE::a"]
BAD_IPS = ["010.0.0.1", "::ffff:1.2.3.4", "1.2.3", "10.0.0.1/33", "10.0.0.1/08", "1:2:3", "", "10.0.0.1/", "g::"]
DECIMALS = ["1.0", "1.10", "1.1", "-0.5", "922337203685477.5807", "-922337203685477.5808", "0.0001", "00.5"]
BAD_DECIMALS = ["1", "1.", ".5", "1.23456", "922337203685477.5808", "+1.0", "1e3", "--1.0", "1.0 "]
DATETIMES = ["2024-02-29", "1970-01-01", "2024-01-01T00:00:00Z", "2024-01-01T12:30:15.123Z", "0000-01-01",
             "2024-01-01T23:59:59+2359", "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999-2359"]
BAD_DATETIMES = ["2023-02-29", "2024-01-01T24:00:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00",
                 "2024-01-01T00:00:00+01:00", "2024-1-1", "2024-01-01T00:00:00.12Z", "2024-13-01", "x",
                 "2024-01-01T00:00:00+2400", "2024-01-01 ", "2024-01-01t00:00:00Z"]
DURATIONS = ["1d", "1h30m", "-1h", "1d2h3m4s5ms", "0ms", "106751991167d", "-9223372036854775808ms", "1ms"]
BAD_DURATIONS = ["", "-", "1", "1m1h", "1s1s", "1x", "9223372036854775808ms", "106751991168d", "+1h", "1 h", "1H"]
TYPES = ["U", "NS::U", "A::B::Doc", "Group", "NS::Group"]
ACTIONS = ["Action", "NS::Action"]


def quote(text):
    out = ""
    for c in text:
        if c in '"\\':
            out += "\\" + c
        elif c == "\n":
            out += "\\n"
        elif c == "\t":
            out += "\\t"
        else:
            out += c
    return '"' + out + '"'


def uid_text(uid):
    return f'{uid["type"]}::{quote(uid["id"])}'


class Wild:
    """Policies without regard to types."""

    def __init__(self, rng):
        self.r = rng
        self.uids = [{"type": t, "id": i} for t in TYPES for i in rng.sample(IDS, 3)]
        self.actions = [{"type": t, "id": i} for t in ACTIONS for i in rng.sample(IDS, 3)]
        self.entities = self.make_entities()

    def value(self, depth=2):
        r = self.r
        k = r.randrange(11 if depth else 8)
        if k == 0: return r.choice([True, False])
        if k in (1, 2): return r.choice(LONGS)
        if k in (3, 4): return r.choice(TEXTS)
        if k == 5: return {"__entity": r.choice(self.uids + self.actions)}
        if k == 6: return {"__extn": {"fn": "ip", "arg": r.choice(IPS)}}
        if k == 7:
            fn, args = r.choice([("decimal", DECIMALS), ("datetime", DATETIMES), ("duration", DURATIONS)])
            return {"__extn": {"fn": fn, "arg": r.choice(args)}}
        if k in (8, 9): return [self.value(depth - 1) for _ in range(r.randrange(4))]
        return {n: self.value(depth - 1) for n in r.sample(NAMES, r.randrange(4))}

    def record(self):
        return {n: self.value() for n in self.r.sample(NAMES, self.r.randrange(2, 8))}

    def make_entities(self):
        r = self.r
        order = self.uids[:]
        r.shuffle(order)
        result = []
        for i, uid in enumerate(order):
            if r.random() < 0.15: continue
            parents = [u for u in order[i + 1:] if r.random() < 0.2]
            result.append({"uid": uid, "attrs": self.record(), "parents": parents,
                           "tags": {t: self.value() for t in r.sample(TEXTS, r.randrange(3))}})
        for i, uid in enumerate(self.actions):
            if r.random() < 0.2: continue
            result.append({"uid": uid, "attrs": {}, "parents": [u for u in self.actions[i + 1:] if r.random() < 0.3]})
        return result

    def attr(self):
        n = self.r.choice(NAMES)
        return n

    def access(self, n):
        return f".{n}" if re.fullmatch(r"[A-Za-z_]\w*", n, re.A) and n != "if" and self.r.random() < .7 else f"[{quote(n)}]"

    def expr(self, d):
        r = self.r
        if d <= 0 or r.random() < 0.12: return self.leaf()
        k = r.randrange(30)
        e = lambda: self.expr(d - 1)
        p = lambda: "(" + self.expr(d - 1) + ")"
        b = lambda: "(" + self.boolean(d - 1) + ")"
        if k < 3: return f"{p()}{self.access(self.attr())}"
        if k < 6: return f"{r.choice(['principal', 'resource', 'context'])}{self.access(self.attr())}"
        if k == 6: return f"if {b()} then {e()} else {e()}"
        if k == 7: return f"{p()} {r.choice('+-*')} {p()}"
        if k == 8: return f"{r.choice(['-', '--', '---', '-'])}{p()}"
        if k == 9: return "[" + ", ".join(e() for _ in range(r.randrange(4))) + r.choice(["", ""]) + "]"
        if k == 10:
            names = r.sample(NAMES, r.randrange(4))
            return "{" + ", ".join(f"{quote(n)}: {e()}" for n in names) + "}"
        if k == 11: return f"{p()}.getTag({e()})"
        if k == 12:
            m, n = r.choice([("offset", 1), ("durationSince", 1), ("toDate", 0), ("toTime", 0), ("toMilliseconds", 0),
                             ("toSeconds", 0), ("toMinutes", 0), ("toHours", 0), ("toDays", 0)])
            return f"{self.extension_or(d)}.{m}({', '.join(self.extension_or(d) for _ in range(n))})"
        return self.boolean(d)

    def extension_or(self, d):
        return self.extension() if self.r.random() < .8 else "(" + self.expr(d - 1) + ")"

    def extension(self):
        r = self.r
        fn, good, bad = r.choice([("ip", IPS, BAD_IPS), ("decimal", DECIMALS, BAD_DECIMALS),
                                  ("datetime", DATETIMES, BAD_DATETIMES), ("duration", DURATIONS, BAD_DURATIONS)])
        if r.random() < .03: return f"{fn}({self.leaf()})"
        return f"{fn}({quote(r.choice(good if r.random() < .93 else bad))})"

    def pattern(self):
        r = self.r
        return '"' + "".join(r.choice(["*", "\\*", "a", "b", "é", "日", "\\\\", "?", "\\u{2a}", "", "1", "x"])
                             for _ in range(r.randrange(5))) + '"'

    def boolean(self, d):
        r = self.r
        if d <= 0: return r.choice(["true", "false"]) if r.random() < .4 else self.leaf()
        p = lambda: "(" + self.expr(d - 1) + ")"
        b = lambda: "(" + self.boolean(d - 1) + ")"
        k = r.randrange(22)
        if k < 3: return " && ".join(b() for _ in range(r.randrange(2, 5)))
        if k < 6: return " || ".join(b() for _ in range(r.randrange(2, 5)))
        if k == 6: return r.choice(["!", "!!", "!!!!"]) + b()
        if k < 9:
            same = p()
            return f"{same} == {same if r.random() < .3 else p()}"
        if k == 9: return f"{p()} != {p()}"
        if k < 12:
            left = r.choice([lambda: str(r.choice(LONGS)), p, self.extension])()
            right = r.choice([lambda: str(r.choice(LONGS)), p, self.extension])()
            return f"{left} {r.choice(['<', '<=', '>', '>='])} {right}"
        if k == 12:
            left = r.choice(["principal", "action", "resource", p()])
            u = lambda: uid_text(r.choice(self.uids + self.actions))
            right = r.choice([u(), "[" + ", ".join(u() for _ in range(r.randrange(3))) + "]", p(), f"[{u()}, {self.leaf()}]"])
            return f"{left} in {right}"
        if k == 13:
            names = [n for n in NAMES if re.fullmatch(r"[A-Za-z_]\w*", n, re.A) and n != "if"]
            right = r.choice([quote(self.attr()), ".".join(r.choice(names) for _ in range(r.randrange(1, 4)))])
            return f"{r.choice(['principal', 'resource', 'context', p()])} has {right}"
        if k == 14: return f"{r.choice([quote(r.choice(TEXTS)), p()])} like {self.pattern()}"
        if k == 15: return f"{r.choice(['principal', 'resource', 'action', p()])} is {r.choice(TYPES + ['Action'])}" + (
            f" in {uid_text(r.choice(self.uids))}" if r.random() < .4 else "")
        if k == 16: return f"{p()}.{r.choice(['contains', 'containsAll', 'containsAny'])}({self.expr(d - 1)})"
        if k == 17: return f"{p()}.isEmpty()"
        if k == 18: return f"{r.choice(['principal', 'resource', p()])}.hasTag({r.choice([quote(r.choice(TEXTS)), p()])})"
        if k == 19:
            m, n = r.choice([("isIpv4", 0), ("isIpv6", 0), ("isLoopback", 0), ("isMulticast", 0), ("isInRange", 1)])
            ip = lambda: f"ip({quote(r.choice(IPS))})" if r.random() < .9 else self.extension_or(d)
            extra = [ip()] if r.random() < .03 else []
            return f"{ip()}.{m}({', '.join([ip() for _ in range(n)] + extra)})"
        if k == 20:
            m = r.choice(["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"])
            dec = lambda: f"decimal({quote(r.choice(DECIMALS))})" if r.random() < .9 else self.extension_or(d)
            return f"{dec()}.{m}({dec()})"
        return r.choice(["true", "false"])

    def leaf(self):
        r = self.r
        k = r.randrange(9)
        if k == 0: return r.choice(["true", "false"])
        if k in (1, 2): return str(r.choice(LONGS))
        if k == 3: return quote(r.choice(TEXTS))
        if k == 4: return uid_text(r.choice(self.uids + self.actions))
        if k == 5: return self.extension()
        if k == 6: return r.choice(["[]", "{}", "[1, 2, 1]", '{"a": 1}'])
        return r.choice(["principal", "action", "resource", "context"])

    def scope(self, var, template):
        r = self.r
        e = lambda: f"?{var}" if template else uid_text(r.choice(self.uids))
        k = r.randrange(7 if not template else 3)
        if k == 0: return f"{var} == {e()}"
        if k == 1: return f"{var} in {e()}"
        if k == 2: return f"{var} is {r.choice(TYPES)} in {e()}"
        if k == 3: return f"{var} is {r.choice(TYPES)}"
        return var

    def action_scope(self):
        r = self.r
        a = lambda: uid_text(r.choice(self.actions))
        return r.choice(["action"] * 3 + [f"action == {a()}", f"action in {a()}", f"action in [{a()}, {a()},]", "action in []"])

    def policy(self, template):
        r = self.r
        slots = r.choice([(1, 0), (0, 1), (1, 1)]) if template else (0, 0)
        notes = "".join(f'@{n}({quote(r.choice(TEXTS))})\n' for n in r.sample(["id", "reason", "if", "x"], r.randrange(2)))
        text = notes + f"{r.choice(['permit', 'permit', 'forbid'])}({self.scope('principal', slots[0])}, " \
            f"{self.action_scope()}, {self.scope('resource', slots[1])}{r.choice(['', '', ','])})"
        for _ in range(r.choice([0, 1, 1, 1, 2, 3])):
            depth = r.choice([1, 2, 2, 3, 4, 5])
            text += f" {r.choice(['when', 'when', 'unless'])} {{ {self.boolean(depth)} }}"
        return text + ";", slots

    def case(self):
        r = self.r
        texts, links = [], []
        count = r.randrange(2, 21)
        for i in range(count):
            template = r.random() < 0.12
            text, slots = self.policy(template)
            texts.append(text)
            if template:
                for j in range(r.randrange(3)):
                    link = {"template": f"policy{i}", "id": f"link{i}.{j}"}
                    if slots[0]: link["principal"] = r.choice(self.uids)
                    if slots[1]: link["resource"] = r.choice(self.uids)
                    links.append(link)
        text = "\n".join(texts)
        requests = [{"principal": r.choice(self.uids), "action": r.choice(self.actions), "resource": r.choice(self.uids),
                     "context": self.record()} for _ in range(6)]
        return text, None, self.entities, requests, links


SCHEMA_TYPES = ["Long", "String", "Bool", "Set<Long>", "Set<String>", "ipaddr", "decimal", "datetime", "duration", "Rec",
                "E:User", "E:Doc", "E:NS::Team", "Set<E:User>", "Color"]


class Typed:
    """Policies for a schema, most of them well typed."""

    def __init__(self, rng):
        self.r = rng
        r = rng
        self.mutation = r.choice([0, 0, 0.01, 0.05])
        self.rec = {"x": ("Long", True), "y": (r.choice(["String", "Bool"]), r.random() < .5),
                    "in ner": ("Long", r.random() < .5)}
        pool = [f"a{i}" for i in range(7)] + ["é", "with space", "principal"]
        self.types = {}
        for t in ("User", "Doc", "NS::Team"):
            self.types[t] = {n: (r.choice(SCHEMA_TYPES), r.random() < .6) for n in r.sample(pool, 5)}
        self.tags = {t: (r.choice(["Long", "String", "Set<String>"]) if r.random() < .5 else None) for t in self.types}
        self.parents = {"User": r.sample(["NS::Team", "User", "Doc"], r.randrange(3)), "Doc": r.choice([[], ["Doc"]]),
                        "NS::Team": r.choice([[], ["NS::Team"]])}
        self.context = {n: (r.choice(SCHEMA_TYPES), r.random() < .6) for n in r.sample(pool, 3)}
        self.actions = {}
        for a in ("read", "write", "ad min"):
            self.actions[a] = (r.sample(["User", "NS::Team", "Doc"], r.choice([1, 1, 2])),
                               r.sample(["Doc", "User", "Color"], r.choice([1, 1, 2])), r.choice([[], ["all"], ["all", "some"]]))
        self.ids = r.sample(IDS, 4)

    def type_text(self, t, common=True):
        if t.startswith("Set<"): return f"Set<{self.type_text(t[4:-1])}>"
        return t[2:] if t.startswith("E:") else t

    def attributes_text(self, attributes):
        return "{" + ", ".join(f"{quote(n)}{'' if req else '?'}: {self.type_text(t)}" for n, (t, req) in attributes.items()) + "}"

    def schema(self):
        s = f'type Rec = {self.attributes_text(self.rec)};\nentity Color enum ["red", "green"];\n'
        for t in ("User", "Doc"):
            s += f"entity {t} in [{', '.join(self.parents[t])}] = {self.attributes_text(self.types[t])}"
            s += (f" tags {self.type_text(self.tags[t])}" if self.tags[t] else "") + ";\n"
        s += 'action all, some;\n'
        for a, (ps, rs, groups) in self.actions.items():
            s += f"action {quote(a)} in [{', '.join(quote(g) for g in groups)}] appliesTo {{" if groups else f"action {quote(a)} appliesTo {{"
            s += f"principal: [{', '.join(ps)}], resource: [{', '.join(rs)}], context: {self.attributes_text(self.context)}}};\n"
        t = "NS::Team"
        s += f"namespace NS {{ entity Team in [{', '.join(self.parents[t])}] {self.attributes_text(self.types[t])}"
        s += (f" tags {self.type_text(self.tags[t])}" if self.tags[t] else "") + "; }\n"
        return s

    def type_json(self, t):
        if t.startswith("Set<"): return {"type": "Set", "element": self.type_json(t[4:-1])}
        if t == "Rec": return {"type": "Rec"}
        if t == "Color": return {"type": "Entity", "name": "Color"}
        if t.startswith("E:"): return {"type": self.r.choice(["Entity", "EntityOrCommon"]), "name": t[2:]}
        if t in ("Long", "String"): return self.r.choice([{"type": t}, {"type": "EntityOrCommon", "name": t}])
        if t == "Bool": return self.r.choice([{"type": "Boolean"}, {"type": "EntityOrCommon", "name": "Bool"}, {"type": "Bool"}])
        return self.r.choice([{"type": "Extension", "name": t}, {"type": "EntityOrCommon", "name": "__cedar::" + t}, {"type": t}])

    def record_json(self, attributes):
        def one(t, req): return dict(self.type_json(t), **({} if req and self.r.random() < .8 else {"required": req}))
        return {"type": "Record", "attributes": {n: one(t, req) for n, (t, req) in attributes.items()}}

    def schema_json(self):
        def entity(t):
            e = {"shape": self.record_json(self.types[t])}
            if self.parents[t]: e["memberOfTypes"] = self.parents[t]
            if self.tags[t]: e["tags"] = self.type_json(self.tags[t])
            return e
        actions = {"all": {}, "some": {"annotations": {"a": "b"}}}
        for a, (ps, rs, groups) in self.actions.items():
            actions[a] = {"appliesTo": {"principalTypes": ps, "resourceTypes": rs, "context": self.record_json(self.context)},
                          "memberOf": [self.r.choice([{"id": g}, {"id": g, "type": "Action"}]) for g in groups]}
        return {"": {"commonTypes": {"Rec": self.record_json(self.rec)}, "actions": actions, "entityTypes": {
                    "Color": {"enum": ["red", "green"]}, "User": entity("User"), "Doc": entity("Doc")}},
                "NS": {"entityTypes": {"Team": entity("NS::Team")}, "actions": {}}}

    # Values for entities and contexts.

    def value(self, t):
        r = self.r
        if t == "Long": return r.choice(LONGS)
        if t == "String": return r.choice(TEXTS)
        if t == "Bool": return r.choice([True, False])
        if t.startswith("Set<"): return [self.value(t[4:-1]) for _ in range(r.randrange(3))]
        if t == "Rec": return self.record(self.rec)
        if t == "Color": return {"type": "Color", "id": r.choice(["red", "green"])}
        if t.startswith("E:"): return r.choice([lambda u: u, lambda u: {"__entity": u}])({"type": t[2:], "id": r.choice(self.ids)})
        fn = {"ipaddr": ("ip", IPS), "decimal": ("decimal", DECIMALS), "datetime": ("datetime", DATETIMES),
              "duration": ("duration", DURATIONS)}[t]
        v = r.choice(fn[1])
        return r.choice([v, {"fn": fn[0], "arg": v}, {"__extn": {"fn": fn[0], "arg": v}}])

    def record(self, attributes):
        return {n: self.value(t) for n, (t, req) in attributes.items() if req or self.r.random() < .5}

    def entities(self):
        r = self.r
        result = []
        for t in self.types:
            for n, i in enumerate(self.ids):
                if r.random() < .15: continue
                parents = [{"type": p, "id": j} for p in self.parents[t] for m, j in enumerate(self.ids)
                           if (p, m) > (t, n) and r.random() < .4]
                if t == "User": parents = [p for p in parents]
                result.append({"uid": {"type": t, "id": i}, "attrs": self.record(self.types[t]), "parents": parents,
                               "tags": {k: self.value(self.tags[t]) for k in r.sample(TEXTS, 2)} if self.tags[t] else {}})
        return result

    # Expressions of a type. `known` maps texts of expressions to their types: what attributes can start from.

    def literal(self, t):
        r = self.r
        if t == "Long": return str(r.choice(LONGS))
        if t == "String": return quote(r.choice(TEXTS))
        if t == "Bool": return r.choice(["true", "false"])
        if t.startswith("Set<"): return "[" + ", ".join(self.literal(t[4:-1]) for _ in range(r.randrange(1, 3))) + "]"
        if t == "Rec":
            return "{" + ", ".join(f"{quote(n)}: {self.literal(u)}" for n, (u, req) in self.rec.items() if req or r.random() < .5) + "}"
        if t == "Color": return f'Color::"{r.choice(["red", "green", "red", "green", "blue" if r.random() < self.mutation else "red"])}"'
        if t.startswith("E:"): return f"{t[2:]}::{quote(r.choice(self.ids))}"
        return {"ipaddr": lambda: f"ip({quote(r.choice(IPS))})", "decimal": lambda: f"decimal({quote(r.choice(DECIMALS))})",
                "datetime": lambda: f"datetime({quote(r.choice(DATETIMES))})",
                "duration": lambda: f"duration({quote(r.choice(DURATIONS))})"}[t]()

    def attributes_of(self, t):
        if t == "Rec": return self.rec
        if t == "Context": return self.context
        if t.startswith("E:"): return self.types.get(t[2:], {})
        return {}

    def path(self, t, depth, guards):
        """An attribute access of type t, and what must hold before."""
        r = self.r
        starts = [("principal", "E:" + self.principal), ("resource", "E:" + self.resource), ("context", "Context")]
        for _ in range(6):
            text, here = r.choice(starts)
            local = []
            for _ in range(depth):
                attributes = self.attributes_of(here)
                if not attributes: break
                good = [n for n, (u, _) in attributes.items() if u == t]
                n = r.choice(good or list(attributes))
                u, req = attributes[n]
                if not req:
                    local.append(f"{text} has {quote(n)}")
                text = f"{text}[{quote(n)}]" if not re.fullmatch(r"\w+", n, re.A) or r.random() < .2 else f"{text}.{n}"
                here = u
                if here == t:
                    if r.random() >= self.mutation: guards.extend(local)
                    return text
        return None

    def expr(self, t, d, guards):
        r = self.r
        if r.random() < self.mutation: t = r.choice(SCHEMA_TYPES)
        if d <= 0: return self.path(t, 2, guards) or self.literal(t) if r.random() < .6 else self.literal(t)
        if r.random() < .5:
            found = self.path(t, 3, guards)
            if found: return found
        e = lambda u: self.expr(u, d - 1, guards)
        if t == "Bool": return "(" + self.boolean(d) + ")"
        if r.random() < .1: return f"(if {self.boolean(d - 1)} then {e(t)} else {e(t)})"
        if t == "Long":
            k = r.randrange(4)
            if k == 0: return f"({e(t)} {r.choice('+-*')} {e(t)})"
            if k == 1: return f"-({e(t)})"
            if k == 2: return f"{e('duration')}.{r.choice(['toMilliseconds', 'toDays', 'toHours'])}()"
        if t == "datetime" and r.random() < .5:
            return r.choice([lambda: f"{e(t)}.offset({e('duration')})", lambda: f"{e(t)}.toDate()"])()
        if t == "duration" and r.random() < .5:
            return r.choice([lambda: f"{e('datetime')}.durationSince({e('datetime')})", lambda: f"{e('datetime')}.toTime()"])()
        if t.startswith("Set<") and r.random() < .5:
            return "[" + ", ".join(e(t[4:-1]) for _ in range(r.randrange(1, 3))) + "]"
        if t.startswith("E:") and r.random() < .5:
            if t[2:] == self.principal: return "principal"
            if t[2:] == self.resource: return "resource"
        tags = [(v, k) for v, k in (("principal", self.principal), ("resource", self.resource)) if self.tags.get(k) == t]
        if tags and r.random() < .6:
            v, k = r.choice(tags)
            key = quote(r.choice(TEXTS))
            if r.random() >= self.mutation: guards.append(f"{v}.hasTag({key})")
            return f"{v}.getTag({key})"
        return self.literal(t)

    def boolean(self, d):
        """A bool with its guards before it."""
        guards = []
        text = self.plain_boolean(d, guards)
        if not guards: return text
        return "(" + " && ".join(guards + ["(" + text + ")"]) + ")"

    def plain_boolean(self, d, guards):
        r = self.r
        if d <= 0: return r.choice(["true", "false", self.expr("Bool", 0, guards)])
        e = lambda u: self.expr(u, d - 1, guards)
        b = lambda: "(" + self.boolean(d - 1) + ")"
        k = r.randrange(18)
        if k < 3: return " && ".join(b() for _ in range(r.randrange(2, 4)))
        if k < 5: return " || ".join(b() for _ in range(r.randrange(2, 4)))
        if k == 5: return f"!{b()}"
        if k < 8:
            t = r.choice(SCHEMA_TYPES)
            return f"{e(t)} {r.choice(['==', '!='])} {e(t)}"
        if k == 8:
            t = r.choice(["Long", "datetime", "duration"])
            return f"{e(t)} {r.choice(['<', '<=', '>', '>='])} {e(t)}"
        if k == 9: return e("String") + ' like "' + r.choice(["*", "a*", "*é*", "ab", "\\*"]) + '"'
        if k == 10: return f"{r.choice(['principal', 'resource', e('E:User')])} in {e(r.choice(['E:User', 'E:NS::Team', 'E:Doc', 'Set<E:User>']))}"
        if k == 11:
            actions = list(self.actions) + ["all", "some"]
            a = lambda: f"Action::{quote(r.choice(actions))}"
            return r.choice([f"action == {a()}", f"action in {a()}", f"action in [{a()}, {a()}]"])
        if k == 12: return f"{r.choice(['principal', 'resource', e('E:Doc')])} is {r.choice(['User', 'Doc', 'NS::Team', 'Color'])}"
        if k == 13:
            t = r.choice(["Long", "String", "E:User"])
            return r.choice([f"{e(f'Set<{t}>')}.contains({e(t)})", f"{e(f'Set<{t}>')}.containsAny({e(f'Set<{t}>')})",
                             f"{e(f'Set<{t}>')}.isEmpty()"])
        if k == 14:
            return r.choice([f"{e('ipaddr')}.isInRange({e('ipaddr')})", f"{e('ipaddr')}.isIpv4()",
                             f"{e('decimal')}.lessThan({e('decimal')})"])
        if k == 15:
            names = [n for a in list(self.types.values()) + [self.context, self.rec] for n in a]
            return f"{r.choice(['principal', 'resource', 'context'])} has {quote(r.choice(names))}"
        if k == 16: return f"{r.choice(['principal', 'resource'])}.hasTag({quote(r.choice(TEXTS))})"
        return f"if {b()} then {b()} else {b()}"

    def policy(self):
        r = self.r
        action = r.choice(list(self.actions))
        ps, rs, _ = self.actions[action]
        self.principal, self.resource = r.choice(ps), r.choice(rs)
        if r.random() < self.mutation * 2: self.principal = r.choice(["User", "Doc", "NS::Team"])
        slot = r.random() < .1
        principal = r.choice([f"principal is {self.principal}", f"principal is {self.principal}",
                              f"principal == {self.principal}::{quote(r.choice(self.ids))}",
                              f"principal is {self.principal} in {r.choice(['User', 'NS::Team', 'Doc'])}::{quote(r.choice(self.ids))}"])
        if slot: principal = r.choice(["principal == ?principal", "principal in ?principal",
                                       f"principal is {self.principal} in ?principal"])
        resource = f"resource is {self.resource}" if r.random() < .9 else "resource"
        scope = f"action == Action::{quote(action)}" if r.random() < .8 else r.choice(['action in Action::"all"', "action"])
        text = f"{r.choice(['permit', 'forbid'])}({principal}, {scope}, {resource})"
        for _ in range(r.choice([0, 1, 1, 2])): text += f" {r.choice(['when', 'unless'])} {{ {self.boolean(r.randrange(1, 5))} }}"
        return text + ";"

    def case(self):
        r = self.r
        text = "\n".join(self.policy() for _ in range(r.choice([1, 1, 1, 2, 3, 8])))
        requests = []
        for _ in range(6):
            action = r.choice(list(self.actions))
            ps, rs, _ = self.actions[action]
            resource = r.choice(rs)
            requests.append({"principal": {"type": r.choice(ps), "id": r.choice(self.ids)},
                             "action": {"type": "Action", "id": action},
                             "resource": {"type": resource, "id": r.choice(["red", "green"] if resource == "Color" else self.ids)},
                             "context": self.record(self.context)})
        return text, self.schema(), self.entities(), requests, []


def tokens(text):
    return re.findall(r'"(?:\\.|[^"\\])*"|//[^\n]*|[A-Za-z_]\w*|\d+|::|==|!=|<=|>=|&&|\|\||\s+|.', text, re.S)


FILLERS = ["in", "has", "like", "is", "if", "then", "else", "==", "=", "!", "-", "(", ")", "[", "]", "{", "}", ",", ";", ".",
           "::", "true", "principal", "resource", "action", "context", "?principal", "?resource", "?x", "permit", "when",
           "unless", '"x"', '"\\*"', '"\\u{110000}"', '"\\x80"', '"\\x7f"', '"\\u{1_0}"', "9223372036854775808", "-", "0", "//c\n", "@a", "'", "#",
           "__cedar", "%", "/", "*", "+", "|", "&", ":", "ip", "contains", "\u00a0", "\u3000", "\r", "entity", "type", "Set", "<", ">",
           "enum", "tags", "appliesTo", "namespace", "?", '"a\\\n"', "Action", "é", "Long", "String"]


def damage(rng, text):
    parts = tokens(text)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        i = rng.randrange(len(parts))
        k = rng.randrange(4)
        if k == 0: parts[i] = ""
        elif k == 1: parts[i] = rng.choice(FILLERS)
        elif k == 2: parts.insert(i, rng.choice(FILLERS))
        else:
            j = rng.randrange(len(parts))
            parts[i], parts[j] = parts[j], parts[i]
    return "".join(parts)


JUNK = [None, True, 0, 1.5, -9223372036854775808, 9223372036854775808, "", "x", "User", "NS::Team", "if", "a b", [], {}, [1], {"type": "Long"},
        {"type": "User", "id": "a"}, {"__entity": {"type": "User", "id": "a"}}, {"__entity": {"type": "User"}}, {"__entity": {"type": "a b", "id": ""}},
        {"__extn": {"fn": "ip", "arg": "1.2.3.4"}}, {"__extn": {"fn": "ip"}}, {"__extn": {"fn": "ip", "args": ["1.2.3.4"]}}, {"__extn": {"fn": "no", "arg": ""}},
        {"fn": "decimal", "arg": "1.0"}, {"__expr": "1"}, "1.2.3.4", "1.0", "2024-01-01", "1h", {"type": "Set"}, {"type": "Action", "id": "all"},
        {"__extn": {"fn": "offset", "args": [{"__extn": {"fn": "datetime", "arg": "2024-01-01"}}, {"__extn": {"fn": "duration", "arg": "1h"}}]}}]
KEYS = ["type", "id", "attrs", "parents", "uid", "tags", "shape", "memberOfTypes", "enum", "element", "name", "attributes", "required", "appliesTo",
        "principalTypes", "resourceTypes", "context", "memberOf", "annotations", "additionalAttributes", "commonTypes", "Action", "Long", "Bool", "x"]


def damage_json(rng, tree):
    """One change somewhere in the tree."""
    places = []
    def walk(node):
        for key in (list(node) if isinstance(node, dict) else range(len(node))):
            places.append((node, key))
            if isinstance(node[key], (dict, list)): walk(node[key])
    walk(tree)
    if not places: return
    node, key = rng.choice(places)
    k = rng.randrange(4)
    if k == 0: del node[key]
    elif k == 1: node[key] = json.loads(json.dumps(rng.choice(JUNK)))
    elif isinstance(node, dict) and k == 2: node[rng.choice(KEYS)] = json.loads(json.dumps(rng.choice(JUNK)))
    elif isinstance(node, dict): node[rng.choice(KEYS)] = node.pop(key)
    else: node.append(json.loads(json.dumps(rng.choice(JUNK))))


def write_case(directory, name, case, schema, entities, policies):
    def put(suffix, text):
        with open(os.path.join(directory, name + suffix), "w", newline="") as f: f.write(text)
        return f"corpus-tests/{name}{suffix}"
    case["policies"] = put(".cedar", policies)
    if schema is not None: case["schema"] = put(".cedarschema", schema)
    case["entities"] = put(".entities.json", json.dumps(entities))
    with open(os.path.join(directory, name + ".json"), "w") as f: json.dump(case, f)


def answers(requests, policies, entities, schema, links):
    handle = cedarpy.PolicySet.from_str(policies)
    if links:
        handle = handle.with_linked_batch([
            {"template_id": l["template"], "new_id": l["id"],
             "values": {f"?{k}": l[k] for k in ("principal", "resource") if k in l}} for l in links])
    asked = cedarpy.is_authorized_batch(requests, handle, json.dumps(entities), schema)
    kept = []
    for i, (request, answer) in enumerate(zip(requests, asked)):
        if answer.decision.name == "NoDecision":
            if schema is None: raise ValueError(f"no decision: {answer.diagnostics.errors}")
            continue
        errors = [re.match(r"error while evaluating policy `([^`]*)`", e).group(1) for e in answer.diagnostics.errors]
        kept.append(dict(request, description=f"Request {i}", validateRequest=schema is not None,
                         decision=answer.decision.name.lower(), reason=sorted(answer.diagnostics.reasons), errors=errors))
    return kept


def generate(args, directory):
    stats = {}
    def count(key): stats[key] = stats.get(key, 0) + 1
    for number in range(args.cases):
        rng = random.Random(f"{args.seed}/{number}")
        kind = args.kind or rng.choice(["wild", "wild", "typed", "typed", "syntax", "json"])
        name = f"{kind}-{args.seed}-{number:05}"
        maker = (Wild if kind == "wild" or kind == "syntax" and rng.random() < .4 else Typed)(rng)
        policies, schema, entities, requests, links = maker.case()
        case = {"links": links} if links else {}
        if kind == "json":
            maker = Typed(rng)
            policies, _, entities, _, _ = maker.case()
            policies, schema = "", maker.schema_json()
            if rng.random() < .6: damage_json(rng, rng.choice([schema, entities]))
            schema = None if rng.random() < .3 else json.dumps(schema)
            try:
                cedarpy.Entities.from_json_str(json.dumps(entities), schema)
                case["shouldLoad"] = True
            except ValueError as error:
                case["shouldLoad"] = False
                case["why"] = str(error)[:500]
            count(f"json, {'read' if case['shouldLoad'] else 'refused'}")
            write_case(directory, name, case, schema, entities, policies)
            continue
        if kind == "syntax":
            damaged_schema = schema is not None and rng.random() < .5
            if damaged_schema: schema = damage(rng, schema)
            else: policies = damage(rng, policies)
            try:
                cedarpy.PolicySet.from_str(policies)
                if schema is not None: cedarpy.Schema.from_str(schema)
                case["shouldLoad"] = True
            except ValueError:
                case["shouldLoad"] = False
            count(f"syntax, {'schema' if damaged_schema else 'policies'} {'read' if case['shouldLoad'] else 'refused'}")
            # Entities may not fit a damaged schema any more.
            write_case(directory, name, case, schema, [], policies)
            continue
        try:
            case["requests"] = answers(requests, policies, entities, schema, links)
        except ValueError as error:
            count(f"{kind}, skipped")
            if args.verbose: print("skipped", name, str(error)[:300])
            continue
        count(kind)
        for request in case["requests"]:
            count(f"{kind}, {request['decision']}" + (", with errors" if request["errors"] else ""))
        if schema is not None:
            valid = cedarpy.validate_policies(policies, schema).validation_passed
            case["shouldValidate"] = valid
            count(f"{kind}, {'valid' if valid else 'invalid'}")
        write_case(directory, name, case, schema, entities, policies)
    return stats


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default=".build/release/codeagent", help="the codeagent to compare")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=["wild", "typed", "syntax", "json"])
    parser.add_argument("--keep", help="write the cases into this folder and keep them")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    directory = args.keep or tempfile.mkdtemp(prefix="cedar-oracle-")
    os.makedirs(directory, exist_ok=True)
    try:
        for key, value in sorted(generate(args, directory).items()): print(f"  {key}: {value}")
        sys.stdout.flush()
        return subprocess.run([args.tool, "policy", "conformance", directory, "--show", "40"]).returncode
    finally:
        if not args.keep: shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
