// Outputs of real tools, recorded; the project lies at `/p`.

/// `go test` 1.19.
// swift-format-ignore
enum GoSamples {
  /// Which of the samples: their texts never reach the log, where they would look like results of this suite.
  enum Form: Sendable {
    case json, verbose

    var output: String {
      switch self {
      case .json: GoSamples.json
      case .verbose: GoSamples.verbose
      }
    }
  }

  static let json = ##"""
    # example.com/acct/broken [example.com/acct/broken.test]
    broken/b.go:3:23: undefined: undefinedName
    {"Time":"2026-01-01T00:00:00Z","Action":"run","Package":"example.com/acct","Test":"TestAdd"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestAdd","Output":"=== RUN   TestAdd\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestAdd","Output":"    a_test.go:7: Add(1, 2) = -1, want 3\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestAdd","Output":"--- FAIL: TestAdd (0.00s)\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"fail","Package":"example.com/acct","Test":"TestAdd","Elapsed":0}
    {"Time":"2026-01-01T00:00:00Z","Action":"run","Package":"example.com/acct","Test":"TestSub"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestSub","Output":"=== RUN   TestSub\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"run","Package":"example.com/acct","Test":"TestSub/one_case"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestSub/one_case","Output":"=== RUN   TestSub/one_case\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestSub/one_case","Output":"    a_test.go:11: fine\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"run","Package":"example.com/acct","Test":"TestSub/two"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestSub/two","Output":"=== RUN   TestSub/two\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestSub/two","Output":"    a_test.go:12: bad\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestSub/two","Output":"        worse\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestSub","Output":"--- FAIL: TestSub (0.00s)\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestSub/one_case","Output":"    --- PASS: TestSub/one_case (0.00s)\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"pass","Package":"example.com/acct","Test":"TestSub/one_case","Elapsed":0}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestSub/two","Output":"    --- FAIL: TestSub/two (0.00s)\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"fail","Package":"example.com/acct","Test":"TestSub/two","Elapsed":0}
    {"Time":"2026-01-01T00:00:00Z","Action":"fail","Package":"example.com/acct","Test":"TestSub","Elapsed":0}
    {"Time":"2026-01-01T00:00:00Z","Action":"run","Package":"example.com/acct","Test":"TestSkip"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestSkip","Output":"=== RUN   TestSkip\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestSkip","Output":"    a_test.go:14: why\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestSkip","Output":"--- SKIP: TestSkip (0.00s)\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"skip","Package":"example.com/acct","Test":"TestSkip","Elapsed":0}
    {"Time":"2026-01-01T00:00:00Z","Action":"run","Package":"example.com/acct","Test":"TestOK"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestOK","Output":"=== RUN   TestOK\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestOK","Output":"=== PAUSE TestOK\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"pause","Package":"example.com/acct","Test":"TestOK"}
    {"Time":"2026-01-01T00:00:00Z","Action":"cont","Package":"example.com/acct","Test":"TestOK"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestOK","Output":"=== CONT  TestOK\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Test":"TestOK","Output":"--- PASS: TestOK (0.00s)\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"pass","Package":"example.com/acct","Test":"TestOK","Elapsed":0}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Output":"FAIL\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct","Output":"FAIL\texample.com/acct\t0.008s\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"fail","Package":"example.com/acct","Elapsed":0.008}
    FAIL	example.com/acct/broken [build failed]
    {"Time":"2026-01-01T00:00:00Z","Action":"run","Package":"example.com/acct/sub","Test":"TestBefore"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestBefore","Output":"=== RUN   TestBefore\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestBefore","Output":"--- PASS: TestBefore (0.00s)\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"pass","Package":"example.com/acct/sub","Test":"TestBefore","Elapsed":0}
    {"Time":"2026-01-01T00:00:00Z","Action":"run","Package":"example.com/acct/sub","Test":"TestPanics"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"=== RUN   TestPanics\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"--- FAIL: TestPanics (0.00s)\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"panic: runtime error: index out of range [5] with length 1 [recovered]\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"\tpanic: runtime error: index out of range [5] with length 1\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"goroutine 19 [running]:\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"testing.tRunner.func1.2({0x518a00, 0xc0000ce000})\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"\t/tmp/tr/go/usr/lib/go-1.19/src/testing/testing.go:1396 +0x24e\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"testing.tRunner.func1()\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"\t/tmp/tr/go/usr/lib/go-1.19/src/testing/testing.go:1399 +0x39f\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"panic({0x518a00, 0xc0000ce000})\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"\t/tmp/tr/go/usr/lib/go-1.19/src/runtime/panic.go:884 +0x212\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"example.com/acct/sub.Idx(...)\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"\t/p/sub/s.go:3\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"example.com/acct/sub.TestPanics(0xc000098680?)\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"\t/p/sub/s_test.go:6 +0x1d\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"testing.tRunner(0xc0000989c0, 0x52f308)\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"\t/tmp/tr/go/usr/lib/go-1.19/src/testing/testing.go:1446 +0x10b\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"created by testing.(*T).Run\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Test":"TestPanics","Output":"\t/tmp/tr/go/usr/lib/go-1.19/src/testing/testing.go:1493 +0x35f\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"fail","Package":"example.com/acct/sub","Test":"TestPanics","Elapsed":0}
    {"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/acct/sub","Output":"FAIL\texample.com/acct/sub\t0.006s\n"}
    {"Time":"2026-01-01T00:00:00Z","Action":"fail","Package":"example.com/acct/sub","Elapsed":0.006}
    """##

  static let verbose = ##"""
    # example.com/acct/broken [example.com/acct/broken.test]
    broken/b.go:3:23: undefined: undefinedName
    === RUN   TestAdd
        a_test.go:7: Add(1, 2) = -1, want 3
    --- FAIL: TestAdd (0.00s)
    === RUN   TestSub
    === RUN   TestSub/one_case
        a_test.go:11: fine
    === RUN   TestSub/two
        a_test.go:12: bad
            worse
    --- FAIL: TestSub (0.00s)
        --- PASS: TestSub/one_case (0.00s)
        --- FAIL: TestSub/two (0.00s)
    === RUN   TestSkip
        a_test.go:14: why
    --- SKIP: TestSkip (0.00s)
    === RUN   TestOK
    === PAUSE TestOK
    === CONT  TestOK
    --- PASS: TestOK (0.00s)
    FAIL
    FAIL	example.com/acct	0.003s
    FAIL	example.com/acct/broken [build failed]
    === RUN   TestBefore
    --- PASS: TestBefore (0.00s)
    === RUN   TestPanics
    --- FAIL: TestPanics (0.00s)
    panic: runtime error: index out of range [5] with length 1 [recovered]
    	panic: runtime error: index out of range [5] with length 1

    goroutine 7 [running]:
    testing.tRunner.func1.2({0x518a00, 0xc0000180a8})
    	/tmp/tr/go/usr/lib/go-1.19/src/testing/testing.go:1396 +0x24e
    testing.tRunner.func1()
    	/tmp/tr/go/usr/lib/go-1.19/src/testing/testing.go:1399 +0x39f
    panic({0x518a00, 0xc0000180a8})
    	/tmp/tr/go/usr/lib/go-1.19/src/runtime/panic.go:884 +0x212
    example.com/acct/sub.Idx(...)
    	/p/sub/s.go:3
    example.com/acct/sub.TestPanics(0xc000007860?)
    	/p/sub/s_test.go:6 +0x1d
    testing.tRunner(0xc000007ba0, 0x52f308)
    	/tmp/tr/go/usr/lib/go-1.19/src/testing/testing.go:1446 +0x10b
    created by testing.(*T).Run
    	/tmp/tr/go/usr/lib/go-1.19/src/testing/testing.go:1493 +0x35f
    FAIL	example.com/acct/sub	0.008s
    FAIL
    """##
}
