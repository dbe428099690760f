extension Program {
  static let cache = Program(
    name: "cache", runner: .unittest,
    files: [
      "expiring.py": #"""
      """A cache that forgets by age and by number."""
      from collections import OrderedDict


      class ExpiringCache:
          def __init__(self, capacity, lifetime, clock):
              self.capacity = capacity
              self.lifetime = lifetime
              self.clock = clock
              self.entries = OrderedDict()
              self.hits = 0
              self.misses = 0

          def __len__(self):
              self._drop_expired()
              return len(self.entries)

          def _drop_expired(self):
              now = self.clock()
              for key in list(self.entries):
                  stored, _ = self.entries[key]
                  if now - stored >= self.lifetime:
                      del self.entries[key]

          def put(self, key, value):
              if key in self.entries:
                  del self.entries[key]
              self.entries[key] = (self.clock(), value)
              while len(self.entries) > self.capacity:
                  self.entries.popitem(last=False)

          def get(self, key, default=None):
              entry = self.entries.get(key)
              if entry is None:
                  self.misses += 1
                  return default
              stored, value = entry
              if self.clock() - stored >= self.lifetime:
                  del self.entries[key]
                  self.misses += 1
                  return default
              self.entries.move_to_end(key)
              self.hits += 1
              return value

          def ratio(self):
              total = self.hits + self.misses
              if total == 0:
                  return 0.0
              return self.hits / total
      """#,
      "test_expiring.py": #"""
      import unittest

      from expiring import ExpiringCache


      class CacheTests(unittest.TestCase):
          def setUp(self):
              self.now = 0
              self.cache = ExpiringCache(3, 10, lambda: self.now)

          def test_returns_what_was_put(self):
              self.cache.put("a", 1)
              self.assertEqual(self.cache.get("a"), 1)

          def test_default_for_unknown(self):
              self.assertEqual(self.cache.get("a", 7), 7)
              self.assertIsNone(self.cache.get("a"))

          def test_holds_capacity(self):
              for index, key in enumerate("abc"):
                  self.cache.put(key, index)
              self.assertEqual(len(self.cache), 3)
              self.assertEqual(self.cache.get("a"), 0)

          def test_oldest_goes_first(self):
              for index, key in enumerate("abcd"):
                  self.cache.put(key, index)
              self.assertIsNone(self.cache.get("a"))
              self.assertEqual(self.cache.get("d"), 3)

          def test_use_keeps_an_entry(self):
              for index, key in enumerate("abc"):
                  self.cache.put(key, index)
              self.cache.get("a")
              self.cache.put("d", 3)
              self.assertEqual(self.cache.get("a"), 0)
              self.assertIsNone(self.cache.get("b"))

          def test_age(self):
              self.cache.put("a", 1)
              self.now = 9
              self.assertEqual(self.cache.get("a"), 1)
              self.now = 10
              self.assertIsNone(self.cache.get("a"))

          def test_length_counts_live_entries(self):
              self.cache.put("a", 1)
              self.now = 5
              self.cache.put("b", 2)
              self.now = 12
              self.assertEqual(len(self.cache), 1)

          def test_put_again_renews(self):
              self.cache.put("a", 1)
              self.now = 8
              self.cache.put("a", 2)
              self.now = 15
              self.assertEqual(self.cache.get("a"), 2)

          def test_ratio(self):
              self.assertEqual(self.cache.ratio(), 0.0)
              self.cache.put("a", 1)
              self.cache.get("a")
              self.cache.get("b")
              self.assertEqual(self.cache.ratio(), 0.5)


      if __name__ == "__main__":
          unittest.main()
      """#,
    ],
    bugs: [
      Bug(
        name: "use is not noticed", file: "expiring.py",
        correct: "        self.entries.move_to_end(key)\n", broken: ""),
      Bug(
        name: "divides by zero", file: "expiring.py", correct: "        if total == 0:\n            return 0.0\n",
        broken: ""),
      Bug(
        name: "iterates while deleting", file: "expiring.py", correct: "for key in list(self.entries):",
        broken: "for key in self.entries:"),
    ])

  static let intervals = Program(
    name: "intervals", runner: .unittest,
    files: [
      "calendar_tools/__init__.py": "",
      "calendar_tools/spans.py": #"""
      """Spans of minutes within a day, as pairs (start, end), end excluded."""

      DAY = 24 * 60


      def parse_time(text):
          hours, minutes = text.split(":")
          return int(hours) * 60 + int(minutes)


      def format_time(minutes):
          return "%02d:%02d" % (minutes // 60, minutes % 60)


      def merge(spans):
          """Joins spans that overlap or touch."""
          result = []
          for start, end in sorted(spans):
              if result and start <= result[-1][1]:
                  result[-1] = (result[-1][0], max(result[-1][1], end))
              else:
                  result.append((start, end))
          return result


      def gaps(spans, opening=0, closing=DAY):
          """The free spans between opening and closing."""
          free = []
          position = opening
          for start, end in merge(spans):
              if start > position:
                  free.append((position, min(start, closing)))
              position = max(position, end)
              if position >= closing:
                  break
          if position < closing:
              free.append((position, closing))
          return free


      def first_slot(spans, length, opening=0, closing=DAY):
          for start, end in gaps(spans, opening, closing):
              if end - start >= length:
                  return start
          return None


      def total(spans):
          return sum(end - start for start, end in merge(spans))
      """#,
      "tests/__init__.py": "",
      "tests/test_spans.py": #"""
      import unittest

      from calendar_tools import spans


      class SpanTests(unittest.TestCase):
          def test_parse_and_format(self):
              self.assertEqual(spans.parse_time("09:30"), 570)
              self.assertEqual(spans.format_time(570), "09:30")
              self.assertEqual(spans.format_time(65), "01:05")

          def test_merge_overlapping(self):
              self.assertEqual(spans.merge([(1, 5), (3, 8)]), [(1, 8)])

          def test_merge_touching(self):
              self.assertEqual(spans.merge([(1, 5), (5, 8)]), [(1, 8)])

          def test_merge_apart(self):
              self.assertEqual(spans.merge([(1, 5), (6, 8)]), [(1, 5), (6, 8)])

          def test_merge_inside(self):
              self.assertEqual(spans.merge([(1, 9), (2, 3), (4, 5)]), [(1, 9)])

          def test_merge_unsorted(self):
              self.assertEqual(spans.merge([(6, 8), (1, 5)]), [(1, 5), (6, 8)])

          def test_merge_nothing(self):
              self.assertEqual(spans.merge([]), [])

          def test_gaps(self):
              self.assertEqual(spans.gaps([(10, 20), (30, 40)], 0, 50), [(0, 10), (20, 30), (40, 50)])

          def test_gaps_when_full(self):
              self.assertEqual(spans.gaps([(0, 50)], 0, 50), [])

          def test_gaps_past_closing(self):
              self.assertEqual(spans.gaps([(5, 10), (60, 70)], 0, 50), [(0, 5), (10, 50)])

          def test_gaps_before_opening(self):
              self.assertEqual(spans.gaps([(1, 4)], 10, 20), [(10, 20)])

          def test_first_slot(self):
              busy = [(0, 10), (15, 30)]
              self.assertEqual(spans.first_slot(busy, 5), 10)
              self.assertEqual(spans.first_slot(busy, 6), 30)
              self.assertIsNone(spans.first_slot([(0, 50)], 10, 0, 50))

          def test_total(self):
              self.assertEqual(spans.total([(0, 10), (5, 20), (30, 31)]), 21)
      """#,
    ],
    bugs: [
      Bug(
        name: "trusts the order", file: "calendar_tools/spans.py", correct: "for start, end in sorted(spans):",
        broken: "for start, end in spans:"),
      Bug(
        name: "shorter span wins", file: "calendar_tools/spans.py",
        correct: "(result[-1][0], max(result[-1][1], end))", broken: "(result[-1][0], end)"),
      Bug(
        name: "opening is forgotten", file: "calendar_tools/spans.py",
        correct: "        position = max(position, end)", broken: "        position = end"),
      Bug(
        name: "gives up at once", file: "calendar_tools/spans.py", correct: "            return start\n    return None",
        broken: "            return start\n        return None"),
    ])

  static let arithmetic = Program(
    name: "arithmetic", runner: .unittest,
    files: [
      "calc.py": #"""
      """Evaluates arithmetic: + - * / ^, unary minus, brackets, names."""

      PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 3}
      RIGHT = {"^"}


      class CalcError(Exception):
          pass


      def tokens(text):
          index = 0
          while index < len(text):
              character = text[index]
              if character.isspace():
                  index += 1
              elif character.isdigit() or character == ".":
                  start = index
                  while index < len(text) and (text[index].isdigit() or text[index] == "."):
                      index += 1
                  yield ("number", text[start:index])
              elif character.isalpha():
                  start = index
                  while index < len(text) and text[index].isalnum():
                      index += 1
                  yield ("name", text[start:index])
              elif character in PRECEDENCE or character in "()":
                  yield ("operator", character)
                  index += 1
              else:
                  raise CalcError("unexpected %r at %d" % (character, index))


      def apply(operator, left, right):
          if operator == "+":
              return left + right
          if operator == "-":
              return left - right
          if operator == "*":
              return left * right
          if operator == "/":
              if right == 0:
                  raise CalcError("division by zero")
              return left / right
          return left ** right


      class Parser:
          def __init__(self, text, names=None):
              self.items = list(tokens(text))
              self.names = names or {}
              self.position = 0

          def peek(self):
              if self.position < len(self.items):
                  return self.items[self.position]
              return (None, None)

          def take(self):
              item = self.peek()
              self.position += 1
              return item

          def expression(self, lowest):
              value = self.operand()
              while True:
                  kind, operator = self.peek()
                  if operator not in PRECEDENCE or PRECEDENCE[operator] < lowest:
                      return value
                  self.take()
                  above = PRECEDENCE[operator]
                  if operator not in RIGHT:
                      above += 1
                  value = apply(operator, value, self.expression(above))

          def operand(self):
              kind, text = self.take()
              if kind == "number":
                  return float(text)
              if kind == "name":
                  if text not in self.names:
                      raise CalcError("unknown name " + text)
                  return self.names[text]
              if text == "-":
                  return -self.expression(2)
              if text == "(":
                  value = self.expression(1)
                  if self.take() != ("operator", ")"):
                      raise CalcError("missing )")
                  return value
              raise CalcError("operand expected")


      def evaluate(text, names=None):
          parser = Parser(text, names)
          value = parser.expression(1)
          if parser.peek() != (None, None):
              raise CalcError("text after the end")
          return value
      """#,
      "test_calc.py": #"""
      import unittest

      from calc import CalcError, evaluate


      class CalcTests(unittest.TestCase):
          def test_numbers(self):
              self.assertEqual(evaluate("1.5"), 1.5)

          def test_sum_and_product(self):
              self.assertEqual(evaluate("1 + 2 * 3"), 7)
              self.assertEqual(evaluate("2 * 3 + 1"), 7)

          def test_left_to_right(self):
              self.assertEqual(evaluate("10 - 4 - 3"), 3)
              self.assertEqual(evaluate("24 / 4 / 2"), 3)

          def test_power_to_the_right(self):
              self.assertEqual(evaluate("2 ^ 3 ^ 2"), 512)

          def test_brackets(self):
              self.assertEqual(evaluate("2 * (3 + 4)"), 14)

          def test_unary_minus(self):
              self.assertEqual(evaluate("-2 + 5"), 3)
              self.assertEqual(evaluate("3 * -2"), -6)

          def test_names(self):
              self.assertEqual(evaluate("width * 2", {"width": 8}), 16)
              self.assertEqual(evaluate("x1 + 1", {"x1": 1}), 2)

          def test_unknown_name(self):
              with self.assertRaises(CalcError):
                  evaluate("nothing")

          def test_division_by_zero(self):
              with self.assertRaises(CalcError):
                  evaluate("1 / 0")

          def test_errors(self):
              for text in ["1 +", "(1", "1 2", "1 $ 2"]:
                  with self.assertRaises(CalcError):
                      evaluate(text)
      """#,
    ],
    bugs: [
      Bug(
        name: "everything binds to the right", file: "calc.py",
        correct: "            if operator not in RIGHT:\n                above += 1\n", broken: ""),
      Bug(
        name: "minus takes the rest", file: "calc.py", correct: "return -self.expression(2)",
        broken: "return -self.expression(1)"),
      Bug(
        name: "names without digits", file: "calc.py", correct: "text[index].isalnum()",
        broken: "text[index].isalpha()"),
      Bug(
        name: "operands the wrong way round", file: "calc.py",
        correct: "value = apply(operator, value, self.expression(above))",
        broken: "value = apply(operator, self.expression(above), value)"),
    ])

  static let settings = Program(
    name: "settings", runner: .unittest,
    files: [
      "settings.py": #"""
      """Reads settings: sections, key = value, comments, values with types."""


      class SettingsError(ValueError):
          def __init__(self, line, message):
              super().__init__("line %d: %s" % (line, message))
              self.line = line


      def strip_comment(line):
          quoted = False
          for index, character in enumerate(line):
              if character == '"':
                  quoted = not quoted
              elif character == "#" and not quoted:
                  return line[:index]
          return line


      def convert(text):
          lowered = text.lower()
          if lowered in ("yes", "true", "on"):
              return True
          if lowered in ("no", "false", "off"):
              return False
          if text.startswith('"') and text.endswith('"') and len(text) >= 2:
              return text[1:-1]
          try:
              return int(text)
          except ValueError:
              return text


      def parse(text):
          sections = {"": {}}
          current = sections[""]
          for number, raw in enumerate(text.splitlines(), 1):
              line = strip_comment(raw).strip()
              if not line:
                  continue
              if line.startswith("["):
                  if not line.endswith("]"):
                      raise SettingsError(number, "section without ]")
                  name = line[1:-1].strip()
                  current = sections.setdefault(name, {})
                  continue
              if "=" not in line:
                  raise SettingsError(number, "no = in line")
              key, value = line.split("=", 1)
              current[key.strip()] = convert(value.strip())
          return sections


      def lookup(sections, section, key, default=None):
          value = sections.get(section, {}).get(key)
          if value is None:
              value = sections[""].get(key)
          if value is None:
              return default
          return value


      def collect(pairs, into=None):
          if into is None:
              into = {}
          for key, value in pairs:
              into.setdefault(key, []).append(value)
          return into
      """#,
      "test_settings.py": #"""
      import unittest

      import settings


      class SettingsTests(unittest.TestCase):
          def test_plain(self):
              self.assertEqual(settings.parse("a = 1\nb = two"), {"": {"a": 1, "b": "two"}})

          def test_sections(self):
              parsed = settings.parse("[x]\na = 1\n[y]\na = 2\n[x]\nb = 3")
              self.assertEqual(parsed, {"": {}, "x": {"a": 1, "b": 3}, "y": {"a": 2}})

          def test_comments(self):
              self.assertEqual(settings.parse("# all\na = 1 # one"), {"": {"a": 1}})

          def test_hash_in_quotes(self):
              self.assertEqual(settings.parse('a = "x # y"'), {"": {"a": "x # y"}})

          def test_equals_in_value(self):
              self.assertEqual(settings.parse("url = http://h/?a=b"), {"": {"url": "http://h/?a=b"}})

          def test_types(self):
              parsed = settings.parse('a = yes\nb = Off\nc = "5"\nd = -3')[""]
              self.assertEqual(parsed, {"a": True, "b": False, "c": "5", "d": -3})

          def test_errors_name_the_line(self):
              with self.assertRaises(settings.SettingsError) as caught:
                  settings.parse("a = 1\nnonsense")
              self.assertEqual(caught.exception.line, 2)

          def test_open_section(self):
              with self.assertRaises(settings.SettingsError):
                  settings.parse("[x")

          def test_lookup(self):
              parsed = settings.parse("a = 1\n[s]\nb = 2")
              self.assertEqual(settings.lookup(parsed, "s", "b"), 2)
              self.assertEqual(settings.lookup(parsed, "s", "a"), 1)
              self.assertEqual(settings.lookup(parsed, "t", "z", 9), 9)

          def test_lookup_of_false(self):
              parsed = settings.parse("a = yes\n[s]\na = no")
              self.assertIs(settings.lookup(parsed, "s", "a"), False)

          def test_collect(self):
              self.assertEqual(settings.collect([("a", 1), ("a", 2)]), {"a": [1, 2]})
              self.assertEqual(settings.collect([("b", 1)]), {"b": [1]})
      """#,
    ],
    bugs: [
      Bug(
        name: "splits at every equals sign", file: "settings.py", correct: #"line.split("=", 1)"#,
        broken: #"line.split("=")"#),
      Bug(
        name: "false counts as absent", file: "settings.py",
        correct: "    if value is None:\n        value = sections",
        broken: "    if not value:\n        value = sections"),
      Bug(
        name: "shared default", file: "settings.py",
        correct: "into=None):\n    if into is None:\n        into = {}\n", broken: "into={}):\n"),
      Bug(
        name: "lines from zero", file: "settings.py", correct: "enumerate(text.splitlines(), 1)",
        broken: "enumerate(text.splitlines())"),
      Bug(
        name: "misspelt exception", file: "settings.py", correct: #"raise SettingsError(number, "no = in line")"#,
        broken: #"raise SettingError(number, "no = in line")"#),
    ])

  static let ledger = Program(
    name: "ledger", runner: .unittest,
    files: [
      "ledger/__init__.py": "from .accounts import Account, InsufficientFunds, Ledger\n",
      "ledger/money.py": #"""
      def cents(text):
          """Cents of an amount such as 12.5 or -3.07."""
          sign = -1 if text.startswith("-") else 1
          whole, _, fraction = text.lstrip("-").partition(".")
          return sign * (int(whole) * 100 + int((fraction + "00")[:2]))


      def show(amount):
          sign = "-" if amount < 0 else ""
          whole, fraction = divmod(abs(amount), 100)
          return "%s%d.%02d" % (sign, whole, fraction)


      def share(amount, parts):
          """Splits an amount so that the parts differ by at most a cent."""
          base, rest = divmod(amount, parts)
          return [base + 1 if index < rest else base for index in range(parts)]
      """#,
      "ledger/accounts.py": #"""
      from .money import cents, show


      class InsufficientFunds(Exception):
          pass


      class Account:
          def __init__(self, name, limit=0):
              self.name = name
              self.limit = limit
              self.entries = []

          @property
          def balance(self):
              return sum(amount for amount, _ in self.entries)

          def book(self, amount, text):
              if self.balance + amount < -self.limit:
                  raise InsufficientFunds(self.name)
              self.entries.append((amount, text))

          def history(self):
              return list(self.entries)

          def statement(self):
              lines = []
              running = 0
              for amount, text in self.entries:
                  running += amount
                  lines.append("%s %s %s" % (text, show(amount), show(running)))
              return "\n".join(lines)


      class Ledger:
          def __init__(self):
              self.accounts = {}

          def open(self, name, limit="0"):
              account = Account(name, cents(limit))
              self.accounts[name] = account
              return account

          def transfer(self, source, target, amount):
              value = cents(amount)
              if value <= 0:
                  raise ValueError("amount must be positive")
              giver = self.accounts[source]
              taker = self.accounts[target]
              giver.book(-value, "to " + target)
              taker.book(value, "from " + source)

          def total(self):
              return sum(account.balance for account in self.accounts.values())

          def poorest(self):
              return min(self.accounts.values(), key=lambda account: account.balance).name
      """#,
      "tests/__init__.py": "",
      "tests/test_ledger.py": #"""
      import unittest

      from ledger import InsufficientFunds, Ledger
      from ledger.money import cents, share, show


      class MoneyTests(unittest.TestCase):
          def test_cents(self):
              self.assertEqual(cents("12"), 1200)
              self.assertEqual(cents("12.5"), 1250)
              self.assertEqual(cents("12.05"), 1205)
              self.assertEqual(cents("-3.07"), -307)

          def test_show(self):
              self.assertEqual(show(1205), "12.05")
              self.assertEqual(show(-307), "-3.07")
              self.assertEqual(show(-7), "-0.07")

          def test_share(self):
              self.assertEqual(share(100, 3), [34, 33, 33])
              self.assertEqual(share(101, 2), [51, 50])
              self.assertEqual(sum(share(9999, 7)), 9999)


      class LedgerTests(unittest.TestCase):
          def setUp(self):
              self.ledger = Ledger()
              self.anna = self.ledger.open("anna", "100")
              self.ben = self.ledger.open("ben")

          def test_transfer(self):
              self.ledger.transfer("anna", "ben", "40")
              self.assertEqual(self.anna.balance, -4000)
              self.assertEqual(self.ben.balance, 4000)
              self.assertEqual(self.ledger.total(), 0)

          def test_limit_can_be_used_up(self):
              self.ledger.transfer("anna", "ben", "100")
              with self.assertRaises(InsufficientFunds):
                  self.ledger.transfer("anna", "ben", "0.01")

          def test_refused_transfer_books_nothing(self):
              with self.assertRaises(InsufficientFunds):
                  self.ledger.transfer("ben", "anna", "1")
              self.assertEqual(self.ben.history(), [])
              self.assertEqual(self.anna.history(), [])

          def test_amounts_are_positive(self):
              for amount in ["0", "-5"]:
                  with self.assertRaises(ValueError):
                      self.ledger.transfer("anna", "ben", amount)

          def test_history_is_a_copy(self):
              self.ledger.transfer("anna", "ben", "1")
              self.anna.history().clear()
              self.assertEqual(len(self.anna.history()), 1)

          def test_statement(self):
              self.ledger.transfer("anna", "ben", "1.50")
              self.ledger.transfer("ben", "anna", "0.25")
              self.assertEqual(self.anna.statement(), "to ben -1.50 -1.50\nfrom ben 0.25 -1.25")

          def test_poorest(self):
              self.ledger.transfer("anna", "ben", "1")
              self.assertEqual(self.ledger.poorest(), "anna")
      """#,
    ],
    bugs: [
      Bug(
        name: "history leaks", file: "ledger/accounts.py", correct: "return list(self.entries)",
        broken: "return self.entries"),
      Bug(
        name: "taker is booked first", file: "ledger/accounts.py",
        correct: "        giver.book(-value, \"to \" + target)\n        taker.book(value, \"from \" + source)\n",
        broken: "        taker.book(value, \"from \" + source)\n        giver.book(-value, \"to \" + target)\n"),
      Bug(
        name: "sign is lost", file: "ledger/money.py", correct: "divmod(abs(amount), 100)",
        broken: "divmod(amount, 100)"),
      Bug(
        name: "statement shows the final balance", file: "ledger/accounts.py",
        correct: "show(amount), show(running)", broken: "show(amount), show(self.balance)"),
      Bug(
        name: "fraction not filled", file: "ledger/money.py", correct: #"int((fraction + "00")[:2])"#,
        broken: #"int(("0" + fraction)[:2])"#),
    ])

  static let routes = Program(
    name: "routes", runner: .unittest,
    files: [
      "routes.py": #"""
      """Shortest routes and orders in directed graphs given as {node: {neighbour: weight}}."""
      import heapq


      class CycleError(Exception):
          pass


      def distances(graph, source):
          best = {source: 0}
          heap = [(0, source)]
          done = set()
          while heap:
              distance, node = heapq.heappop(heap)
              if node in done:
                  continue
              done.add(node)
              for neighbour, weight in graph.get(node, {}).items():
                  candidate = distance + weight
                  if neighbour not in best or candidate < best[neighbour]:
                      best[neighbour] = candidate
                      heapq.heappush(heap, (candidate, neighbour))
          return best


      def reverse(graph):
          result = {node: {} for node in graph}
          for node, edges in graph.items():
              for neighbour, weight in edges.items():
                  result.setdefault(neighbour, {})[node] = weight
          return result


      def order(graph):
          """Nodes so that every edge points forward; ties by name."""
          incoming = {node: 0 for node in graph}
          for edges in graph.values():
              for neighbour in edges:
                  incoming[neighbour] = incoming.get(neighbour, 0) + 1
          ready = sorted(node for node, count in incoming.items() if count == 0)
          result = []
          while ready:
              node = ready.pop(0)
              result.append(node)
              for neighbour in sorted(graph.get(node, {})):
                  incoming[neighbour] -= 1
                  if incoming[neighbour] == 0:
                      ready.append(neighbour)
              ready.sort()
          if len(result) < len(incoming):
              raise CycleError("cycle among %s" % sorted(set(incoming) - set(result)))
          return result


      def reachable(graph, source):
          seen = {source}
          stack = [source]
          while stack:
              for neighbour in graph.get(stack.pop(), {}):
                  if neighbour not in seen:
                      seen.add(neighbour)
                      stack.append(neighbour)
          return seen
      """#,
      "tests/test_routes.py": #"""
      import unittest

      import routes

      GRAPH = {"a": {"b": 7, "c": 2}, "b": {"d": 1}, "c": {"b": 3, "d": 8}, "d": {}}


      class RouteTests(unittest.TestCase):
          def test_distances(self):
              self.assertEqual(routes.distances(GRAPH, "a"), {"a": 0, "b": 5, "c": 2, "d": 6})

          def test_distances_of_leaf(self):
              self.assertEqual(routes.distances(GRAPH, "d"), {"d": 0})

          def test_distances_with_cycle(self):
              self.assertEqual(routes.distances({1: {2: 1}, 2: {1: 1, 3: 4}}, 1), {1: 0, 2: 1, 3: 5})

          def test_reverse(self):
              self.assertEqual(routes.reverse({"a": {"b": 3}, "b": {}}), {"a": {}, "b": {"a": 3}})

          def test_order(self):
              self.assertEqual(routes.order(GRAPH), ["a", "c", "b", "d"])

          def test_order_of_ties(self):
              self.assertEqual(routes.order({"z": {"m": 1}, "b": {}, "y": {}}), ["b", "y", "z", "m"])

          def test_order_mentions_targets(self):
              self.assertEqual(routes.order({"a": {"b": 1}}), ["a", "b"])

          def test_cycle(self):
              with self.assertRaises(routes.CycleError):
                  routes.order({"a": {"b": 1}, "b": {"a": 1}})

          def test_reachable(self):
              self.assertEqual(routes.reachable(GRAPH, "c"), {"b", "c", "d"})
              self.assertEqual(routes.reachable({1: {2: 1}, 2: {1: 1}}, 1), {1, 2})
      """#,
    ],
    bugs: [
      Bug(
        name: "adds up from zero", file: "routes.py", correct: "candidate = distance + weight",
        broken: "candidate = best[source] + weight"),
      Bug(
        name: "never marks", file: "routes.py", correct: "                seen.add(neighbour)\n", broken: ""),
      Bug(
        name: "first road wins", file: "routes.py",
        correct: "if neighbour not in best or candidate < best[neighbour]:", broken: "if neighbour not in best:"),
      Bug(
        name: "unknown target", file: "routes.py", correct: "incoming.get(neighbour, 0) + 1",
        broken: "incoming[neighbour] + 1"),
    ])

  static let wrapping = Program(
    name: "wrapping", runner: .unittest,
    files: [
      "textkit/__init__.py": "from textkit.fill import align, columns, wrap\n",
      "textkit/fill.py": #"""
      def wrap(text, width, indent=""):
          lines = []
          current = indent
          for word in text.split():
              if current.strip() and len(current) + 1 + len(word) > width:
                  lines.append(current)
                  current = indent
              if current.strip():
                  current += " "
              current += word
          if current.strip():
              lines.append(current)
          return lines


      def align(lines, side="left"):
          width = max((len(line) for line in lines), default=0)
          if side == "left":
              return [line.ljust(width) for line in lines]
          if side == "right":
              return [line.rjust(width) for line in lines]
          return [line.center(width) for line in lines]


      def columns(rows, gap=2):
          if not rows:
              return ""
          count = max(len(row) for row in rows)
          widths = [0] * count
          for row in rows:
              for index, cell in enumerate(row):
                  widths[index] = max(widths[index], len(str(cell)))
          lines = []
          for row in rows:
              cells = [str(cell).ljust(widths[index]) for index, cell in enumerate(row)]
              lines.append((" " * gap).join(cells).rstrip())
          return "\n".join(lines)
      """#,
      "tests/test_fill.py": #"""
      import unittest

      from textkit import align, columns, wrap


      class FillTests(unittest.TestCase):
          def test_wrap(self):
              self.assertEqual(wrap("aa bb cc", 5), ["aa bb", "cc"])

          def test_wrap_exact(self):
              self.assertEqual(wrap("aaa bbb", 7), ["aaa bbb"])
              self.assertEqual(wrap("aaa bbb", 6), ["aaa", "bbb"])

          def test_wrap_long_word(self):
              self.assertEqual(wrap("a bbbbbbbb c", 4), ["a", "bbbbbbbb", "c"])

          def test_wrap_indent(self):
              self.assertEqual(wrap("aa bb", 5, "  "), ["  aa", "  bb"])

          def test_wrap_nothing(self):
              self.assertEqual(wrap("   ", 5), [])

          def test_align(self):
              self.assertEqual(align(["a", "bbb"]), ["a  ", "bbb"])
              self.assertEqual(align(["a", "bbb"], "right"), ["  a", "bbb"])
              self.assertEqual(align(["a", "bbb"], "middle"), [" a ", "bbb"])
              self.assertEqual(align([]), [])

          def test_columns(self):
              self.assertEqual(columns([["a", 1], ["bbb", 22]]), "a    1\nbbb  22")

          def test_columns_ragged(self):
              self.assertEqual(columns([["a"], ["b", "c"]]), "a\nb  c")

          def test_columns_empty(self):
              self.assertEqual(columns([]), "")
      """#,
    ],
    bugs: [
      Bug(
        name: "last line is lost", file: "textkit/fill.py",
        correct: "    if current.strip():\n        lines.append(current)\n    return lines", broken: "    return lines"),
      Bug(
        name: "space not counted", file: "textkit/fill.py", correct: "len(current) + 1 + len(word) > width",
        broken: "len(current) + len(word) > width"),
      Bug(
        name: "no lines", file: "textkit/fill.py", correct: "max((len(line) for line in lines), default=0)",
        broken: "max(len(line) for line in lines)"),
      Bug(
        name: "numbers have no length", file: "textkit/fill.py", correct: "max(widths[index], len(str(cell)))",
        broken: "max(widths[index], len(cell))"),
      Bug(
        name: "columns of the first row", file: "textkit/fill.py", correct: "count = max(len(row) for row in rows)",
        broken: "count = len(rows[0])"),
    ])
}
