import SDCore
import Testing

@testable import BackendPlugins

@Suite("Looking through answers")
struct ImageAnswerScannerTests {
  private func scan(_ text: String) -> Result<(images: [String], rest: JSONObject), ImageAnswerScanner.Fault> {
    let bytes = Array(text.utf8)
    return bytes.withUnsafeBufferPointer { buffer in
      Result { () throws(ImageAnswerScanner.Fault) in
        let scanner = try ImageAnswerScanner(buffer, places: [.text("images"), .text("image")])
        return (scanner.images.map { String(decoding: bytes[$0.range], as: UTF8.self) }, scanner.rest)
      }
    }
  }

  @Test("Image texts are found, everything else is parsed")
  func found() throws {
    let (images, rest) = try scan(
      #" { "a" : {"images":["no"],"q":"}\"]"}, "images":[ "one" , "t\\wo\"" ], "n": -1.50 , "t":true,"info":"{\"x\":1}" } "#
    ).get()
    #expect(images == ["one", #"t\\wo\""#])
    #expect(rest["a"]?["images"] == ["no"] && rest["a"]?["q"] == "}\"]")
    #expect(rest["n"]?.double == -1.5 && rest["t"] == true && rest["info"] == "{\"x\":1}")
    #expect(try scan(#"{"image":"one"}"#).get().images == ["one"])
    #expect(try scan("{}").get().images.isEmpty)
  }

  @Test("Image texts are found in objects of an array too")
  func objects() throws {
    func scan(_ text: String) -> Result<([String], JSONObject), ImageAnswerScanner.Fault> {
      let bytes = Array(text.utf8)
      return bytes.withUnsafeBufferPointer { buffer in
        Result { () throws(ImageAnswerScanner.Fault) in
          let scanner = try ImageAnswerScanner(buffer, places: [.object("data", member: "b64")])
          return (scanner.images.map { String(decoding: bytes[$0.range], as: UTF8.self) }, scanner.rest)
        }
      }
    }
    let (images, rest) = try scan(
      #"{"data":[ {"b64":"one","x":{"b64":"no"}}, {"y":1 , "b64" : "two" },{"b64":null},{} ],"created":1}"#
    ).get()
    #expect(images == ["one", "two"] && rest["created"] == 1)
    #expect(rest["data"] == [["x": ["b64": "no"]], ["y": 1], ["b64": nil], [:]])
    #expect(try scan(#"{"data":null}"#).get().0.isEmpty)
    for text in [
      #"{"data":{}}"#, #"{"data":["x"]}"#, #"{"data":[{"b64":"x"]}"#, #"{"data":[{"b64":"x"},]}"#,
      #"{"data":[{"b64"}]}"#,
      #"{"data":[{"b64":"x",}]}"#, #"{"data":[{"b64":"x"}"#,
    ] { if case .success = scan(text) { Issue.record("\(text) was taken") } }
  }

  @Test("Of equal names the last counts, and escapes in names are undone")
  func names() throws {
    #expect(try scan(#"{"images":["one"],"images":["two"]}"#).get().images == ["two"])
    #expect(try scan(#"{"im\u0061ges":["one"]}"#).get().images == ["one"])
    #expect(try scan(#"{"a":1,"a":2}"#).get().rest["a"] == 2)
  }

  @Test(
    "Whatever is not JSON is refused, at any place",
    arguments: [
      "", " ", "{", "}", "[", #"{"images"#, #"{"images":"#, #"{"images":[}"#, #"{"images":["a",]}"#,
      #"{"images":["a""b"]}"#,
      #"{"images":["a"]"#, #"{"images":["a"],}"#, #"{,}"#, #"{"a":1 "b":2}"#, #"{"a":tru}"#, #"{"a":01}"#, #"{"a":"b}"#,
      #"{"a":{]}"#, #"{"a":[1,2}}"#, #"{"a":}"#, #"{a:1}"#, #"{"images":[["a"]]}"#, #"{"images":{"a":1}}"#,
      #"{"a":1}}"#,
      #"{"images":7}"#, "{\"a\":\"\u{1}\"}", #"{"a":"\u12"}"#, "{\"\\\":1}", "{\"a\":\"\\\"}",
    ])
  func refused(text: String) {
    guard case .failure(let fault) = scan(text) else {
      Issue.record("\(text) was taken")
      return
    }
    #expect(fault.offset <= text.utf8.count)
  }

  @Test("Depth and number of members are bounded")
  func bounds() {
    let deep = #"{"a":"# + String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000) + "}"
    let wide = "{" + (0..<2000).map { "\"m\($0)\":1" }.joined(separator: ",") + "}"
    for text in [deep, wide] {
      if case .success = scan(text) { Issue.record("an answer of \(text.utf8.count) bytes was taken") }
    }
  }

  @Test("Every cut of an answer is refused")
  func everyCut() throws {
    let text = #"{"images":["aGVsbG8\/","x"],"parameters":{"a":[1,{"b":null}]},"info":"{\"k\":\"v\\\\\"}"}"#
    _ = try scan(text).get()
    for count in 0..<text.utf8.count {
      let cut = String(decoding: Array(text.utf8).prefix(count), as: UTF8.self)
      if case .success = scan(cut) { Issue.record("a cut at \(count) was taken") }
    }
  }
}
