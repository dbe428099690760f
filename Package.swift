// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: Swift 6 mode, the upcoming features that keep imports and isolation explicit, and no
/// warnings.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

/// A room of the house: a library target that imports only from floors below its own.
func room(
  _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = [],
  extra: [SwiftSetting] = [], linking: [LinkerSetting] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, resources: resources, swiftSettings: settings + extra,
    linkerSettings: linking)
}

/// The tests of one room, through its public face.
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.init(stringLiteral: name), "TestSupport"] + dependencies, exclude: exclude,
    swiftSettings: settings)
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let toml: Target.Dependency = .product(name: "TOMLKit", package: "TOMLKit")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
  name: "codeagent",
  products: [
    .executable(name: "codeagent", targets: ["codeagent"]),
    .executable(name: "codeagent-launch", targets: ["codeagent-launch"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
  ],
  targets: [
    // Floor 0: values that every room speaks of, C faces, the launcher.
    room("JSON"),
    room("Paths"),
    .target(name: "CLibgit2", linkerSettings: [.linkedLibrary("git2")]),
    .target(name: "CLibcurl"),
    .target(name: "CLinux"),
    // Linked statically to the C library and to nothing else: it starts for every command, and its probes run inside
    // views that hold no Swift library. Plain C needs none of Swift's start-up routines.
    .executableTarget(
      name: "codeagent-launch", linkerSettings: [.unsafeFlags(["-nostartfiles", "-static-executable"])]),
    .target(
      name: "Prompts", path: "prompts",
      resources: [
        .embedInCode("system.md"), .embedInCode("first.md"), .embedInCode("repair-task.md"),
        .embedInCode("instructions.md"), .embedInCode("feedback.md"), .embedInCode("compacted.md"),
        .embedInCode("baseline.md"), .embedInCode("context.md"), .embedInCode("failing-code.md"),
        .embedInCode("review.md"), .embedInCode("text-tools.md"),
      ], swiftSettings: settings),

    // Floor 1: rooms that know nothing of agents.
    room("Git", ["CLibgit2", "Paths"]),
    room("Sandbox", ["CLinux", "CLibcurl"]),
    room("Conversation", ["JSON"]),
    room("IndexKernel", extra: [.unsafeFlags(["-O"])]),
    room("HTTPTransport", ["CLibcurl", crypto]),
    // Optimised always: unoptimised frames are ten times as large, and expressions are walked by recursion.
    room("Cedar", ["JSON"], extra: [.unsafeFlags(["-O"])]),
    room("TransparencyLog", [crypto]),
    room("Patches", ["Paths"]),
    room("TestReports", ["JSON", "Paths"], resources: [.embedInCode("Adaptors")]),

    // Floor 2: one capability each.
    room("Workspace", ["Git", "Sandbox", "Paths", "CLinux"]),
    room("Models", ["Conversation", "HTTPTransport", "JSON", "Prompts", crypto]),
    room("Repair", ["Conversation", "TestReports", "Patches", "JSON", "Paths"]),
    room("CodeIndex", ["Git", "IndexKernel", "JSON", "Paths", "CLinux"]),
    room(
      "Access", ["Cedar", "TestReports", "JSON", "Paths", crypto, cryptoExtras],
      resources: [.embedInCode("Policies/shipped.cedar")]),
    room("AuditTrail", ["TransparencyLog", "Git", "Paths", "JSON", grdb, crypto]),

    // Floor 3: the run.
    room(
      "Agent",
      [
        "Workspace", "Models", "Repair", "CodeIndex", "Access", "AuditTrail", "TransparencyLog", "Git", "Sandbox",
        "Conversation", "Patches", "TestReports", "JSON", "Paths", "Prompts",
      ]),

    // Floor 5: commands, terminal, configuration.
    .executableTarget(
      name: "codeagent",
      dependencies: [
        "Agent", "Workspace", "Models", "Repair", "CodeIndex", "Access", "AuditTrail", "TransparencyLog", "Cedar",
        "Git",
        "Sandbox", "Conversation", "HTTPTransport", "TestReports", "JSON", "Paths", "codeagent-launch", arguments, toml,
      ],
      swiftSettings: settings),

    // Tests mirror the rooms.
    .target(name: "TestSupport", dependencies: ["JSON"], path: "Tests/Support", swiftSettings: settings),
    tests("JSON"),
    tests("Paths"),
    tests("Conversation", ["JSON"]),
    tests("Git", ["Paths"]),
    tests("Sandbox", ["codeagent-launch", "JSON"]),
    tests("IndexKernel"),
    tests("HTTPTransport", ["JSON"]),
    tests("Cedar", ["JSON"]),
    tests("TransparencyLog"),
    tests("Patches", ["Paths"]),
    tests("TestReports", ["JSON", "Paths"]),
    tests("Workspace", ["Git", "Sandbox", "Paths", "codeagent-launch"]),
    tests("Models", ["Conversation", "HTTPTransport", "JSON"]),
    tests("Repair", ["Conversation", "TestReports", "Patches", "JSON", "Paths"]),
    tests("CodeIndex", ["Git", "Paths"]),
    tests("Access", ["JSON", "Paths", crypto, cryptoExtras]),
    tests("AuditTrail", ["TransparencyLog", "Git", "Paths", "JSON", grdb], exclude: ["Golden"]),
    tests(
      "Agent",
      [
        "Access", "AuditTrail", "Workspace", "Sandbox", "TestReports", "Conversation", "JSON", "Paths",
        "Repair", "codeagent-launch",
      ]),
    .testTarget(
      name: "EndToEndTests", dependencies: ["TestSupport", "JSON", "codeagent", "codeagent-launch"],
      swiftSettings: settings),
  ]
)
