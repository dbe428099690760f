/// Many patches in one build, of which a variable of the environment chooses one: the same command for each, without a build
/// in between.
extension TestCommand {
  /// How to build and run the tests once, with the code as it is, in a workspace whose files hold many patches.
  ///
  /// Compilers are asked for all errors where they would stop at the first ones.
  /// - Parameters:
  ///   - nonce: a fresh random text of this run; the evidence is given the same.
  ///   - skipsCompilers: whether what compiles and links does nothing: a trial, in a workspace that was built, of whether
  ///     commands that build every time can do without.
  ///   - note: a variable by which the programs that the command starts note how they were started, among the results.
  public func switchedBuildPlan(nonce: String, skipsCompilers: Bool = false, note: String? = nil) -> RunPlan {
    var plan = plan(nonce: nonce)
    Self.prepareForSwitching(&plan)
    if let note, !deletesPrograms {
      let directory = "\(RunPlan.resultsDirectory)/\(StartedPrograms.directory)"
      plan.environment[note] = directory
      plan.shell = "mkdir -p \(directory)\n\(plan.shell)"
    }
    if note != nil, mayRunCompilers { plan.shell = "\(Self.quickCompilers)\n\(plan.shell)" }
    if skipsCompilers { plan.shell = Self.skippingCompilers + "\n" + plan.shell }
    return plan
  }

  /// How to run this command once for each patch of such a build, from a shell. What comes of it is read by
  /// ``series(from:narrow:)``, and is no proof.
  /// - Parameters:
  ///   - nonce: a fresh random text of this run; the evidence is given the same.
  ///   - variable: what chooses the patch; 0 is the code as it is.
  ///   - numbers: the variable's value for each patch, in the order of trial.
  ///   - narrow: a command for the tests that each patch is tried with first; nil to run all at once.
  ///   - programs: what the build's run left by its `note`. Those programs that fail are started by themselves for each patch,
  ///     instead of `narrow`, and the command only where they succeed: then this command reads for ``series(from:narrow:)``
  ///     what they say. Nil to start the command.
  ///   - skipsCompilers: as for ``switchedBuildPlan(nonce:skipsCompilers:)``.
  ///   - patience: how many times the usual time a patch may take.
  ///   - controlSeconds: what the code as it is may take.
  ///   - seconds: when to begin with no further patch.
  ///   - stopsAtFirst: whether what follows the first patch with which all succeeds is left untried.
  /// - Returns: nil when the two commands need different environments.
  public func switchedPlan(
    nonce: String, variable: String, numbers: [(patch: Int, number: Int)], narrow: TestCommand?,
    programs: StartedPrograms? = nil, skipsCompilers: Bool = false, patience: Double = 1, controlSeconds: Double = 600,
    seconds: Double = 86_400,
    stopsAtFirst: Bool
  ) -> RunPlan? {
    var plan = plan(nonce: nonce)
    let first = narrow?.plan(nonce: nonce)
    if let first, first.environment != plan.environment { return nil }
    Self.prepareForSwitching(&plan)
    var script = Self.switchedFunctions
    if let programs {
      script += startingPrograms(programs, nonce: nonce)
      for (name, content) in programs.files { plan.adaptorFiles["\(StartedPrograms.directory)/\(name)"] = content }
    } else {
      script += Self.startingCommands
    }
    var names = ["base", "basen"]
    for (patch, number) in numbers {
      names += first == nil && programs == nil ? ["\(patch)"] : ["\(patch)n", "\(patch)"]
      script += "begin || exit 0; export \(variable)=\(number); try \(patch)"
      script += stopsAtFirst ? "; [ $PASSED = 1 ] && exit 0\n" : "\n"
    }
    script += ": > $R/series/end\n"
    script = "mkdir -p \(names.map { "$R/series/\($0)" }.joined(separator: " "))\nexport \(variable)=0\n" + script
    plan.adaptorFiles["switched.sh"] = Array(script.utf8)
    plan.shell = """
      \(Self.settings(of: &plan, first, nonce: nonce, patience: patience, controlSeconds: controlSeconds, seconds: seconds))
      \(skipsCompilers ? Self.skippingCompilers : programs != nil && mayRunCompilers ? Self.quickCompilers : ":")
      . $A/switched.sh
      """
    return plan
  }

  /// How to build and run the tests once, one after another, in a workspace whose files note what runs.
  /// - Parameters:
  ///   - nonce: a fresh random text of this run; the evidence is given the same.
  ///   - events: the variable with the path of the file for the notes.
  ///   - output: the variable with the path of the file that the output goes to first.
  public func notedPlan(nonce: String, events: String, output: String) -> RunPlan {
    var plan = plan(nonce: nonce)
    Self.prepareForSwitching(&plan)
    let directory = "\(RunPlan.resultsDirectory)/\(Self.notes)"
    plan.environment[events] = "\(directory)/events"
    plan.environment[output] = "\(directory)/output"
    // A thread for each test has its name.
    plan.environment["RUST_TEST_THREADS"] = "2"
    plan.environment["CTEST_PARALLEL_LEVEL"] = "1"
    plan.environment["GOFLAGS"] = (plan.environment["GOFLAGS"] ?? "") + " -parallel=1 -count=1"
    var shell = plan.shell
    if framework == .swift, !shell.contains("parallel") {
      shell = Self.inserting(" --no-parallel", after: ["swift", "test"], in: shell) ?? shell
    }
    plan.shell = """
      mkdir -p \(directory)
      (
      \(shell)
      ) > \(directory)/output 2>&1
      s=$?; cat \(directory)/output; exit $s
      """
    return plan
  }

  /// What a run by ``notedPlan(nonce:events:output:)`` noted and printed.
  public static func noted(in results: [String: [UInt8]]) -> (events: [UInt8], output: [UInt8]) {
    (results["\(notes)/events"] ?? [], results["\(notes)/output"] ?? [])
  }

  private static let notes = "notes"

  /// Whether the command may start compilers for C by their names.
  private var mayRunCompilers: Bool { [.tap, .exitStatus, .ctest].contains(framework) }

  /// Compilers that leave out what takes most of their time where functions hold many patches. What passes has to pass in the
  /// project's own build.
  private static let quickCompilers = """
    mkdir -p /tmp/quick; for c in cc gcc c99 clang c++ g++ clang++; do
    p=$(command -v $c) || continue
    printf '#!/bin/sh\\nexec %s "$@" -O0 -g0 -w\\n' "$p" > /tmp/quick/$c; chmod 755 /tmp/quick/$c
    done; PATH=/tmp/quick:$PATH; export PATH
    """

  /// Programs that a makefile may start for every run although nothing has changed.
  private static let skippingCompilers = """
    mkdir -p /tmp/skipped; for c in cc gcc c99 clang c++ g++ clang++ javac ar ranlib; do ln -sf /bin/true /tmp/skipped/$c; done; \
    PATH=/tmp/skipped:$PATH; export PATH
    """

  private static func prepareForSwitching(_ plan: inout RunPlan) {
    let flags = [plan.environment["GOFLAGS"], "-gcflags=-e", "-vet=off"].compactMap { $0 }
    plan.environment["GOFLAGS"] = flags.joined(separator: " ")
    // To resolve the names in a trace takes longer than most tests.
    if plan.environment["RUST_BACKTRACE"] != nil { plan.environment["RUST_BACKTRACE"] = "0" }
    plan.environment["JDK_JAVAC_OPTIONS"] = "-Xmaxerrs 10000 -Xmaxwarns 10000"
    // Programs that end after a moment gain nothing from what makes long ones fast.
    plan.environment["JAVA_TOOL_OPTIONS"] =
      "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -XX:-UsePerfData -XX:-DontCompileHugeMethods"
  }

  /// `one COMMAND NAME` runs a command, and `begin` says whether there is time left. As few programs as can be are started:
  /// they are what the time goes into. Time is read in hundredths of a second.
  private static let switchedFunctions = """
    now() { read -r T rest < /proc/uptime; T=${T%.*}${T#*.}; }
    now; UNTIL=$((T + 100 * SECONDS_LEFT)); TRIED=0
    begin() { now; [ $T -lt $UNTIL ]; }
    keep() {
      for f in $R/*; do [ "$f" = $R/series ] || [ ! -e "$f" ] || mv "$f" $d/; done
      echo $s > $d/status
      TRIED=$((TRIED + 1))
      if [ $((TRIED % 16)) = 0 ]; then find $R/series -name out -size +1000k -exec truncate -s 1000000 {} +; fi
    }
    one() {
      d=$R/series/$2
      ( ulimit -t $((${LIMIT%.*} + 1)) && exec timeout -k 1 $LIMIT /bin/sh $A/$1.sh ) < /dev/null > $d/out 2>&1
      s=$?
      if [ -s $R/$W ]; then
        n=0
        while IFS= read -r f && [ $n -lt 50 ]; do
          n=$((n + 1)); mkdir -p "$d/files/${f%/*}" && head -c 1000000 "$f" > "$d/files/$f"
        done < $R/$W
      fi
      keep
    }
    limit() { now; l=$((PATIENCE * (30 + $1 * (T - t)))); LIMIT=$((l / 100)).$(printf %02d $((l % 100))); }

    """

  /// `try NAME` runs the named tests, when there are any, and all when those pass.
  private static let startingCommands = """
    try() {
      PASSED=0
      if [ $N = 1 ]; then
        one narrow $1n
        [ $s = 0 ] || return
      fi
      one all $1
      [ $s = 0 ] && PASSED=1
    }
    if [ $N = 1 ]; then one narrow basen; fi
    now; t=$T
    if [ $N = 1 ]; then one narrow basen; fi
    one all base
    limit 6

    """

  /// `try NAME` starts the programs that failed, and the command when those succeed. They were noted in a run of the command:
  /// the outermost of them, each with its directory, words and environment.
  private func startingPrograms(_ programs: StartedPrograms, nonce: String) -> String {
    let base = """
      \(programs.note)=$P; export \(programs.note)
      now; t=$T
      one all base
      unset \(programs.note)
      limit 6
      """
    let copy = "cp $A/\(StartedPrograms.directory)/* $P/"
    return #"""
      P=/tmp/programs; mkdir -p $P
      quote() { sed "s/'/'\\\\''/g; s/^/'/; s/$/'/"; }
      noted() {
        PROGRAMS=; n=0
        for f in $P/*.cmd; do
          [ -s "$f" ] || continue
          b=${f%.cmd}
          [ -e $P/$(sed -n 's/^PPid:[^0-9]*//p' $b.status).cmd ] && continue
          n=$((n + 1)); [ $n -le 40 ] || break
          {
            tr '\0' '\n' < $b.env | grep '^[A-Za-z_][A-Za-z0-9_]*=' | grep -v '^CODEAGENT_\|^PWD=\|^_=' |
              sed "s/'/'\\\\''/g; s/=/='/; s/$/'/; s/^/export /"
            echo "cd $(quote < $b.cwd)"
            echo "echo '     Running started again ('$(quote < $b.exe)')'"
            echo "exec $(quote < $b.exe) $(tr '\0' '\n' < $b.cmd | tail -n +2 | \#(framework == .go ? Self.goWords : "cat") | quote | tr '\n' ' ')"
          } > $b.sh
          \#(framework == .go ? Self.goPackage : ":")
          PROGRAMS="$PROGRAMS $b"
        done
      }
      start() {
        d=$R/series/$2; s=0; : > $d/out
        for p in $1; do
          ( ulimit -t $CPU; . $p.sh ) < /dev/null >> $d/out 2>&1
          r=$?
          if [ $r != 0 ]; then FAILED="$FAILED $p"; if [ $s = 0 ]; then s=$r; fi; fi
          if [ -e $p.end ]; then read -r line < $p.end; echo "$line" >> $d/out; fi
        done
        keep
      }
      try() {
        PASSED=0
        start "$PROGRAMS" $1n
        [ $s = 0 ] || return
        one all $1
        [ $s = 0 ] && PASSED=1
      }
      \#(deletesPrograms ? base : copy)
      G=$R/series/base/\#(AdaptorResults.goFile(nonce))
      noted
      CPU=$((${LIMIT%.*} + 1)); FAILED=
      start "$PROGRAMS" basen
      PROGRAMS=$FAILED
      [ -n "$PROGRAMS" ] || exit 0
      now; t=$T; FAILED=
      start "$PROGRAMS" basen
      now; l=$((PATIENCE * (30 + 8 * (T - t)))); CPU=$((l / 100 + 1))
      \#(programs.limit)=$((l * 10)); export \#(programs.limit)

      """#
  }

  /// `go test` deletes the programs that it built when they have run.
  private var deletesPrograms: Bool { framework == .go }

  /// Plain text is asked for instead of what is made for `go test`, and no file in its directory.
  private static let goWords = "sed '/^-test.testlogfile=/d; s/^-test.v=test2json$/-test.v=true/'"

  /// The line that `go test` closes a package with: its name follows from the directory.
  private static let goPackage = """
    while read -r module directory; do
      read -r here < $b.cwd
      case $here in "$directory"|"$directory"/*) printf 'FAIL\\t%s\\t0.001s\\n' "$module${here#"$directory"}" > $b.end;; esac
    done < $G
    """
}

/// How programs that a test command started can be started again.
public struct StartedPrograms: Sendable {
  /// Where they are among a run's results.
  static let directory = "programs"

  /// The variable by which programs note how they were started.
  public var note: String
  /// The variable with the milliseconds that they may take.
  public var limit: String
  /// What they noted, by its name.
  public var files: [String: [UInt8]]

  /// Reads what programs noted from the results of a run.
  public init(note: String, limit: String, results: [String: [UInt8]]) {
    self.note = note
    self.limit = limit
    files = [:]
    for (name, content) in results where name.hasPrefix("\(Self.directory)/") && content.count < 1 << 20 {
      let name = name.dropFirst(Self.directory.count + 1)
      // Numbers of processes and what is noted of each.
      if name.utf8.allSatisfy({ $0 == 0x2e || (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) }) {
        files[String(name)] = content
      }
    }
  }
}
