import Crypto
import Glibc

/// SQS in both of its protocols: a queue that always has the message that was sent last. And SNS, as far as publishing.
struct MessageAnswers {
  private var body: [UInt8] = []
  /// The answers, made when another message than before is sent, by operation.
  private var query: [String: [UInt8]] = [:]
  private var json: [String: [UInt8]] = [:]

  private static let messageID = "5fea7756-0ea4-451a-a703-a558b933e274"
  private static let requestID = "27daac76-34dd-47df-bd01-1f6e873584a0"
  /// As long as SQS's own, and with the characters that have to be encoded.
  private static let receipt = "AQEB" + String(repeating: "wJnKyrHigUMZj6rYigCgxlaS3SLy0a+/", count: 11) + "=="

  init() { prepare([]) }

  mutating func answer(_ head: RequestHead, _ request: UnsafeRawBufferPointer) -> [UInt8] {
    let operation: String
    if let named = head.operation {
      operation = named
      if operation == "SendMessage" { note(Self.jsonValue("\"MessageBody\":", of: request)) }
    } else {
      operation = String(decoding: Self.formValue("Action=", of: request), as: UTF8.self)
      if operation == "SendMessage" { note(Self.formValue("MessageBody=", of: request)) }
    }
    return (head.operation == nil ? query : json)[operation] ?? httpAnswer("400 Bad Request")
  }

  private mutating func note(_ sent: [UInt8]) { if sent != body { prepare(sent) } }

  private mutating func prepare(_ body: [UInt8]) {
    self.body = body
    let digest = Insecure.MD5.hash(data: body).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    let text = String(decoding: body, as: UTF8.self)
    let inXML = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
    let inJSON = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    let (id, receipt) = (Self.messageID, Self.receipt)
    query = [
      "SendMessage": Self.query(
        "SendMessage",
        "<MessageId>\(id)</MessageId><MD5OfMessageBody>\(digest)</MD5OfMessageBody>"),
      "ReceiveMessage": Self.query(
        "ReceiveMessage",
        "<Message><MessageId>\(id)</MessageId><ReceiptHandle>\(receipt)</ReceiptHandle>"
          + "<MD5OfBody>\(digest)</MD5OfBody><Body>\(inXML)</Body></Message>"),
      "DeleteMessage": Self.query("DeleteMessage", nil),
      "Publish": Self.query("Publish", "<MessageId>\(id)</MessageId>"),
    ]
    json = [
      "SendMessage": Self.json(#"{"MD5OfMessageBody":"\#(digest)","MessageId":"\#(id)"}"#),
      "ReceiveMessage": Self.json(
        #"{"Messages":[{"Body":"\#(inJSON)","MD5OfBody":"\#(digest)","MessageId":"\#(id)","#
          + #""ReceiptHandle":"\#(receipt)"}]}"#),
      "DeleteMessage": Self.json("{}"),
    ]
  }

  private static func query(_ action: String, _ result: String?) -> [UInt8] {
    let body =
      "<?xml version=\"1.0\"?><\(action)Response xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">"
      + (result.map { "<\(action)Result>\($0)</\(action)Result>" } ?? "")
      + "<ResponseMetadata><RequestId>\(requestID)</RequestId></ResponseMetadata></\(action)Response>"
    return httpAnswer(
      "200 OK", [("x-amzn-RequestId", requestID), ("Content-Type", "text/xml")], body: Array(body.utf8))
  }

  private static func json(_ body: String) -> [UInt8] {
    httpAnswer(
      "200 OK", [("x-amzn-RequestId", requestID), ("Content-Type", "application/x-amz-json-1.0")],
      body: Array(body.utf8))
  }

  /// A parameter of a form, decoded.
  private static func formValue(_ name: StaticString, of form: UnsafeRawBufferPointer) -> [UInt8] {
    guard let start = after(name, in: form) else { return [] }
    var value: [UInt8] = []
    var index = start
    while index < form.count, form[index] != UInt8(ascii: "&") {
      switch form[index] {
      case UInt8(ascii: "%") where index + 2 < form.count:
        value.append(UInt8(String(decoding: form[(index + 1)...(index + 2)], as: UTF8.self), radix: 16) ?? 0)
        index += 2
      case UInt8(ascii: "+"): value.append(UInt8(ascii: " "))
      case let byte: value.append(byte)
      }
      index += 1
    }
    return value
  }

  /// A member of a JSON object, a string whose only escapes are those of quotes and backslashes.
  private static func jsonValue(_ name: StaticString, of text: UnsafeRawBufferPointer) -> [UInt8] {
    guard let start = after(name, in: text) else { return [] }
    var value: [UInt8] = []
    var index = start + (text[start] == UInt8(ascii: " ") ? 2 : 1)
    while index < text.count, text[index] != UInt8(ascii: "\"") {
      if text[index] == UInt8(ascii: "\\") { index += 1 }
      value.append(text[index])
      index += 1
    }
    return value
  }

  private static func after(_ name: StaticString, in bytes: UnsafeRawBufferPointer) -> Int? {
    bytes.index(of: name).map { $0 + name.utf8CodeUnitCount }
  }
}
