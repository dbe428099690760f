import Paths
import TestReports
import TestSupport
import Testing

/// JUnit XML from Maven, Gradle and others.
@Suite struct JUnitTests {
  static func report(_ files: [String: String], output: String = "", status: Int32? = 1) -> TestReport {
    var reports: [RepoPath: [UInt8]] = [:]
    for (name, text) in files { if let path = RepoPath(name) { reports[path] = Array(text.utf8) } }
    return TestCommand(shell: "mvn -o -q test", framework: .junit, reason: "").report(
      from: RunEvidence(
        output: Array(output.utf8), exitStatus: status, projectRoot: Array("/p".utf8), reportFiles: reports, nonce: "n")
    )
  }

  static let surefire = """
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="com.acme.LedgerTest" time="0.05" tests="5" errors="1" skipped="1" failures="1">
      <properties><property name="java.version" value="17&quot;"/></properties>
      <testcase name="adds" classname="com.acme.LedgerTest" time="1,001.002"/>
      <testcase name="subtracts &lt;x&gt;" classname="com.acme.LedgerTest" time="0.002">
        <failure message="expected: &lt;3&gt; but was: &lt;-1&gt;" type="org.opentest4j.AssertionFailedError"><![CDATA[org.opentest4j.AssertionFailedError: expected: <3> but was: <-1>
    	at org.junit.jupiter.api.AssertionUtils.fail(AssertionUtils.java:55)
    	at com.acme.Ledger.check(Ledger.java:42)
    	at com.acme.LedgerTest.subtracts(LedgerTest.java:17)
    	at java.base/java.lang.reflect.Method.invoke(Method.java:568)
    ]]></failure>
        <system-out><![CDATA[ok 1 - not a test]]></system-out>
      </testcase>
      <testcase name="breaks" classname="com.acme.LedgerTest" time="0.002">
        <error type="java.lang.NullPointerException">java.lang.NullPointerException
    	at com.acme.Ledger.post(Ledger.java:12)
    	at com.acme.LedgerTest.breaks(LedgerTest.java:23)
    </error>
      </testcase>
      <testcase name="later" classname="com.acme.LedgerTest" time="0"><skipped message="not yet"/></testcase>
      <testcase name="flaky" classname="com.acme.LedgerTest" time="0"><flakyFailure message="once">x</flakyFailure></testcase>
      <testcase name="each(int)[1]" classname="com.acme.LedgerTest" time="0"/>
      <testcase name="each(int)[1]" classname="com.acme.LedgerTest" time="0"/>
    </testsuite>
    """

  @Test func maven() throws {
    let report = Self.report(["core/target/surefire-reports/TEST-com.acme.LedgerTest.xml": Self.surefire])
    #expect(!report.isIncomplete, "\(report.incompleteReason ?? "")")
    let name = "com.acme.LedgerTest::"
    #expect(report.names(.passed) == ["adds", "flaky", "each(int)[1]", "each(int)[1]#2"].map { name + $0 })
    #expect(report.names(.failed) == [name + "subtracts <x>"])
    #expect(report.names(.errored) == [name + "breaks"])
    #expect(report.names(.skipped) == [name + "later"])
    #expect(report[name + "adds"]?.duration == 1001.002)
    let failure = try #require(report[name + "subtracts <x>"])
    #expect(failure.message == "org.opentest4j.AssertionFailedError: expected: <3> but was: <-1>")
    #expect(
      failure.trace.map { "\($0.path):\($0.line)" } == [
        "core/src/test/java/com/acme/LedgerTest.java:17", "core/src/main/java/com/acme/Ledger.java:42",
      ])
    #expect(report[name + "breaks"]?.location?.line == 12)
    let located = report.locating(in: MemoryFiles(contents: ["core/src/com/acme/Ledger.java": ""]))
    #expect(located[name + "breaks"]?.location.map { "\($0.path)" } == "core/src/com/acme/Ledger.java")
    #expect(located[name + "breaks"]?.trace.count == 1)
  }

  @Test func otherWriters() {
    let report = Self.report([
      "junit.xml": """
      <testsuites name="jest tests"><testsuite name="sum"><testcase classname="" name="adds" file="test/sum.js" line="4">
      <failure>Error: no
          at Object.fn (/p/test/sum.js:5:9)</failure></testcase></testsuite></testsuites>
      """,
      "build/test-results/test/TEST-x.xml": "<testsuite name='X'><testcase name='a' classname='X'/></testsuite>",
    ])
    #expect(report.tests.map(\.name) == ["X::a", "adds"])
    #expect(report["adds"]?.location.map { "\($0.path):\($0.line)" } == "test/sum.js:5")
  }

  /// A makefile that compiles, runs and reports: what a run left earlier is not taken for this one's.
  @Test func reportsOfThisRunOnly() async throws {
    let project = try Project([
      "Makefile": "test:\n\tmkdir -p build/test-results\n\tcp made.xml build/test-results/TEST-a.xml\n\tfalse\n",
      "made.xml": Self.surefire,
      "build/test-results/TEST-old.xml": "<testsuite name='X'><testcase name='old' classname='X'/></testsuite>",
    ])
    let report = try await project.report("sleep 0.02; make test")
    #expect(report["X::old"] == nil)
    #expect(report.failing.count == 2)
    #expect(report.isNamed && !report.isIncomplete, "\(report.incompleteReason ?? "")")
    try project.directory.write("p/Makefile", "test:\n\tfalse\n")
    let nothing = try await project.report("make test; exit 3")
    #expect(!nothing.isNamed)
    #expect(nothing.exitStatus == 3)
  }

  @Test func cutReport() {
    let half = String(Self.surefire.prefix(900))
    let report = Self.report(["target/surefire-reports/a.xml": half])
    #expect(report.isIncomplete)
    #expect(report.passing.contains("com.acme.LedgerTest::adds"))
  }

  @Test func buildErrorsAndStartFailures() {
    let build = Self.report(
      [:],
      output: """
        [ERROR] COMPILATION ERROR :
        [ERROR] /p/src/main/java/com/acme/Ledger.java:[10,5] cannot find symbol
          symbol:   variable balanc
        """)
    #expect(build.buildErrors.map(\.message) == ["cannot find symbol"])
    #expect(build.buildErrors.first?.location?.line == 10)
    #expect(build.startFailure == nil)
    let offline = Self.report(
      [:],
      output:
        "[ERROR] Plugin org.apache.maven.plugins:maven-resources-plugin:3.3.1 or one of its dependencies could not be "
        + "resolved: Cannot access central (https://repo.maven.apache.org/maven2) in offline mode\n")
    #expect(offline.startFailure?.missing == "org.apache.maven.plugins:maven-resources-plugin:3.3.1")
    let gradle = Self.report([:], output: "sh: 1: gradle: not found\n", status: 127)
    #expect(gradle.startFailure?.missing == "gradle")
    let silent = Self.report([:], output: "BUILD FAILED\n")
    #expect(!silent.isNamed)
    #expect(silent.failing == ["mvn -o -q test"])
  }
}
