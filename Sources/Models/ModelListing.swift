public import JSON

/// One model as its provider describes it. What the provider does not tell is nil.
public struct ModelListing: Sendable, Hashable {
  /// The name that requests use.
  public var id: String
  /// The tokens that a request and its answer may have together.
  public var contextWindow: Int?
  /// The tokens that an answer may have.
  public var maximumOutput: Int?
  /// Whether it calls tools.
  public var takesTools: Bool?
  /// Whether it sees images.
  public var takesImages: Bool?

  /// A model.
  public init(
    id: String, contextWindow: Int? = nil, maximumOutput: Int? = nil, takesTools: Bool? = nil, takesImages: Bool? = nil
  ) {
    self.id = id
    self.contextWindow = contextWindow
    self.maximumOutput = maximumOutput
    self.takesTools = takesTools
    self.takesImages = takesImages
  }

  /// Reads an entry of a list of models, in any of the forms that servers give it: OpenAI's, Anthropic's, vLLM's,
  /// llama.cpp's, LM Studio's, OpenRouter's, Bedrock's.
  init?(entry: JSONValue) {
    guard
      let id = entry["id"]?.string ?? entry["modelId"]?.string ?? entry["inferenceProfileId"]?.string
        ?? entry["model_name"]?.string ?? entry["name"]?.string, !id.isEmpty, id.utf8.count <= 300
    else { return nil }
    self.id = id
    let info = entry["model_info"]
    contextWindow = Self.first(
      [
        entry["max_model_len"], entry["loaded_context_length"], entry["max_context_length"], entry["context_length"],
        entry["context_window"], entry["max_input_tokens"], entry["meta"]?["n_ctx"], info?["max_input_tokens"],
        entry["top_provider"]?["context_length"], entry["meta"]?["n_ctx_train"],
      ])
    maximumOutput = Self.first([
      entry["max_output_tokens"], entry["max_tokens"], info?["max_output_tokens"],
      entry["top_provider"]?["max_completion_tokens"],
    ])
    let abilities = entry["capabilities"]?.array?.compactMap(\.string) ?? []
    let inputs = entry["inputModalities"]?.array ?? entry["architecture"]?["input_modalities"]?.array
    if let inputs {
      takesImages = inputs.contains { $0.string?.lowercased() == "image" }
    } else if let vision = info?["supports_vision"]?.bool ?? entry["capabilities"]?["image_input"]?["supported"]?.bool {
      takesImages = vision
    } else if !abilities.isEmpty {
      takesImages = abilities.contains("vision")
    }
    let parameters = entry["supported_parameters"]?.array?.compactMap(\.string)
    takesTools = info?["supports_function_calling"]?.bool ?? parameters?.contains("tools")
    if takesTools == nil, abilities.contains(where: { ["tools", "tool_use"].contains($0) }) { takesTools = true }
  }

  private static func first(_ values: [JSONValue?]) -> Int? {
    values.lazy.compactMap { $0?.int }.first { $0 > 0 && $0 < 1 << 40 }
  }

  /// Takes over what another source tells and this one did not.
  mutating func complete(from other: ModelListing) {
    contextWindow = contextWindow ?? other.contextWindow
    maximumOutput = maximumOutput ?? other.maximumOutput
    takesTools = takesTools ?? other.takesTools
    takesImages = takesImages ?? other.takesImages
  }

  /// The model as JSON, without what is not known.
  public var json: JSONValue {
    var object: JSONObject = ["id": .string(id)]
    object["context_window"] = contextWindow.map { JSONValue($0) }
    object["max_output"] = maximumOutput.map { JSONValue($0) }
    object["tools"] = takesTools.map(JSONValue.bool)
    object["images"] = takesImages.map(JSONValue.bool)
    return .object(object)
  }

  /// Reads a model back; nil when the JSON is not of that form.
  public init?(json: JSONValue) {
    guard let id = json["id"]?.string else { return nil }
    self.init(
      id: id, contextWindow: json["context_window"]?.int, maximumOutput: json["max_output"]?.int,
      takesTools: json["tools"]?.bool, takesImages: json["images"]?.bool)
  }
}

/// What a model was seen to do when it was tried.
public struct ModelProbe: Sendable, Hashable {
  /// How tools are called.
  public enum Tools: String, Sendable, Hashable {
    /// By the provider's own tool calls.
    case native
    /// By blocks in the answer's text: the server knows no tools for this model.
    case text
    /// It was asked to call one, and called none.
    case none
  }

  /// The model as listed, where it is.
  public var listing: ModelListing
  /// How it calls tools.
  public var tools: Tools
  /// True when one answer called two tools.
  public var callsInParallel: Bool
  /// True when answers come in pieces.
  public var streams: Bool
  /// True when it showed reasoning.
  public var reasons: Bool
  /// True when the provider counts tokens; else they are estimated.
  public var countsTokens: Bool
  /// The wire format that worked.
  public var dialect: String
  /// What the trial cost.
  public var input: Int
  /// What the trial cost.
  public var output: Int

  /// The trial's result as JSON.
  public var json: JSONValue {
    var object = listing.json.object ?? JSONObject()
    object["tools"] = .string(tools.rawValue)
    object["parallel_calls"] = .bool(callsInParallel)
    object["streaming"] = .bool(streams)
    object["reasoning"] = .bool(reasons)
    object["counts_tokens"] = .bool(countsTokens)
    object["dialect"] = .string(dialect)
    object["input_tokens"] = JSONValue(input)
    object["output_tokens"] = JSONValue(output)
    return .object(object)
  }
}
