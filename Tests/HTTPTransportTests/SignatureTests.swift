import Glibc
import HTTPTransport
import JSON
import TestSupport
import Testing

@Suite("Signatures of requests to Amazon")
struct SignatureTests {
  private let credentials = AWSCredentials(
    accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    sessionToken: "SESSIONTOKEN")
  /// 2026-04-28T00:00:00Z.
  private let time = 1_777_334_400

  private func request(_ url: String) -> HTTPRequest {
    HTTPRequest(
      method: "POST", url: url, headers: ["Content-Type": "application/json", "User-Agent": "not signed"],
      body: [Array("{".utf8), [], Array("}".utf8)])
  }

  @Test func aModelsIdWithAColonIsSignedAsAmazonReadsIt() {
    var request = request(
      "https://bedrock-runtime.us-east-1.amazonaws.com/model/openai.gpt-oss-120b-1%3A0/converse")
    SignatureVersion4(region: "us-east-1", service: "bedrock").sign(&request, with: credentials, at: time)
    #expect(request.headers["x-amz-date"] == "20260428T000000Z")
    #expect(request.headers["x-amz-security-token"] == "SESSIONTOKEN")
    #expect(
      request.headers["authorization"]
        == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260428/us-east-1/bedrock/aws4_request, "
        + "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
        + "Signature=aab5797f7c92e72064e2143f40852914a8130920e56abd75c507e4dd6b707ed0")
  }

  @Test func theDigestOfTheBodyIsSignedWhereItIsSent() {
    var request = request("https://bedrock-mantle.us-east-1.api.aws/openai/v1/responses")
    SignatureVersion4(region: "us-east-1", service: "bedrock-mantle", sendsContentHash: true)
      .sign(&request, with: credentials, at: time)
    #expect(
      request.headers["x-amz-content-sha256"] == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
    #expect(
      request.headers["authorization"]?.hasSuffix(
        "Signature=f863c840a80713cef32db095b1bd42d3839afc1c50a19a3a0dd7514a8ecd6979") == true)
  }

  @Test func nothingPrintsTheSecrets() {
    var text = "\(credentials) \(String(reflecting: credentials)) \(credentials as Any) \([credentials])"
    dump(credentials, to: &text)
    #expect(text.contains("AKIDEXAMPLE"))
    #expect(!text.contains("wJalrXUtn"))
    #expect(!text.contains("SESSIONTOKEN"))
  }

  /// `CODEAGENT_ORACLE_PYTHON` names an interpreter that has it.
  private static let python = getenv("CODEAGENT_ORACLE_PYTHON").map { String(cString: $0) } ?? "python3"
  private static let hasBotocore = (try? runProcess([python, "-c", "import botocore"]))?.status == 0

  /// Amazon's own library signs the same requests.
  @Test(.enabled(if: hasBotocore)) func botocoreSignsTheSame() throws {
    let script = """
      import json, sys
      from botocore.auth import SigV4Auth
      from botocore.awsrequest import AWSRequest
      from botocore.credentials import Credentials
      import datetime, botocore.auth, botocore.compat
      fixed = datetime.datetime(2026, 4, 28)
      for module in (botocore.auth, botocore.compat):
          if hasattr(module, "get_current_datetime"): module.get_current_datetime = lambda *a, **k: fixed
      class Clock(datetime.datetime):
          @classmethod
          def utcnow(cls): return fixed
          @classmethod
          def now(cls, tz=None): return fixed
      botocore.auth.datetime = type("D", (), {"datetime": Clock, "timezone": datetime.timezone})
      for line in sys.stdin:
          one = json.loads(line)
          request = AWSRequest(method=one["method"], url=one["url"], data=one["body"].encode(),
                               headers={"Content-Type": "application/json"})
          keys = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", one["token"] or None)
          SigV4Auth(keys, one["service"], one["region"]).add_auth(request)
          print(request.headers["X-Amz-Date"], request.headers["Authorization"].rsplit("=", 1)[1])
      """
    var random = Seeded(17)
    let letters = Array("abcXYZ019-._~:/%$ äß&=+!*'()@,;".map(String.init))
    func text(_ count: Int) -> String { (0..<count).map { _ in letters.randomElement(using: &random) ?? "" }.joined() }
    var input: [UInt8] = []
    var ours: [(request: HTTPRequest, signer: SignatureVersion4, token: String)] = []
    for number in 0..<60 {
      let model = "openai.gpt-oss-120b-1:0" + text(number % 9).replacing("/", with: "")
      let host = ["bedrock-runtime.eu-west-1.amazonaws.com", "127.0.0.1:4566", "example.com:443"][number % 3]
      var url = "https://\(host)/model/\(HTTPRequest.percentEncoded(model))/converse-stream"
      if number % 4 == 0 {
        url += "?b=\(HTTPRequest.percentEncoded(text(3)))&a=\(HTTPRequest.percentEncoded(text(2)))&a-b=1"
      }
      let body = text(number)
      let (service, region, token) = (
        ["bedrock", "sts"][number % 2], "eu-west-1", number % 5 == 0 ? "" : "T+/=\(number)"
      )
      input +=
        JSONValue.object([
          "method": "POST", "url": .string(url), "body": .string(body), "service": .string(service),
          "region": .string(region), "token": .string(token),
        ]).serialized + [0x0a]
      ours.append(
        (
          HTTPRequest(
            method: "POST", url: url, headers: ["Content-Type": "application/json"], body: [Array(body.utf8)]),
          SignatureVersion4(region: region, service: service), token
        ))
    }
    let result = try runProcess([Self.python, "-c", script], input: input)
    #expect(result.status == 0, "\(result.err)")
    let theirs = result.out.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(theirs.count == ours.count)
    for (index, (their, our)) in zip(theirs, ours).enumerated() {
      var request = our.request
      our.signer.sign(
        &request,
        with: AWSCredentials(
          accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
          sessionToken: our.token), at: time)
      #expect(their.first == "20260428T000000Z")
      #expect(request.headers["Authorization"]?.hasSuffix("Signature=" + (their.last ?? "?")) == true, "\(index)")
    }
  }
}
