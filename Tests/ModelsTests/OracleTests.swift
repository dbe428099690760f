import Conversation
import Glibc
import JSON
import Models
import TestSupport
import Testing

/// The makers' own Python libraries send what is sent here, and read what is read here. They run where they are installed;
/// `CODEAGENT_ORACLE_PYTHON` names an interpreter that has them.
@Suite("The makers' own libraries", .serialized, .timeLimit(.minutes(5)))
struct OracleTests {
  private static let python = getenv("CODEAGENT_ORACLE_PYTHON").map { String(cString: $0) } ?? "python3"

  private static func has(_ module: String) -> Bool {
    (try? runProcess([python, "-c", "import \(module)"]))?.status == 0
  }

  private static let available: [Provider.Dialect] =
    (has("openai") ? [.openAIResponses, .openAIChat] : []) + (has("anthropic") ? [.anthropic] : [])
    + (has("boto3") ? [.bedrock] : [])

  /// Sends a body as the library would and prints what it made of the answer.
  private static let script = """
    import json, os, sys
    one = json.load(sys.stdin)
    base, body, dialect = one["base"], one["body"], one["dialect"]
    text, calls, stop = "", [], None
    if dialect == "openai-chat":
        import openai
        parts = {}
        for chunk in openai.OpenAI(base_url=base + "/v1", api_key="k", max_retries=0).chat.completions.create(**body):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                stop = choice.finish_reason or stop
                for call in choice.delta.tool_calls or []:
                    part = parts.setdefault(call.index, ["", "", ""])
                    part[0] += call.id or ""
                    part[1] += call.function.name or ""
                    part[2] += call.function.arguments or ""
        calls = [parts[index] for index in sorted(parts)]
    elif dialect == "openai-responses":
        import openai
        for event in openai.OpenAI(base_url=base + "/v1", api_key="k", max_retries=0).responses.create(**body):
            if event.type == "response.completed":
                stop = event.response.status
                text = event.response.output_text
                for item in event.response.output:
                    if item.type == "function_call": calls.append([item.call_id, item.name, item.arguments])
                    if item.type == "custom_tool_call": calls.append([item.call_id, item.name, item.input])
    elif dialect == "anthropic-messages":
        import anthropic
        body.pop("stream")
        with anthropic.Anthropic(base_url=base, api_key="k", max_retries=0).messages.stream(**body) as stream:
            final = stream.get_final_message()
        stop = final.stop_reason
        for block in final.content:
            if block.type == "text": text += block.text
            if block.type == "tool_use": calls.append([block.id, block.name, json.dumps(block.input)])
    else:
        import boto3
        client = boto3.client("bedrock-runtime", region_name="eu-west-1", endpoint_url=base,
                              aws_access_key_id="AK", aws_secret_access_key="s")
        parts = {}
        for event in client.converse_stream(modelId="scripted-model", **body)["stream"]:
            if "contentBlockStart" in event:
                use = event["contentBlockStart"]["start"]["toolUse"]
                parts[event["contentBlockStart"]["contentBlockIndex"]] = [use["toolUseId"], use["name"], ""]
            if "contentBlockDelta" in event:
                delta = event["contentBlockDelta"]["delta"]
                text += delta.get("text", "")
                if "toolUse" in delta:
                    parts[event["contentBlockDelta"]["contentBlockIndex"]][2] += delta["toolUse"]["input"]
            if "messageStop" in event: stop = event["messageStop"]["stopReason"]
        calls = [parts[index] for index in sorted(parts)]
    print(json.dumps({"text": text, "calls": calls, "stop": stop}))
    """

  @Test(arguments: available) func sendAndReadTheSame(dialect: Provider.Dialect) async throws {
    let server = try ScriptedModelServer([
      ScriptedTurn(
        text: "Grüße, 世界.",
        calls: [.tool("shell", ["command": "ls \"ä\""]), .freeform("apply_patch", "*** x\n")], reasoning: "Hm."),
      ScriptedTurn(
        text: "Second.", calls: [.tool("shell", ["command": "b"]), .tool("shell", [:])], reasoning: "Hm, hm."),
    ])
    let model = remote(server, dialect)
    // A whole conversation: reasoning, parallel calls and failed results go back, too.
    let first = try await model.respond(request())
    var items = request().items + first.items
    for (number, call) in first.calls.enumerated() {
      items.append(
        .toolResult(
          ToolResult(callID: call.id, output: "out", isError: number == 0, isFreeform: number == 1)))
    }
    let ours = try await model.respond(request(items))
    let body = try #require(server.requests.last?.body)
    let asked: JSONValue = ["base": .string(server.origin), "body": body, "dialect": .string(dialect.rawValue)]
    let result = try await runningProcess([Self.python, "-c", Self.script], input: asked.serialized, timeout: 200)
    #expect(result.status == 0, "\(result.err.suffix(600))")
    // The library takes every member that is sent here, and sends the same.
    #expect(server.requests.count == 3)
    #expect(server.requests.last?.body.canonical == body.canonical)
    let theirs = try JSONValue(parsing: result.stdout)
    #expect(theirs["text"]?.string == ours.text)
    let calls = (theirs["calls"]?.array ?? []).map { call in
      [call[0]?.string, call[1]?.string, (try? JSONValue(parsing: call[2]?.string ?? ""))?.text]
    }
    #expect(
      calls
        == ours.calls.map { call in
          var arguments: String?
          if case .json(let text) = call.arguments { arguments = (try? JSONValue(parsing: text))?.text }
          return [call.id, call.name, arguments]
        })
    #expect(!(theirs["stop"]?.isNull ?? true))
  }
}
