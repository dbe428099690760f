// Outputs of real tools, recorded; the project lies at `/p`.

/// `cargo test` 1.95 with a backtrace.
// swift-format-ignore
enum CargoSamples {
  static let output = ##"""
       Compiling my-crate v0.1.0 (/p)
        Finished `test` profile [unoptimized + debuginfo] target(s) in 1.29s
         Running unittests src/lib.rs (target/debug/deps/my_crate-8c1a648309b03e4d)

    running 6 tests
    test tests::fine ... ok
    test tests::index ... FAILED
    test tests::adds ... FAILED
    test tests::panics - should panic ... ok
    test tests::result ... FAILED
    test tests::slow ... ignored, slow

    failures:

    ---- tests::index stdout ----
    hello

    thread 'tests::index' (25003) panicked at src/lib.rs:7:32:
    index out of bounds: the len is 1 but the index is 5
    stack backtrace:
       0: __rustc::rust_begin_unwind
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/std/src/panicking.rs:689:5
       1: core::panicking::panic_fmt
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/panicking.rs:80:14
       2: core::panicking::panic_bounds_check
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/panicking.rs:271:5
       3: my_crate::idx
                 at ./src/lib.rs:7:32
       4: my_crate::tests::index
                 at ./src/lib.rs:15:45
       5: my_crate::tests::index::{{closure}}
                 at ./src/lib.rs:15:23
       6: core::ops::function::FnOnce::call_once
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/ops/function.rs:250:5
       7: <fn() -> core::result::Result<(), alloc::string::String> as core::ops::function::FnOnce<()>>::call_once
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/ops/function.rs:250:5
    note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.

    ---- tests::adds stdout ----

    thread 'tests::adds' (25001) panicked at src/lib.rs:11:25:
    assertion `left == right` failed: sum of 1
      left: -1
     right: 3
    stack backtrace:
       0: __rustc::rust_begin_unwind
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/std/src/panicking.rs:689:5
       1: core::panicking::panic_fmt
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/panicking.rs:80:14
       2: core::panicking::assert_failed_inner
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/panicking.rs:434:23
       3: core::panicking::assert_failed::<i32, i32>
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/panicking.rs:394:5
       4: my_crate::tests::adds
                 at ./src/lib.rs:11:25
       5: my_crate::tests::adds::{{closure}}
                 at ./src/lib.rs:11:22
       6: core::ops::function::FnOnce::call_once
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/ops/function.rs:250:5
       7: <fn() -> core::result::Result<(), alloc::string::String> as core::ops::function::FnOnce<()>>::call_once
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/ops/function.rs:250:5
    note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.

    ---- tests::result stdout ----
    Error: "bad"


    failures:
        tests::adds
        tests::index
        tests::result

    test result: FAILED. 2 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.15s

    error: test failed, to rerun pass `--lib`
         Running tests/it.rs (target/debug/deps/it-0d05a688098a578c)

    running 2 tests
    test adds ... ok
    test other ... FAILED

    failures:

    ---- other stdout ----

    thread 'other' (25011) panicked at tests/it.rs:2:22:
    not three
    stack backtrace:
       0: __rustc::rust_begin_unwind
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/std/src/panicking.rs:689:5
       1: core::panicking::panic_fmt
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/panicking.rs:80:14
       2: it::other
                 at ./tests/it.rs:2:22
       3: it::other::{{closure}}
                 at ./tests/it.rs:2:19
       4: core::ops::function::FnOnce::call_once
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/ops/function.rs:250:5
       5: <fn() -> core::result::Result<(), alloc::string::String> as core::ops::function::FnOnce<()>>::call_once
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/ops/function.rs:250:5
    note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.


    failures:
        other

    test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.13s

    error: test failed, to rerun pass `--test it`
       Doc-tests my_crate

    running 1 test
    test src/lib.rs - add (line 3) ... FAILED

    failures:

    ---- src/lib.rs - add (line 3) stdout ----
    Test executable failed (exit status: 101).

    stderr:

    thread 'main' (25065) panicked at src/lib.rs:5:1:
    assertion `left == right` failed
      left: -1
     right: 3
    stack backtrace:
       0: __rustc::rust_begin_unwind
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/std/src/panicking.rs:689:5
       1: core::panicking::panic_fmt
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/panicking.rs:80:14
       2: core::panicking::assert_failed_inner
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/panicking.rs:439:17
       3: core::panicking::assert_failed::<i32, i32>
                 at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/panicking.rs:394:5
       4: rust_out::main::_doctest_main_src_lib_rs_3_0
       5: rust_out::main
       6: core::ops::function::FnOnce::call_once
    note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.



    failures:
        src/lib.rs - add (line 3)

    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.33s

    error: doctest failed, to rerun pass `--doc`
    error: 3 targets failed:
        `--lib`
        `--test it`
        `--doc`
    """##
}
