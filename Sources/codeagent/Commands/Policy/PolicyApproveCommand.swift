import Access
import ArgumentParser

/// `codeagent policy approve`: one person's approval of another's action.
struct PolicyApproveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve", abstract: "Approve an action of somebody's run, for policies that ask for several people.",
    discussion: """
      A run that needs approval names the action by its digest: it stands for this action of this run, with this \
      very change, and for nothing else. The approval is left in the directory that the organisation's configuration \
      names.

      EXAMPLES
        codeagent policy approve 1f0c9a…   (then they run: codeagent runs apply last)
      """)

  @Argument(help: "The digest of the action.") var digest: String
  @Option(name: .customLong("for"), help: "How long it counts, such as 30m or 8h.") var lifetime = "1h"

  func run() throws {
    guard let action = ActionDigest(hex: digest) else {
      throw UsageFailure("`\(digest)` is not the digest of an action: 64 hexadecimal digits")
    }
    guard let seconds = BudgetOptions.seconds(lifetime), seconds <= 7 * 86400 else {
      throw UsageFailure("--for takes a time such as 30m or 8h, a week at most")
    }
    guard let directory = try Assembly().approvalDirectory else {
      throw UsageFailure(
        "there is no place to leave an approval in",
        advice: "the organisation's /etc/codeagent/config.toml names one: [approvals] directory = \"…\"")
    }
    try directory.approve(action, seconds: Int(seconds))
    Output.write("approved \(action) by \(Identity.account().name)\n")
  }
}
