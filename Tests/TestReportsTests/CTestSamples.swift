// Outputs of real tools, recorded; the project lies at `/p`.

/// `ctest` 3.25 with the output of failures.
// swift-format-ignore
enum CTestSamples {
  static let output = ##"""
    Internal ctest changing into directory: /p/build
    Test project /p/build
        Start 1: test_ok
    1/7 Test #1: test_ok ..........................   Passed    0.01 sec
        Start 2: test_fails
    2/7 Test #2: test_fails .......................***Failed    0.00 sec
    /p/t.c:7: expected 3 got 4

        Start 3: test_crashes
    3/7 Test #3: test_crashes .....................Subprocess aborted***Exception:   0.01 sec
    crashes: /p/t.c:10: main: Assertion `1 == 2' failed.

        Start 4: test_slow
    4/7 Test #4: test_slow ........................***Timeout   1.00 sec

        Start 5: test_skips
    5/7 Test #5: test_skips .......................***Skipped   0.00 sec
        Start 6: notrun
    Could not find executable /nonexistent/x
    Looked in the following places:
    Unable to find executable: /nonexistent/x
    6/7 Test #6: notrun ...........................***Not Run   0.00 sec
        Start 7: disabled
    7/7 Test #7: disabled .........................***Not Run (Disabled)   0.00 sec

    33% tests passed, 4 tests failed out of 6

    Total Test time (real) =   1.02 sec

    The following tests did not run:
    	  5 - test_skips (Skipped)
    	  7 - disabled (Disabled)

    The following tests FAILED:
    	  2 - test_fails (Failed)
    	  3 - test_crashes (Subprocess aborted)
    	  4 - test_slow (Timeout)
    	  6 - notrun (Not Run)
    Errors while running CTest
    """##
}
