import Conversation
import JSON
import Paths
import TestReports

/// What the answers to a batch mean.
extension RepairSession {
  mutating func judge(_ answers: [String: ToolResult]) {
    guard let index = searches.indices.last, let call = pending.first else { return }
    guard let answer = answers[call.id]?.answer, let results = answer["results"]?.array else {
      let message = answers[call.id]?.output.prefix(300) ?? "no answer"
      if plausible.isEmpty { giveUp("Patches cannot be tried: \(message)") } else { choose() }
      return
    }
    // What is no time counts as none, and no batch as more than a day.
    if let reported = answer["seconds"]?.double, reported > 0 {
      seconds += min(reported, 86_400)
      adaptBatch(reported)
    }
    var byID: [String: TrialResult] = [:]
    for result in results {
      if let id = result["id"]?.string, let trial = TrialResult(json: result) { byID[id] = trial }
    }
    if let unchanged = byID["unchanged"] {
      searches[index].unchanged = Self.signature(unchanged)
      if unchanged.outcome == .passed, index == 0 {
        passesUnchanged = true
        giveUp(
          "The failing tests passed when they were run again without any change: they are flaky, and no patch can be judged by them."
        )
        return
      }
    } else if searches[index].unchanged == nil {
      searches[index].unchanged = ""
    }
    let before = tried
    var ran = 0
    var notRun: [CandidateQueue.Item] = []
    for (position, item) in batch.enumerated() {
      guard let result = byID["p\(before + position + 1)"] else { continue }
      if result.outcome == .notRun {
        notRun.append(item)
        continue
      }
      ran += 1
      consider(result, of: item, in: index)
    }
    // A batch of which nothing ran would come to nothing again.
    if ran > 0 { for item in notRun { searches[index].postpone(item) } }
    tried += ran
    searches[index].tried += ran
    batch = []
    tryNext()
  }

  private mutating func consider(_ result: TrialResult, of item: CandidateQueue.Item, in index: Int) {
    switch result.outcome {
    case .passed:
      searches[index].queue.observe(.affected, of: item)
      let found = searches[index].plausible(item)
      guard !refused.contains(found.form) else { return }
      plausible.append(found)
      if firstPassAt == nil {
        firstPassAt = max(1, tried)
        unbuiltAtFirstPass = unbuilt
        let file = searches[index].project.files[item.candidate.file]
        let function = file.functions.last {
          file.lines[$0.first] <= item.candidate.line && item.candidate.line <= file.lines[$0.last]
        }
        searches[index].queue.prefer { place in
          guard place.file == item.candidate.file, let function else { return false }
          let first = file.statements[place.statement].first
          return first >= function.first && first <= function.last
        }
        if isLarge {
          searches[index].queue.insist(on: item, upTo: Self.costAtOwnStatement, most: Self.mostAtOwnStatement)
        }
      }
    case .failed:
      let isAffected = searches[index].unchanged.map { !$0.isEmpty && $0 != Self.signature(result) } ?? false
      searches[index].queue.observe(isAffected ? .affected : .unaffected, of: item)
      if result.lost == 0, result.fixed > 0, let failing = result.failing, failing > 0,
        failing < searches[index].failing
      {
        searches[index].partials.append(
          Search.Partial(
            candidate: item.candidate, fixed: searches[index].failing - failing, key: item.key,
            at: searches[index].tried, still: result.still))
        searches[index].partials.sort { ($1.fixed, $0.key) < ($0.fixed, $1.key) }
        searches[index].partials.removeLast(max(0, searches[index].partials.count - 8))
      }
    case .broken:
      searches[index].broken += 1
      unbuilt += 1
      searches[index].queue.observe(.broken, of: item)
    case .timeout:
      searches[index].timeouts += 1
      searches[index].keepLate(item, again: factor > 1, isLast: factor == Self.latestFactor)
      searches[index].queue.observe(.timeout, of: item)
    case .notRun: break
    }
  }

  /// What can be told apart about a failure: numbers such as addresses and times are left out.
  private static func signature(_ result: TrialResult) -> String {
    "\(result.failing ?? -1) \(result.firstFailure.map { String($0.prefix(400)) } ?? "")"
  }
}
