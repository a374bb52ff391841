import SDCore
import Testing

@Suite struct NotificationEnvelopeTests {
  private let time = Timestamp(milliseconds: 1_767_323_045_678)

  @Test("A publication is wrapped as SNS does it, member by member")
  func wraps() throws {
    let publication = Publication(
      body: Array("{\"a\": 1.0}\n".utf8),
      attributes: ["b": .list(["x", 1]), "a": "text", "c": .number("1.50"), "d": .binary([0, 255])])
    let text = try #require(
      NotificationEnvelope.wrap(publication, messageID: "id-1", topicARN: "arn:aws:sns:x:0:t", at: time))
    #expect(
      String(decoding: text, as: UTF8.self)
        == #"{"Type":"Notification","MessageId":"id-1","TopicArn":"arn:aws:sns:x:0:t","Message":"{\"a\": 1.0}\n","#
        + #""Timestamp":"2026-01-02T03:04:05.678Z","SignatureVersion":"1","Signature":"","SigningCertURL":"","UnsubscribeURL":"","#
        + #""MessageAttributes":{"a":{"Type":"String","Value":"text"},"b":{"Type":"String.Array","Value":"[\"x\",1]"},"#
        + #""c":{"Type":"Number","Value":"1.50"},"d":{"Type":"Binary","Value":"AP8="}}}"#)
    let plain = try #require(NotificationEnvelope.wrap(Publication(body: []), messageID: "i", topicARN: "t", at: time))
    #expect(try JSONValue(parsing: plain)["MessageAttributes"] == nil)
    #expect(NotificationEnvelope.wrap(Publication(body: [0xFF]), messageID: "i", topicARN: "t", at: time) == nil)
  }

  @Test("What was wrapped is opened to the same")
  func opens() throws {
    let publication = Publication(
      body: Array("日本 \u{0}\r\n\"\\/ 🏮".utf8),
      attributes: ["a": "é", "l": .list([nil, true]), "n": .number("-0"), "b": .binary([])])
    let text = try #require(NotificationEnvelope.wrap(publication, messageID: "id", topicARN: "t", at: time))
    let opened = NotificationEnvelope.open(text, attributes: ["AWSTraceHeader": "Root=1"])
    #expect(opened.body == publication.body && opened.messageID == "id" && opened.wasWrapped)
    #expect(opened.attributes == publication.attributes.merging(["AWSTraceHeader": "Root=1"]) { $1 })
  }

  @Test(
    "An envelope as SNS sends it is opened, with less of it too",
    arguments: [
      (#"{"Type":"Notification","Message":"m"}"#, nil), (#"{"MessageId":"i","Message":"m"}"#, "i"),
      (#"{"TopicArn":"t","Message":"m"}"#, nil),
      (#" {"Subject":"s","Type":"Notification","MessageId":"i","Message":"m","MessageAttributes":{}} "#, "i"),
      (#"{"Type":"Notification","MessageId":7,"Message":"m","MessageAttributes":[1]}"#, nil),
    ] as [(String, String?)])
  func opensForeign(text: String, id: String?) {
    let opened = NotificationEnvelope.open(Array(text.utf8), attributes: [:])
    #expect(opened == .init(body: Array("m".utf8), attributes: [:], messageID: id, wasWrapped: true))
  }

  @Test(
    "Anything else is raw",
    arguments: [
      "", "m", "{}", "[]", #"{"Message":"m"}"#, #"{"Type":"Other","Message":"m"}"#, #"{"Type":"Notification"}"#,
      #"{"Type":"Notification","Message":{"a":1}}"#,
      #"{"Type":"Notification","Message":null}"#, #"[{"Type":"Notification","Message":"m"}]"#,
      #"{"Type":"Notification","Message":"m""#,
      #"{"metadata":{"id":"1"},"content":{"Message":"m"}}"#,
    ])
  func raw(text: String) {
    let opened = NotificationEnvelope.open(Array(text.utf8), attributes: ["a": "b"])
    #expect(opened == .init(body: Array(text.utf8), attributes: ["a": "b"], messageID: nil, wasWrapped: false))
  }

  @Test("Bytes that are no text are raw")
  func bytes() { #expect(NotificationEnvelope.open([0xFF, 0x00], attributes: [:]).body == [0xFF, 0x00]) }

  @Test("Attributes of odd types are read as what they begin with, unusable ones left out")
  func oddAttributes() {
    let text =
      #"{"Type":"Notification","Message":"m","MessageAttributes":{"a":{"Type":"String.custom","Value":"x"},"#
      + #""b":{"Type":"Number.int","Value":"7"},"c":{"Type":"Binary","Value":"!"},"d":{"Type":"Odd","Value":"x"},"e":{"Type":"String"},"#
      + #""f":7,"g":{"Type":"String.Array","Value":"x"},"h":{"Type":"Binary.png","Value":"AA=="},"i":{"Type":"Stringy","Value":"x"}}}"#
    let opened = NotificationEnvelope.open(Array(text.utf8), attributes: ["a": "own"])
    #expect(opened.attributes == ["a": "own", "b": .number("7"), "h": .binary([0])])
  }
}
