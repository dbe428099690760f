import Access
import AuditTrail
import Conversation
import Glibc
import JSON
import Sandbox
import Synchronization
import TestSupport
import Testing

@testable import Agent

/// How a run holds its commands: every program and connection passes the gate, and the record has them.
@Suite struct SandboxTests {
  private let finish = Script.call("finish", ["outcome": "cannot_be_done", "summary": "no"])

  private func policy(_ text: String) -> @Sendable (inout RunServices) throws -> Void {
    { services in
      var sources = PolicySources()
      let identity = services.model.identity
      sources.chosenModels = ["\(identity.provider)/\(identity.name)"]
      sources.policies = [PolicyFile(layer: .organisation, name: "test.cedar", text: text)]
      services.authorizer = try CedarAuthorizer(sources)
    }
  }

  private func events(_ rig: Rig, _ kind: EventKind) throws -> [JSONValue] {
    try rig.events().events.filter { $0.kind == kind.rawValue }.map(\.fields)
  }

  /// What the model was told about its only command.
  private func told(_ script: Script) -> String { script.requests.flatMap(\.results).map(\.output).joined() }

  @Test func promisesAreTriedAndProgramsRecorded() async throws {
    let rig = try Rig(Calculator.files)
    let script = Script([Script.shell("env printf %s made; exit 3"), finish])
    _ = try await rig.run(script, task: "look")
    let tried = try #require(try events(rig, .sandbox).first)
    #expect(tried["level"] == "full" && tried["holds"] == true && tried["watch"] == "recorded")
    #expect(script.requests.allSatisfy { $0.tools.contains { $0.description.contains("There is no network.") } })
    #expect(tried["network"] == "off" && (tried["checks"]?.array?.count ?? 0) > 8)
    let intent = try #require(
      try rig.events().events.first { $0.fields["effect"] == "execute" && $0.fields["purpose"] == "tool" })
    let programs = try events(rig, .program).filter { $0["within"]?.int == intent.sequence }
    let shell = try #require(programs.first)
    #expect(shell["calledAs"] == "/bin/sh" && shell["exit"] == 3 && shell["parent"] == 0 && shell["number"] == 1)
    #expect(shell["argv"] == ["/bin/sh", "-c", "env printf %s made; exit 3"])
    #expect(programs.contains { $0["program"] == "/usr/bin/printf" && $0["exit"] == 0 && $0["peakBytes"] != nil })
    let outcome = try #require(
      try events(rig, .effectOutcome).first { $0["intent"]?.int == intent.sequence })
    #expect(outcome["executed"]?["total"]?.int == programs.count && outcome["executed"]?["denied"] == 0)
  }

  @Test func whatIsForbiddenDoesNotRunAndTheResultSaysWhy() async throws {
    let rig = try Rig(Calculator.files)
    let script = Script([
      Script.shell("env id; timeout 5 id; echo $(id); cp $(command -v id) x; ./x; echo over"), finish,
    ])
    _ = try await rig.run(
      script, task: "look",
      change: policy(
        #"@id("who") forbid (principal, action == Action::"execute", resource) when { resource.name == "id" };"#))
    #expect(told(script).contains("over") && !told(script).contains("uid="), "\(told(script))")
    #expect(told(script).contains("was not started: forbidden by organisation/test/who"), "\(told(script))")
    #expect(try events(rig, .sandbox).first?["watch"] == "asked")
    let denied = try events(rig, .program).filter { $0["deniedBy"] == "organisation/test/who" }
    #expect(denied.count == 4 && denied.allSatisfy { $0["signal"]?.int == 9 }, "\(denied)")
    let decisions = try events(rig, .decision)
    #expect(decisions.count == 4 && decisions.allSatisfy { $0["rules"] == ["organisation/test/who"] })
  }

  @Test func recordIsBounded() async throws {
    let rig = try Rig(Calculator.files)
    let script = Script([Script.shell("for i in 1 2 3 4 5 6 7 8 9; do /bin/true; done"), finish])
    _ = try await rig.run(script, task: "look", change: { $0.sandboxTerms.recorded = 4 })
    let outcomes = try events(rig, .effectOutcome).compactMap { $0["executed"] }
    #expect(outcomes.allSatisfy { ($0["recorded"]?.int ?? 5) <= 4 })
    let last = try #require(
      outcomes.last { $0["counts"]?.object?.members.contains { $0.name.hasSuffix("/true") } ?? false })
    #expect(last["total"] == 10 && last["recorded"] == 4)
  }

  @Test func watchCanBeSwitchedOffWhereNoRuleNeedsIt() async throws {
    let rig = try Rig(Calculator.files)
    let script = Script([Script.shell("echo options:$LSAN_OPTIONS"), finish])
    _ = try await rig.run(script, task: "look", change: { $0.sandboxTerms.watchesPrograms = false })
    #expect(told(script).contains("options:\n"), "\(told(script))")
    #expect(try events(rig, .sandbox).first?["watch"] == "off" && events(rig, .program).isEmpty)

    let other = try Rig(Calculator.files)
    let rule = policy(
      #"@id("x") forbid (principal, action == Action::"execute", resource) when { resource.name == "id" };"#)
    let failure = await #expect(throws: RunFailure.self) {
      _ = try await other.run(
        Script([finish]), task: "look",
        change: {
          try rule(&$0)
          $0.sandboxTerms.watchesPrograms = false
        })
    }
    #expect(failure?.kind == .policy)
  }

  /// A rule that wants approval of a program makes it wait for the person, who is asked once for the same thing.
  @Test func programsWaitForApprovalWhereAPersonCanBeAsked() async throws {
    let rule = policy(
      #"""
      @id("ask") @reason("who am I") forbid (principal, action == Action::"execute", resource)
      when { resource.name == "id" } unless { context.approved };
      """#)
    for answer in [true, false, nil] {
      let rig = try Rig(Calculator.files)
      let asked = Mutex<[String]>([])
      let script = Script([Script.shell("id -u > a; id -u >> a; wc -l < a; id -g; echo over"), finish])
      let approver: Gate.Approver = { request in
        guard case .start(let program, let arguments) = request.effect else { return [] }
        asked.withLock { $0.append(String(decoding: program + arguments.joined(separator: [0x20]), as: UTF8.self)) }
        guard answer == true else { return [] }
        return [Approval(action: request.action, person: "p", evidence: "test", expires: Int64(time(nil)) + 60)]
      }
      _ = try await rig.run(
        script, task: "look",
        change: { services in
          try rule(&services)
          services.approver = answer == nil ? nil : approver
        })
      let said = told(script)
      #expect(said.contains("over"), "\(said)")
      switch answer {
      case true:
        #expect(said.hasPrefix("2\n") && !said.contains("was not started"), "\(said)")
        #expect(asked.withLock { $0 } == ["/usr/bin/idid -u", "/usr/bin/idid -g"])
        let approvals = try events(rig, .approval)
        #expect(approvals.count == 2 && approvals.first?["effect"]?["program"] == "/usr/bin/id", "\(approvals)")
      case false:
        #expect(said.contains("\n0\n") && said.contains("nobody has given it"), "\(said)")
        #expect(asked.withLock { $0 } == ["/usr/bin/idid -u", "/usr/bin/idid -g"])
      default:
        #expect(
          said.contains("\n0\n") && said.contains("wants a person's approval; nobody can be asked here"), "\(said)")
      }
      if answer != true { #expect(try events(rig, .decision).allSatisfy { $0["decision"] == "needsApproval" }) }
    }
  }

  @Test func connectionsPassTheGate() async throws {
    let rig = try Rig(Calculator.files)
    let server = try LoopbackServer { _, connection in
      try connection.send(
        Array("HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\ngreeting".utf8))
      connection.close()
    }
    let program = """
      import http.client
      for place in ('127.0.0.1:\(server.port)', '127.0.0.1:1', 'h.invalid'):
          asking = http.client.HTTPConnection('127.0.0.1', 3128)
          asking.request('GET', 'http://%s/' % place)
          print(asking.getresponse().read())
      """
    try rig.directory.write("project/ask.py", program)
    let script = Script([Script.shell("/usr/bin/python3 ask.py"), finish])
    _ = try await rig.run(
      script, task: "look",
      change: policy(
        """
        @id("here") permit (principal, action == Action::"connect", resource)
        when { resource.name == "127.0.0.1" && resource.port == \(server.port) };
        """))
    #expect(told(script).contains("greeting"), "\(told(script))")
    #expect(try events(rig, .sandbox).first?["network"] == "by policy")
    let connections = try events(rig, .connection)
    #expect(connections.map { $0["port"]?.int } == [server.port, 1, 80], "\(connections)")
    #expect((connections.first?["receivedBytes"]?.int ?? 0) > 8 && connections.first?["refusal"] == .null)
    #expect(connections.dropFirst().allSatisfy { $0["refusal"] == "shipped/deny-by-default" && $0["address"] == .null })
    #expect(try events(rig, .decision).map { $0["action"] } == ["connect", "connect"])
  }

  @Test func requestsToEndpointsPassTheGateAndNoCredentialIsRecorded() async throws {
    let rig = try Rig(Calculator.files)
    let server = try SecureServer()
    var endpoint = try NetworkEndpoint(name: "packages", kind: .pip, url: "\(server.url)/pypi/simple")
    endpoint.certificateFile = server.authority
    endpoint.credential = try .init(bearer: SecureServer.token)
    let endpoints = [endpoint]
    let program = """
      import os, urllib.request
      index = os.environ['PIP_INDEX_URL']
      print(urllib.request.urlopen(index + 'greet/').read())
      print(urllib.request.urlopen(index.replace('simple/', 'echo')).read())
      """
    try rig.directory.write("project/ask.py", program)
    for isPermitted in [true, false] {
      let script = Script([Script.shell("/usr/bin/python3 ask.py"), finish])
      let rule = policy(
        """
        @id("here") permit (principal, action == Action::"connect", resource)
        when { resource.name == "localhost" && resource.port == \(isPermitted ? server.port : 1) };
        """)
      _ = try await rig.run(
        script, task: "look",
        change: {
          try rule(&$0)
          $0.endpoints = endpoints
        })
      #expect(told(script).contains("http://127.0.0.2:3128/pypi/files/greet") == isPermitted, "\(told(script))")
      #expect(!told(script).contains(SecureServer.token))
      // What the model is told of the network is in force, and the same in every request.
      let shells = Set(script.requests.map { $0.tools.first { $0.name == "shell" }?.description })
      #expect(shells.count == 1 && shells.first??.contains("packages (pip)") == true, "\(shells)")
      let connection = try #require(try events(rig, .connection).last)
      #expect(connection["endpoint"] == "packages" && connection["method"] == "GET", "\(connection)")
      #expect(connection["status"]?.int == (isPermitted ? 200 : 403), "\(connection)")
      #expect(connection["path"] == .string(isPermitted ? "/pypi/echo" : "/pypi/simple/greet/"), "\(connection)")
      if !isPermitted { #expect(connection["refusal"] == "shipped/deny-by-default") }
    }
    #expect(server.requests.count == 2)
    let log = try rig.events()
    #expect(
      log.events.allSatisfy { !String(decoding: $0.fields.serialized, as: UTF8.self).contains(SecureServer.token) })
  }

  @Test func runsRefuseWhenAPromiseDoesNotHold() async throws {
    let rig = try Rig(Calculator.files)
    let failure = await #expect(throws: RunFailure.self) {
      _ = try await rig.run(
        Script([finish]), task: "look", change: { $0.sandbox = try Sandbox(launcher: Array("/bin/true".utf8)) })
    }
    #expect(failure?.kind == .sandbox)
    let tried = try #require(try events(rig, .sandbox).first)
    #expect(tried["holds"] == false && tried["checks"]?.array?.contains { $0["ok"] == false } == true)
    #expect(try events(rig, .runEnded).first?["outcome"] == "refused")
  }
}
