import Agent
import ArgumentParser
import Conversation
import Glibc
import JSON
import Models

/// `codeagent models`: what the configured providers offer, and what it can do.
struct ModelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "List the models of a provider; try what one can do.",
    discussion: """
      Providers are those of the configuration (docs/models.md), and openai, anthropic, azure and bedrock by the \
      variables that their own tools read.

      EXAMPLES
        codeagent models list                   all models of all providers
        codeagent models list vllm --refresh
        codeagent models probe vllm/qwen3-coder tools, streaming, window: tried
      """,
    subcommands: [List.self, Probe.self], defaultSubcommand: List.self)

  /// What providers list.
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List models (the default). Answers are kept for a day.")

    @Argument(help: "The provider; all of them when not given.") var provider: String?
    @Flag(help: "Ask again, whatever is kept.") var refresh = false
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
      let environment = Environment.current
      let settings = try Settings.load(environment: environment)
      let providers = Providers(settings, environment: environment)
      let names = provider.map { [$0] } ?? providers.names
      guard !names.isEmpty else {
        throw UsageFailure("no provider is configured", advice: "docs/models.md shows how; OPENAI_API_KEY is enough")
      }
      let style = Style(hasColor: TerminalTraits.detect(environment).hasColor)
      var failures = 0
      for name in names {
        do {
          let known = try await Self.known(name, providers, refresh: refresh)
          show(name, known, settings, style)
        } catch let error as ModelError {
          // Asked for all, the others still count.
          guard names.count > 1 else { throw Self.failure(error, name) }
          failures += 1
          Output.error("\(name): \(Display.safe(error.message))")
        } catch let error as UsageFailure {
          guard names.count > 1 else { throw error }
          failures += 1
          Output.error("\(name): \(error.sentence)")
        }
      }
      if failures == names.count { throw ExitStatus(code: 5) }
    }

    /// What is kept, when it is fresh and of the same place, or what the provider says now.
    static func known(_ name: String, _ providers: Providers, refresh: Bool) async throws -> ModelCache.Known {
      let provider = try providers.provider(name)
      let cache = ModelCache(providers.environment)
      let before = cache.known(name).flatMap { $0.endpoint == provider.endpoint ? $0 : nil }
      if let before, before.isFresh, !refresh, !before.models.isEmpty { return before }
      let models = try await ModelCatalogue(
        provider: provider, transport: providers.transport, userAgent: Codeagent.userAgent
      ).list()
      let known = ModelCache.Known(
        endpoint: provider.endpoint, time: time(nil), models: models, probes: before?.probes ?? [:])
      cache.keep(known, of: name)
      return known
    }

    static func failure(_ error: ModelError, _ name: String) -> ProviderFailure {
      let advice: String? =
        switch (error.kind, error.status) {
        case (.authentication, _): "is the key of `\(name)` right, and may it use this model?"
        case (_, 404): "is base_url right? `codeagent models list \(name)` shows the names of models"
        case (.unavailable, nil): "is the server running, and base_url of `\(name)` right?"
        default: nil
        }
      return ProviderFailure(sentence: "\(name): \(error.message)", advice: advice)
    }

    private static func text(_ price: Settings.PriceSettings) -> String {
      func dollars(_ amount: Double) -> String { amount == amount.rounded() ? "\(Int(amount))" : "\(amount)" }
      return "$\(dollars(price.input))/$\(dollars(price.output)) per million"
    }

    private func show(_ name: String, _ known: ModelCache.Known, _ settings: Settings, _ style: Style) {
      for model in known.models {
        let full = "\(name)/\(model.id)"
        if output.json {
          var object: JSONObject = ["v": 1, "model": .string(full)]
          for member in model.json.object?.members ?? [] { object[member.name] = member.value }
          object["price"] = settings.prices[full].map {
            ["input": .double($0.input), "output": .double($0.output)]
          }
          Output.write(JSONValue.object(object).serialized + [0x0a])
          continue
        }
        var facts = [model.contextWindow.map { "\($0) tokens" } ?? "context not told"]
        if let tools = model.takesTools { facts.append(tools ? "tools" : "no tools") }
        if model.takesImages == true { facts.append("images") }
        facts.append(settings.prices[full].map(Self.text) ?? "price unknown")
        Output.write("\(style.name(Display.safe(full).padding(to: 44)))\(facts.joined(separator: ", "))\n")
      }
      if known.models.isEmpty, !output.json { Output.write("\(name) at \(known.endpoint) lists no models\n") }
    }
  }

  /// Tries one.
  struct Probe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Try what a model can do: one short request, which costs what it costs.")

    @Argument(help: "The model, as PROVIDER/NAME.") var model: String
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
      let environment = Environment.current
      let parts = model.split(separator: "/", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw UsageFailure("`\(model)` does not name a model", advice: "write PROVIDER/NAME")
      }
      let providers = Providers(try Settings.load(environment: environment), environment: environment)
      let provider = try providers.provider(parts[0], model: parts[1])
      let catalogue = ModelCatalogue(
        provider: provider, transport: providers.transport, userAgent: Codeagent.userAgent)
      let isTerminal = isatty(2) == 1 && !output.json
      let probe: ModelProbe
      do {
        probe = try await catalogue.probe(parts[1]) { progress in
          if isTerminal, case .retrying(let reason, _, let seconds) = progress {
            Output.error("\(Display.safe(reason)); again in \(Int(seconds.rounded(.up))) s")
          }
        }
      } catch {
        throw List.failure(error, parts[0])
      }
      keep(probe, parts[0], provider, ModelCache(environment))
      if output.json {
        var object: JSONObject = ["v": 1, "model": .string(model)]
        for member in probe.json.object?.members ?? [] { object[member.name] = member.value }
        Output.write(JSONValue.object(object).serialized + [0x0a])
        return
      }
      func line(_ name: String, _ text: String) { Output.write("  \(name.padding(to: 18))\(text)\n") }
      Output.write("\(Display.safe(model)) at \(provider.endpoint)\n")
      line("dialect", probe.dialect)
      switch probe.tools {
      case .native: line("tools", "called by the provider's own means")
      case .text: line("tools", "in text: the server knows none for this model")
      case .none: line("tools", "asked to call one, it called none")
      }
      line("parallel calls", probe.callsInParallel ? "yes" : "not seen")
      line("streaming", probe.streams ? "yes" : "no")
      line("reasoning", probe.reasons ? "shown" : "not shown")
      line("context window", probe.listing.contextWindow.map { "\($0) tokens" } ?? "not told")
      line("tokens", probe.countsTokens ? "counted by the provider" : "not counted: estimated here")
      line("this trial", "\(probe.input) read, \(probe.output) written")
    }

    /// The window is of use to runs.
    private func keep(_ probe: ModelProbe, _ name: String, _ provider: Provider, _ cache: ModelCache) {
      var known =
        cache.known(name).flatMap { $0.endpoint == provider.endpoint ? $0 : nil }
        ?? ModelCache.Known(endpoint: provider.endpoint, time: 0, models: [])
      known.models.removeAll { $0.id == probe.listing.id }
      known.models.append(probe.listing)
      known.probes[probe.listing.id] = probe.json
      cache.keep(known, of: name)
    }
  }
}

/// A provider that gave no answer outside a run.
struct ProviderFailure: ReportableFailure {
  var sentence: String
  var advice: String?
  var code: Int32 { 5 }
}
