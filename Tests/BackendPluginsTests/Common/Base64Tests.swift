import Testing

@testable import BackendPlugins

@Suite("Base64 in place")
struct Base64Tests {
  @Test("What is encoded decodes to itself, for every length", arguments: 0...70)
  func everyLength(count: Int) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 251) }
    let text = Base64.encode(bytes)
    #expect(Base64.decode(text) == bytes)
    #expect(Base64.decode(text.filter { $0 != "=" }) == bytes)
    #expect(Base64.decode("data:image/png;base64," + text) == bytes)
    #expect(Base64.decode(text.map { "\($0) \n" }.joined()) == bytes)
  }

  @Test("The RFC's examples")
  func examples() {
    for (bytes, text) in [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
    {
      #expect(Base64.encode(Array(bytes.utf8)) == text)
      #expect(Base64.decode(text) == Array(bytes.utf8))
    }
  }

  @Test(
    "What is not base64 is refused wherever it stands",
    arguments: [
      "Z", "Zg=", "Zg===", "Zm9v=", "Zg==Zg==", "Z%9v", "Zm9vZm9vZm9-", "Zm9vZ", "====", "Zm9vé", "Zm9v\0", "=Zm9",
    ])
  func refused(text: String) { #expect(Base64.decode(text) == nil) }

  @Test("Decoding within a buffer leaves what lies around it")
  func surroundings() {
    var buffer = Array("<<Zm9vYmFy>>".utf8)
    let count = buffer.withUnsafeMutableBufferPointer { Base64.decode(2..<10, in: $0) }
    #expect(count == 6)
    #expect(buffer.prefix(8) == Array("<<foobar".utf8)[...])
    #expect(buffer.suffix(2) == Array(">>".utf8)[...])
  }
}
