import Paths
import TestReports
import Testing

/// Projects and commands, recognised from files in memory.
@Suite struct RecognizerTests {
  static func commands(_ files: [String: String]) -> [TestCommand] {
    ProjectRecognizer.recognize(MemoryFiles(contents: files), directory: .root)
  }

  static let projects: [(files: [String: String], shell: String, framework: Framework)] = [
    (["Package.swift": ""], "swift test", .swift),
    (["Cargo.toml": "", "src/lib.rs": ""], "cargo test", .cargo),
    (["go.mod": "module x"], "go test ./...", .go),
    (["package.json": #"{"scripts":{"test":"node --test"}}"#], "npm test", .node),
    (["package.json": #"{"scripts":{"test":"tape 'test/*.js'"}}"#], "npm test", .tap),
    (["package.json": #"{"scripts":{"test":"nyc mocha"}}"#, "yarn.lock": ""], "yarn test", .node),
    (
      ["package.json": #"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#, "a.test.js": ""],
      "node --test", .node
    ),
    (["package.json": "{}", "test/a.js": ""], "node --test", .node),
    (["lib/a.js": "", "test/a.test.js": ""], "node --test", .node),
    (["pom.xml": ""], "mvn -o -q test", .junit),
    (["build.gradle": "", "gradlew": ""], "./gradlew --offline test", .junit),
    (
      ["CMakeLists.txt": "enable_testing()"],
      "cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure", .ctest
    ),
    (["Makefile": "all:\n\tcc x.c\ncheck: all\n\t./t\n"], "make check", .tap),
    (["Makefile": "test:\n\tpython3 -m pytest\n"], "make test", .pytest),
    (["t/a.t": "", "lib/A.pm": ""], "prove -lr t", .tap),
    (["tests/test_a.py": "import pytest\n"], "python3 -m pytest", .pytest),
    (["tests/test_a.py": "def test_a(): pass\n"], "python3 -m pytest", .pytest),
    (["tests/test_a.py": "import unittest\n", "pytest.ini": ""], "python3 -m pytest", .pytest),
    (
      ["tests/test_a.py": "import unittest\n", "pyproject.toml": "[tool.pytest.ini_options]\n"], "python3 -m pytest",
      .pytest
    ), (["tests/test_a.py": "import unittest\n"], "python3 -m unittest discover -s tests", .unittest),
    (
      ["tests/test_a.py": "import unittest\n", "tests/__init__.py": ""], "python3 -m unittest discover -s tests -t .",
      .unittest
    ), (["test_a.py": "import unittest\n", "a.py": ""], "python3 -m unittest discover", .unittest),
    (["test/a_test.py": "import unittest\n"], "python3 -m unittest discover -s test -p '*_test.py'", .unittest),
    (
      ["pkg/__init__.py": "", "pkg/tests/__init__.py": "", "pkg/tests/test_a.py": "import unittest\n"],
      "python3 -m unittest discover -s pkg/tests -t .", .unittest
    ),
    (["manage.py": "import django", "app/tests.py": ""], "python3 manage.py test", .unittest),
    (["tests/test_a.py": "import pytest\n", ".venv/bin/python": ""], ".venv/bin/python -m pytest", .pytest),
    (
      ["src/pkg/__init__.py": "", "tests/test_a.py": "import pytest"], "PYTHONPATH=src python3 -m pytest", .pytest
    ),
    (
      [
        "src/pkg/__init__.py": "", "tests/test_a.py": "import pytest",
        "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = [\"src\"]\n",
      ], "python3 -m pytest", .pytest
    ),
    (
      ["tox.ini": "[testenv]\ncommands = pytest\n", "setup.py": "", "tests/test_a.py": ""], "python3 -m pytest", .pytest
    ),
  ]

  @Test(arguments: projects.indices)
  func project(index: Int) throws {
    let (files, shell, framework) = Self.projects[index]
    let found = try #require(Self.commands(files).first, "\(files)")
    #expect(found.shell == shell)
    #expect(found.framework == framework)
    #expect(found.directory.isRoot)
    #expect(!found.reason.isEmpty)
  }

  @Test func nothingAndSeveral() {
    #expect(Self.commands([:]).isEmpty)
    #expect(Self.commands(["README.md": "tests"]).isEmpty)
    #expect(Self.commands(["tox.ini": "[testenv]\ncommands = true\n"]).isEmpty)
    let both = Self.commands(["Cargo.toml": "", "Makefile": "test:\n\tcargo test\n"])
    #expect(both.map(\.shell) == ["cargo test", "make test"])
    #expect(both.map(\.framework) == [.cargo, .cargo])
    let below = Self.commands(["README": "", "backend/go.mod": "", "web/package.json": #"{"scripts":{"test":"jest"}}"#])
    #expect(below.map { "\($0.directory)" } == ["backend", "web"])
    let inside = ProjectRecognizer.recognize(
      MemoryFiles(contents: ["a/go.mod": "", "b/Cargo.toml": ""]), directory: RepoPath("b") ?? .root)
    #expect(inside.map(\.shell) == ["cargo test"])
    #expect(inside.map(\.directory) == [.root])
  }

  @Test func setups() {
    #expect(
      Self.commands(["package.json": #"{"scripts":{"test":"x"}}"#, "package-lock.json": ""]).first?.setup == "npm ci")
    #expect(
      Self.commands(["test_a.py": "import pytest", "requirements.txt": ""]).first?.setup
        == "python3 -m pip install -r requirements.txt")
    #expect(
      Self.commands([
        "test_a.py": "", "pyproject.toml": "[project]\n[project.optional-dependencies]\ntest = [\"pytest\"]\n",
      ]).first?.setup == "python3 -m pip install -e '.[test]'")
  }

  static let shells: [(shell: String, framework: Framework)] = [
    ("python -m pytest -q tests", .pytest), ("pytest", .pytest), ("cd x && poetry run pytest -q", .pytest),
    ("coverage run -m pytest", .pytest), ("python -W error -m pytest", .pytest),
    ("env FOO=1 timeout 60 python3.11 -m unittest", .unittest), ("python3 setup.py test", .unittest),
    ("python run_tests.py", .unittest), ("python all.py", .pytest), ("tox -e py", .pytest),
    ("bash -c 'pip list && python -m pytest'", .pytest), ("swift build && swift test --parallel", .swift),
    ("go vet ./... && go test ./...", .go), ("RUSTFLAGS=-g cargo test --all", .cargo), ("cargo build", .exitStatus),
    ("node --test test/", .node), ("npm test", .node), ("npm run unit", .tap), ("npx jest", .node),
    ("yarn test", .node),
    ("mvn -q test", .junit), ("./gradlew test", .junit), ("make && ctest --test-dir build", .ctest),
    ("make check", .tap), ("make py", .pytest), ("make nested", .unittest), ("make -C sub test", .cargo),
    ("prove -l t", .tap), ("r=0; for f in test/*.js; do node $f || r=1; done; exit $r", .tap), ("./ci.sh", .go),
    ("sh scripts/test.sh", .cargo), ("true", .exitStatus), ("", .exitStatus), ("'", .exitStatus), ("$(((", .exitStatus),
    ("if true; then pytest; fi", .pytest), ("pytest 2>&1 | tee log", .pytest), ("just unit", .pytest),
    ("xvfb-run -a pytest", .pytest), ("uv run --frozen pytest -x", .pytest),
  ]

  @Test(arguments: shells.indices)
  func named(index: Int) {
    let files = MemoryFiles(contents: [
      "package.json": #"{"scripts":{"test":"npm run lint && node --test","unit":"tape test/*.js","lint":"eslint ."}}"#,
      "Makefile": """
      PY ?= python3
      all: build
      check:
      \t./check
      py: all
      \t@$(PY) -m pytest -q
      nested: inner
      inner:
      \t$(PY) -m unittest
      """, "sub/Makefile": "test:\n\tcargo test\n", "run_tests.py": "import unittest\nunittest.main()\n",
      "all.py": "import pytest\npytest.main()\n", "tox.ini": "[testenv]\ncommands = pytest {posargs}\n",
      "ci.sh": "#!/bin/bash\nset -e\ngo test ./...\n", "scripts/test.sh": "cargo build\ncargo test\n",
      "justfile": "unit:\n    pytest -q\n",
    ])
    let (shell, framework) = Self.shells[index]
    let command = TestCommand.named(shell, directory: .root, files: files)
    #expect(command.framework == framework, "\(shell): \(command.reason)")
    #expect(command.shell == shell)
  }

  @Test func wrappersThatLoop() {
    let files = MemoryFiles(contents: [
      "package.json": #"{"scripts":{"test":"npm test"}}"#, "a.sh": "./a.sh\n", "Makefile": "test: test\n\tmake test\n",
    ])
    for shell in ["npm test", "./a.sh", "make test"] {
      _ = TestCommand.named(shell, directory: .root, files: files)
    }
  }
}
