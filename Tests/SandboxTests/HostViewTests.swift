import Sandbox
import Testing

@Test func systemDirectoriesNeedNoRoot() {
  #expect(
    HostView.toolchainRoots(path: "/usr/bin:/bin:relative::/nowhere/bin", home: Array("/nonexistent".utf8)).allSatisfy {
      !$0.starts(with: Array("/usr/bin".utf8))
    })
}
