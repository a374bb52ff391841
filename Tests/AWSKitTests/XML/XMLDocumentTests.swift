import Foundation
import Testing

@testable import AWSKit

struct XMLDocumentTests {
  func parse(_ text: String, limits: XMLDocument.Limits = .init()) throws(AWSError) -> XMLElement {
    try XMLDocument(Array(text.utf8), limits: limits).root
  }

  @Test func elementsAndLeavesAreRead() throws {
    let root = try parse(
      """
      <?xml version="1.0" encoding="UTF-8"?>
      <!-- a comment -->
      <List xmlns="http://s3.amazonaws.com/doc/2006-03-01/" xmlns:x="urn:x">
        <IsTruncated>false</IsTruncated><Empty/><Blank>  </Blank>
        <x:Key a="1">a &lt;b&gt; &amp; &#x65e5;&#10;<![CDATA[<c>&amp;]]><!-- no -->d</x:Key>
        <Item><Size>12</Size></Item><Item><Size>13</Size></Item>
      </List>
      """)
    #expect(root.name == "List")
    #expect(try root.bool("IsTruncated") == false)
    #expect(root.string("Empty") == "")
    #expect(root.string("Blank") == "  ")
    #expect(root.string("Key") == "a <b> & 日\n<c>&amp;d")
    #expect(root.string("Missing") == nil)
    #expect(try root.flat("Item") { element throws(AWSError) in try element.integer("Size") ?? 0 } == [12, 13])
    #expect(root.text == "")
    #expect(root.children.map(\.name) == ["IsTruncated", "Empty", "Blank", "Key", "Item", "Item"])
  }

  @Test func anElementKeepsItsDocumentAlive() throws {
    func leaf() throws -> XMLElement { try #require(try parse("<a><b><c>text</c></b></a>")["b"]?["c"]) }
    #expect(try leaf().text == "text")
  }

  @Test func otherEncodingsAreRead() throws {
    let latin = Array("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>".utf8) + [0xE4] + Array("</a>".utf8)
    #expect(try XMLDocument(latin).root.text == "ä")
    let marked: [UInt8] = [0xEF, 0xBB, 0xBF] + Array("<a>ä</a>".utf8)
    #expect(try XMLDocument(marked).root.text == "ä")
  }

  @Test(arguments: [
    "", " ", "<", "<a>", "<a></b>", "<a/><b/>", "text", "<a>&undefined;</a>", "<a>\u{1}</a>", "<a b='1' b='2'/>",
    "<a/>x", "{}",
    "<a>&#0;</a>", "<?xml version='1.0'?>",
  ])
  func whatIsNoXMLIsAnError(text: String) {
    #expect(throws: AWSError.self) { try parse(text) }
  }

  @Test(arguments: [
    "<!DOCTYPE a><a/>", "<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/x.dtd'><a/>",
    "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
    "<!DOCTYPE a [<!ENTITY e0 'aaaaaaaaaa'>"
      + (1...30).map { "<!ENTITY e\($0) '\(String(repeating: "&e\($0 - 1);", count: 10))'>" }.joined()
      + "]><a>&e30;</a>",
  ])
  func attack5ADoctypeIsRefused(text: String) {
    let error = #expect(throws: AWSError.self) { try parse(text) }
    #expect(error?.message.contains("DOCTYPE") == true || error?.message.contains("libxml2") == true)
    #expect(error?.message.contains("root:") == false)
  }

  @Test func depthSizeAndNumberOfElementsAreBounded() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "<a>", count: depth) + "x" + String(repeating: "</a>", count: depth)
    }
    _ = try parse(nested(64))
    for depth in [65, 200, 300, 100_000] {
      #expect(throws: AWSError.self) { try parse(nested(depth)) }
    }
    _ = try parse("<a><b/><b/></a>", limits: .init(elements: 3))
    #expect(throws: AWSError.self) { try parse("<a><b/><b/></a>", limits: .init(elements: 2)) }
    #expect(throws: AWSError.self) { try parse("<a>12345</a>", limits: .init(bytes: 11)) }
  }

  @Test func anErrorTellsNoTextOfTheDocument() {
    let error = #expect(throws: AWSError.self) { try parse("<secret>hidden</other>") }
    #expect(error?.message.contains("secret") == false && error?.message.contains("hidden") == false)
  }

  @Test func everyPrefixOfADocumentIsAnErrorAndNoCrash() throws {
    let text = Array("<a><b c='d'>e&amp;f</b><![CDATA[x]]><g/>é</a>".utf8)
    for length in 0..<text.count { #expect(throws: AWSError.self) { try XMLDocument(text[..<length]) } }
    _ = try XMLDocument(text)
  }

  @Test func manyThreadsReadAtOnce() async {
    let text = Array(("<l>" + String(repeating: "<k>value</k>", count: 500) + "</l>").utf8)
    let counts = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<32 { group.addTask { (try? XMLDocument(text).root.children.reduce(0) { n, _ in n + 1 }) ?? -1 } }
      return await group.reduce(into: [Int]()) { $0.append($1) }
    }
    #expect(counts == Array(repeating: 500, count: 32))
  }

  /// Everything that was read, or why not.
  private static func account(_ text: [UInt8]) -> String {
    func tell(_ element: XMLElement) -> String {
      "\(element.name)=\(element.text)[\(element.children.map(tell).joined(separator: ","))]"
    }
    do { return tell(try XMLDocument(text).root) } catch { return error.message }
  }

  /// Runs on a thread that has read nothing yet.
  private static func onNewThread<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in
      Thread { continuation.resume(returning: body()) }.start()
    }
  }

  private static let variousDocuments: [[UInt8]] = {
    let texts: [String] = [
      "<a><b>text</b></a>", "<a xmlns='urn:x' xmlns:p='urn:y'><p:b p:c='d'>e</p:b></a>", "<a><p:b/></a>", "<a>",
      "<a/>x",
      "<!DOCTYPE a [<!ENTITY e 'text'>]><a>&e;</a>", "<a>&e;</a>", "<a><![CDATA[<b>]]>&amp;</a>",
      "<?xml version='1.0' standalone='yes'?><a/>", "<?xml version='1.1'?><a/>", "<a xml:space='preserve'> </a>",
      String(repeating: "<a>", count: 100) + String(repeating: "</a>", count: 100),
      "<a>" + String(repeating: "<b>long</b>", count: 10_000) + "</a>",
    ]
    var documents: [[UInt8]] = texts.map { Array($0.utf8) }
    documents.append(Array("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>".utf8) + [0xE4] + Array("</a>".utf8))
    documents.append([0xFF, 0xFE] + "<a>ä</a>".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
    documents.append(Array("<a>".utf8) + [0xE4] + Array("</a>".utf8))
    return documents
  }()

  /// A thread keeps its parser for the next document.
  @Test(arguments: variousDocuments.indices)
  func aDocumentLeavesNothingBehindInTheParser(first: Int) async {
    for second in Self.variousDocuments {
      let alone = await Self.onNewThread { Self.account(second) }
      let after = await Self.onNewThread {
        _ = Self.account(Self.variousDocuments[first])
        return Self.account(second)
      }
      #expect(after == alone)
    }
  }

  /// More different names than one parser takes: its dictionary ends at 10 MB.
  @Test func namesOfOneDocumentTakeNoRoomFromTheNext() async {
    let isRead = await Self.onNewThread {
      (0..<600).map { document in
        let names = (0..<600).map { "<a\(document)_\($0)_\(String(repeating: "x", count: 80))/>" }
        return (try? XMLDocument(Array(("<l>" + names.joined() + "</l>").utf8))) != nil
      }
    }
    #expect(isRead == Array(repeating: true, count: 600))
  }

  @Test func valuesThatAreNoneAreErrors() throws {
    let root = try parse("<a><n>x</n><b>maybe</b><d>soon</d><e>!</e><big>99999999999999999999</big></a>")
    #expect(throws: AWSError.self) { try root.integer("n") }
    #expect(throws: AWSError.self) { try root.integer("big") }
    #expect(throws: AWSError.self) { try root.bool("b") }
    #expect(throws: AWSError.self) { try root.date("d") }
    #expect(throws: AWSError.self) { try root.required("none") }
  }
}
