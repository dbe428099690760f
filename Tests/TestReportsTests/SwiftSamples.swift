// Outputs of real tools, recorded; the project lies at `/p`.

/// `swift test` 6.3 on Linux: XCTest and Swift Testing.
// swift-format-ignore
enum SwiftSamples {
  static let output = ##"""
    Build complete! (11.70s)
    Test Suite 'All tests' started at 2026-11-23 01:34:54.950
    Test Suite 'debug.xctest' started at 2026-11-23 01:34:54.952
    Test Suite 'XTests' started at 2026-11-23 01:34:54.952
    Test Case 'XTests.testAdd' started at 2026-11-23 01:34:54.952
    /p/Tests/LibTests/XTests.swift:4: error: XTests.testAdd : XCTAssertEqual failed: ("-1") is not equal to ("3") - sum
    wrong
    Test Case 'XTests.testAdd' failed (0.003 seconds)
    Test Case 'XTests.testAsync' started at 2026-11-23 01:34:54.955
    Test Case 'XTests.testAsync' passed (0.0 seconds)
    Test Case 'XTests.testOK' started at 2026-11-23 01:34:54.955
    Test Case 'XTests.testOK' passed (0.0 seconds)
    Test Case 'XTests.testSkip' started at 2026-11-23 01:34:54.955
    /p/Tests/LibTests/XTests.swift:7: XTests.testSkip : Test skipped - why
    Test Case 'XTests.testSkip' skipped (0.0 seconds)
    Test Case 'XTests.testThrows' started at 2026-11-23 01:34:54.955
    <EXPR>:0: error: XTests.testThrows : threw error "E()"
    Test Case 'XTests.testThrows' failed (0.002 seconds)
    Test Suite 'XTests' failed at 2026-11-23 01:34:54.957
    	 Executed 5 tests, with 1 test skipped and 2 failures (1 unexpected) in 0.005 (0.005) seconds
    Test Suite 'debug.xctest' failed at 2026-11-23 01:34:54.957
    	 Executed 5 tests, with 1 test skipped and 2 failures (1 unexpected) in 0.005 (0.005) seconds
    Test Suite 'All tests' failed at 2026-11-23 01:34:54.957
    	 Executed 5 tests, with 1 test skipped and 2 failures (1 unexpected) in 0.005 (0.005) seconds
    ◇ Test run started.
    ↳ Testing Library Version: 6.3.1 (937120cbc281cf2)
    ↳ Target Platform: x86_64-unknown-linux-gnu
    ◇ Suite STests started.
    ◇ Suite "Nested name" started.
    ◇ Test free() started.
    ◇ Test addition() started.
    ◇ Test "a display name" started.
    ◇ Test throwing() started.
    ➜ Test off() skipped: "not now"
    ◇ Test fine() started.
    ◇ Test known() started.
    ✘ Test free() recorded an issue at STests.swift:12:33: Issue recorded
    ↳ recorded
    ✘ Test addition() recorded an issue at STests.swift:4:27: Expectation failed: (add(1, 2) → -1) == 3
    ↳ comment here
    ◇ Test case passing 1 argument n → 1 to "a display name" started.
    ◇ Test case passing 1 argument n → 2 to "a display name" started.
    ✘ Test "a display name" recorded an issue with 1 argument n → 2 at STests.swift:5:66: Expectation failed: (n → 2) == 1
    ◇ Test inner() started.
    ✘ Test throwing() recorded an issue at STests.swift:8:4: Caught error: E()
    ✘ Test free() failed after 0.001 seconds with 1 issue.
    ✘ Test addition() failed after 0.001 seconds with 1 issue.
    ✘ Test "a display name" with 2 test cases failed after 0.001 seconds with 1 issue.
    ━ Test known() recorded a known issue at STests.swift:9:41: Expectation failed: Bool(false)
    ✘ Test throwing() failed after 0.001 seconds with 1 issue.
    ✔ Test fine() passed after 0.001 seconds.
    ━ Test known() passed after 0.001 seconds with 1 known issue.
    ✔ Test inner() passed after 0.001 seconds.
    ✔ Suite "Nested name" passed after 0.003 seconds.
    ✘ Suite STests failed after 0.003 seconds with 4 issues (including 1 known issue).
    ✘ Test run with 8 tests in 2 suites failed after 0.003 seconds with 5 issues (including 1 known issue).
    """##

  static let events = ##"""
    {"kind":"test","payload":{"id":"LibTests.STests","kind":"suite","name":"STests","sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":2,"fileID":"LibTests\/STests.swift","line":3}},"version":0}
    {"kind":"test","payload":{"id":"LibTests.STests\/addition()\/STests.swift:4:4","isParameterized":false,"kind":"function","name":"addition()","sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":4,"fileID":"LibTests\/STests.swift","line":4}},"version":0}
    {"kind":"test","payload":{"_testCases":[{"displayName":"1","id":"Parameterized test case ID: argumentIDs: [Testing.Test.Case.Argument.ID(bytes: [49])], discriminator: 0, isStable: true"},{"displayName":"2","id":"Parameterized test case ID: argumentIDs: [Testing.Test.Case.Argument.ID(bytes: [50])], discriminator: 0, isStable: true"}],"displayName":"a display name","id":"LibTests.STests\/args(n:)\/STests.swift:5:4","isParameterized":true,"kind":"function","name":"args(n:)","sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":4,"fileID":"LibTests\/STests.swift","line":5}},"version":0}
    {"kind":"test","payload":{"id":"LibTests.STests\/fine()\/STests.swift:6:4","isParameterized":false,"kind":"function","name":"fine()","sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":4,"fileID":"LibTests\/STests.swift","line":6}},"version":0}
    {"kind":"test","payload":{"id":"LibTests.STests\/off()\/STests.swift:7:4","isParameterized":false,"kind":"function","name":"off()","sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":4,"fileID":"LibTests\/STests.swift","line":7}},"version":0}
    {"kind":"test","payload":{"id":"LibTests.STests\/throwing()\/STests.swift:8:4","isParameterized":false,"kind":"function","name":"throwing()","sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":4,"fileID":"LibTests\/STests.swift","line":8}},"version":0}
    {"kind":"test","payload":{"id":"LibTests.STests\/known()\/STests.swift:9:4","isParameterized":false,"kind":"function","name":"known()","sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":4,"fileID":"LibTests\/STests.swift","line":9}},"version":0}
    {"kind":"test","payload":{"displayName":"Nested name","id":"LibTests.STests\/Nested","kind":"suite","name":"Nested","sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":4,"fileID":"LibTests\/STests.swift","line":10}},"version":0}
    {"kind":"test","payload":{"id":"LibTests.STests\/Nested\/inner()\/STests.swift:10:42","isParameterized":false,"kind":"function","name":"inner()","sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":42,"fileID":"LibTests\/STests.swift","line":10}},"version":0}
    {"kind":"test","payload":{"id":"LibTests.free()\/STests.swift:12:2","isParameterized":false,"kind":"function","name":"free()","sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":2,"fileID":"LibTests\/STests.swift","line":12}},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.164253945,"since1970":1795397723.248488},"kind":"runStarted","messages":[{"symbol":"default","text":"Test run started."},{"symbol":"details","text":"Testing Library Version: 6.3.1 (937120cbc281cf2)"},{"symbol":"details","text":"Target Platform: x86_64-unknown-linux-gnu"}]},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.164594573,"since1970":1795397723.2488284},"kind":"testStarted","messages":[{"symbol":"default","text":"Suite STests started."}],"testID":"LibTests.STests"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.164769443,"since1970":1795397723.2490032},"kind":"testStarted","messages":[{"symbol":"default","text":"Test free() started."}],"testID":"LibTests.free()\/STests.swift:12:2"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.164856323,"since1970":1795397723.24909},"kind":"testStarted","messages":[{"symbol":"default","text":"Suite \"Nested name\" started."}],"testID":"LibTests.STests\/Nested"},"version":0}
    {"kind":"event","payload":{"_comments":["recorded"],"_sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":33,"fileID":"LibTests\/STests.swift","line":12},"instant":{"absolute":3859.16504856,"since1970":1795397723.2492824},"issue":{"isKnown":false,"sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":33,"fileID":"LibTests\/STests.swift","line":12}},"kind":"issueRecorded","messages":[{"symbol":"fail","text":"Issue recorded"},{"symbol":"details","text":"recorded"}],"testID":"LibTests.free()\/STests.swift:12:2"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.165249569,"since1970":1795397723.2494833},"kind":"testStarted","messages":[{"symbol":"default","text":"Test throwing() started."}],"testID":"LibTests.STests\/throwing()\/STests.swift:8:4"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.165300185,"since1970":1795397723.249534},"kind":"testStarted","messages":[{"symbol":"default","text":"Test addition() started."}],"testID":"LibTests.STests\/addition()\/STests.swift:4:4"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.165365041,"since1970":1795397723.2495987},"kind":"testStarted","messages":[{"symbol":"default","text":"Test known() started."}],"testID":"LibTests.STests\/known()\/STests.swift:9:4"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.165416788,"since1970":1795397723.2496505},"kind":"testStarted","messages":[{"symbol":"default","text":"Test \"a display name\" started."}],"testID":"LibTests.STests\/args(n:)\/STests.swift:5:4"},"version":0}
    {"kind":"event","payload":{"_comments":["not now"],"_sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":31,"fileID":"LibTests\/STests.swift","line":7},"instant":{"absolute":3859.165483528,"since1970":1795397723.2497175},"kind":"testSkipped","messages":[{"symbol":"skip","text":"Test off() skipped: \"not now\""}],"testID":"LibTests.STests\/off()\/STests.swift:7:4"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.165534354,"since1970":1795397723.249768},"kind":"testStarted","messages":[{"symbol":"default","text":"Test fine() started."}],"testID":"LibTests.STests\/fine()\/STests.swift:6:4"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.165580653,"since1970":1795397723.2498145},"kind":"testEnded","messages":[{"symbol":"fail","text":"Test free() failed after 0.001 seconds with 1 issue."}],"testID":"LibTests.free()\/STests.swift:12:2"},"version":0}
    {"kind":"event","payload":{"_comments":[],"_sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":4,"fileID":"LibTests\/STests.swift","line":8},"instant":{"absolute":3859.165802794,"since1970":1795397723.2500365},"issue":{"_error":{"code":1,"description":"E()","domain":"LibTests.STests.(unknown context at $5641a10bd454).(unknown context at $5641a10bd488).E"},"isKnown":false,"sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":4,"fileID":"LibTests\/STests.swift","line":8}},"kind":"issueRecorded","messages":[{"symbol":"fail","text":"Caught error: E()"}],"testID":"LibTests.STests\/throwing()\/STests.swift:8:4"},"version":0}
    {"kind":"event","payload":{"_comments":["comment here"],"_sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":27,"fileID":"LibTests\/STests.swift","line":4},"instant":{"absolute":3859.16625631,"since1970":1795397723.2504902},"issue":{"isKnown":false,"sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":27,"fileID":"LibTests\/STests.swift","line":4}},"kind":"issueRecorded","messages":[{"symbol":"fail","text":"Expectation failed: (add(1, 2) → -1) == 3"},{"symbol":"details","text":"comment here"}],"testID":"LibTests.STests\/addition()\/STests.swift:4:4"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.166372032,"since1970":1795397723.2506058},"kind":"testStarted","messages":[{"symbol":"default","text":"Test inner() started."}],"testID":"LibTests.STests\/Nested\/inner()\/STests.swift:10:42"},"version":0}
    {"kind":"event","payload":{"_comments":[],"_sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":41,"fileID":"LibTests\/STests.swift","line":9},"instant":{"absolute":3859.166545721,"since1970":1795397723.2507794},"issue":{"isKnown":true,"sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":41,"fileID":"LibTests\/STests.swift","line":9}},"kind":"issueRecorded","messages":[{"symbol":"passWithKnownIssue","text":"Expectation failed: Bool(false)"}],"testID":"LibTests.STests\/known()\/STests.swift:9:4"},"version":0}
    {"kind":"event","payload":{"_testCase":{"displayName":"1","id":"Parameterized test case ID: argumentIDs: [Testing.Test.Case.Argument.ID(bytes: [49])], discriminator: 0, isStable: true"},"instant":{"absolute":3859.166653983,"since1970":1795397723.2508879},"kind":"testCaseStarted","messages":[{"symbol":"default","text":"Test case passing 1 argument n → 1 to \"a display name\" started."}],"testID":"LibTests.STests\/args(n:)\/STests.swift:5:4"},"version":0}
    {"kind":"event","payload":{"_testCase":{"displayName":"1","id":"Parameterized test case ID: argumentIDs: [Testing.Test.Case.Argument.ID(bytes: [49])], discriminator: 0, isStable: true"},"instant":{"absolute":3859.166711148,"since1970":1795397723.2509449},"kind":"testCaseEnded","messages":[],"testID":"LibTests.STests\/args(n:)\/STests.swift:5:4"},"version":0}
    {"kind":"event","payload":{"_testCase":{"displayName":"2","id":"Parameterized test case ID: argumentIDs: [Testing.Test.Case.Argument.ID(bytes: [50])], discriminator: 0, isStable: true"},"instant":{"absolute":3859.166737647,"since1970":1795397723.2509713},"kind":"testCaseStarted","messages":[{"symbol":"default","text":"Test case passing 1 argument n → 2 to \"a display name\" started."}],"testID":"LibTests.STests\/args(n:)\/STests.swift:5:4"},"version":0}
    {"kind":"event","payload":{"_comments":[],"_sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":66,"fileID":"LibTests\/STests.swift","line":5},"_testCase":{"displayName":"2","id":"Parameterized test case ID: argumentIDs: [Testing.Test.Case.Argument.ID(bytes: [50])], discriminator: 0, isStable: true"},"instant":{"absolute":3859.166785108,"since1970":1795397723.2510188},"issue":{"isKnown":false,"sourceLocation":{"_filePath":"\/p\/Tests\/LibTests\/STests.swift","column":66,"fileID":"LibTests\/STests.swift","line":5}},"kind":"issueRecorded","messages":[{"symbol":"fail","text":"Expectation failed: (n → 2) == 1"}],"testID":"LibTests.STests\/args(n:)\/STests.swift:5:4"},"version":0}
    {"kind":"event","payload":{"_testCase":{"displayName":"2","id":"Parameterized test case ID: argumentIDs: [Testing.Test.Case.Argument.ID(bytes: [50])], discriminator: 0, isStable: true"},"instant":{"absolute":3859.16687382,"since1970":1795397723.2511077},"kind":"testCaseEnded","messages":[],"testID":"LibTests.STests\/args(n:)\/STests.swift:5:4"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.166932338,"since1970":1795397723.251166},"kind":"testEnded","messages":[{"symbol":"fail","text":"Test throwing() failed after 0.001 seconds with 1 issue."}],"testID":"LibTests.STests\/throwing()\/STests.swift:8:4"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.166979869,"since1970":1795397723.2512136},"kind":"testEnded","messages":[{"symbol":"fail","text":"Test addition() failed after 0.001 seconds with 1 issue."}],"testID":"LibTests.STests\/addition()\/STests.swift:4:4"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.167048321,"since1970":1795397723.251282},"kind":"testEnded","messages":[{"symbol":"passWithKnownIssue","text":"Test known() passed after 0.001 seconds with 1 known issue."}],"testID":"LibTests.STests\/known()\/STests.swift:9:4"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.167086578,"since1970":1795397723.2513204},"kind":"testEnded","messages":[{"symbol":"fail","text":"Test \"a display name\" with 2 test cases failed after 0.001 seconds with 1 issue."}],"testID":"LibTests.STests\/args(n:)\/STests.swift:5:4"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.167145556,"since1970":1795397723.2513793},"kind":"testEnded","messages":[{"symbol":"pass","text":"Test fine() passed after 0.001 seconds."}],"testID":"LibTests.STests\/fine()\/STests.swift:6:4"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.167184534,"since1970":1795397723.2514184},"kind":"testEnded","messages":[{"symbol":"pass","text":"Test inner() passed after 0.001 seconds."}],"testID":"LibTests.STests\/Nested\/inner()\/STests.swift:10:42"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.167228329,"since1970":1795397723.251462},"kind":"testEnded","messages":[{"symbol":"pass","text":"Suite \"Nested name\" passed after 0.002 seconds."}],"testID":"LibTests.STests\/Nested"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.167263131,"since1970":1795397723.2514968},"kind":"testEnded","messages":[{"symbol":"fail","text":"Suite STests failed after 0.002 seconds with 4 issues (including 1 known issue)."}],"testID":"LibTests.STests"},"version":0}
    {"kind":"event","payload":{"instant":{"absolute":3859.172171989,"since1970":1795397723.2564058},"kind":"runEnded","messages":[{"symbol":"fail","text":"Test run with 8 tests in 2 suites failed after 0.007 seconds with 5 issues (including 1 known issue)."}]},"version":0}
    """##
}
