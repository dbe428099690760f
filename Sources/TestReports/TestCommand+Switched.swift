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
  public func switchedBuildPlan(nonce: String, skipsCompilers: Bool = false) -> RunPlan {
    var plan = plan(nonce: nonce)
    Self.prepareForSwitching(&plan)
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
  ///   - skipsCompilers: as for ``switchedBuildPlan(nonce:skipsCompilers:)``.
  ///   - patience: how many times the usual time a patch may take.
  ///   - controlSeconds: what the code as it is may take.
  ///   - seconds: when to begin with no further patch.
  ///   - stopsAtFirst: whether what follows the first patch with which all succeeds is left untried.
  /// - Returns: nil when the two commands need different environments.
  public func switchedPlan(
    nonce: String, variable: String, numbers: [(patch: Int, number: Int)], narrow: TestCommand?,
    skipsCompilers: Bool = false, patience: Double = 1, controlSeconds: Double = 600, seconds: Double = 86_400,
    stopsAtFirst: Bool
  ) -> RunPlan? {
    var plan = plan(nonce: nonce)
    let first = narrow?.plan(nonce: nonce)
    if let first, first.environment != plan.environment { return nil }
    Self.prepareForSwitching(&plan)
    var script = Self.switchedFunctions
    var names = ["base", "basen"]
    for (patch, number) in numbers {
      names += first == nil ? ["\(patch)"] : ["\(patch)n", "\(patch)"]
      script += "begin || exit 0; export \(variable)=\(number); try \(patch)"
      script += stopsAtFirst ? "; [ $PASSED = 1 ] && exit 0\n" : "\n"
    }
    script += ": > $R/series/end\n"
    script = "mkdir -p \(names.map { "$R/series/\($0)" }.joined(separator: " "))\nexport \(variable)=0\n" + script
    plan.adaptorFiles["switched.sh"] = Array(script.utf8)
    plan.shell = """
      \(Self.settings(of: &plan, first, nonce: nonce, patience: patience, controlSeconds: controlSeconds, seconds: seconds))
      \(skipsCompilers ? Self.skippingCompilers : ":")
      . $A/switched.sh
      """
    return plan
  }

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

  /// `try NAME` runs the named tests, when there are any, and all when those pass; `begin` says whether there is time left.
  /// It starts as few programs as can be: they are what the time goes into. Time is read in hundredths of a second.
  private static let switchedFunctions = """
    now() { read -r T rest < /proc/uptime; T=${T%.*}${T#*.}; }
    now; UNTIL=$((T + 100 * SECONDS_LEFT)); TRIED=0
    begin() { now; [ $T -lt $UNTIL ]; }
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
      for f in $R/*; do [ "$f" = $R/series ] || mv "$f" $d/; done
      echo $s > $d/status
      TRIED=$((TRIED + 1))
      if [ $((TRIED % 16)) = 0 ]; then find $R/series -name out -size +1000k -exec truncate -s 1000000 {} +; fi
    }
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
    now; l=$((PATIENCE * (30 + 6 * (T - t)))); LIMIT=$((l / 100)).$(printf %02d $((l % 100)))

    """
}
