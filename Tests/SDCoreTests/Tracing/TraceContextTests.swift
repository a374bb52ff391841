import SDCore
import SDTestKit
import Testing
import Tracing

@Suite struct TraceContextTests {
  static let digits = "4bf92f3577b34da6a3ce929d0e0e4736"
  static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
  static let xray = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1"

  @Test("A trace's first four bytes are the second it began in, and its ids differ")
  func makingIDs() throws {
    let time = Timestamp(milliseconds: 0x6512_3456 * 1000 + 999)
    let ids = (0..<1000).map { _ in TraceID.make(at: time) }
    #expect(Set(ids).count == 1000)
    #expect(ids.allSatisfy { $0.description.hasPrefix("65123456") && $0.xray.hasPrefix("1-65123456-") })
    #expect(ids.allSatisfy { TraceID($0.description) == $0 && TraceID(xray: $0.xray) == $0 })
    let spans = (0..<1000).map { _ in SpanID.make() }
    #expect(Set(spans).count == 1000 && spans.allSatisfy { SpanID($0.description) == $0 })
  }

  @Test("Both headers say the same, and are read as they are written")
  func roundTrips() throws {
    let context = try #require(TraceContext(traceparent: Self.parent))
    #expect(context.traceID.description == Self.digits && context.spanID?.description == "00f067aa0ba902b7")
    #expect(context.isSampled == true && context.isRemote)
    #expect(context.traceparent == Self.parent && context.xray == Self.xray)
    #expect(TraceContext(xray: Self.xray) == context)
    for sampled in [true, false] {
      for _ in 0..<200 {
        let made = TraceContext(
          traceID: .make(at: Timestamp(milliseconds: .random(in: 0...4_000_000_000_000))), spanID: .make(),
          isSampled: sampled, isRemote: true)
        #expect(TraceContext(traceparent: try #require(made.traceparent)) == made)
        #expect(TraceContext(xray: made.xray) == made)
      }
    }
  }

  static let malformed: [String] = [
    "", "00", "00-", "\(parent)0", "\(parent)-extra", "ff\(parent.dropFirst(2))", "0\(parent)",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-\(digits)-0000000000000000-01",
    "01\(parent.dropFirst(2))x", " \(parent)", "\(parent) ", "\(parent)\n", "\(parent.dropLast())",
    "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01", "0x\(parent.dropFirst(2))",
    parent.uppercased(), parent.replacing("-", with: "_"),
  ]

  @Test("A traceparent that breaks a rule is none", arguments: malformed)
  func malformedW3C(_ header: String) { #expect(TraceContext(traceparent: header) == nil) }

  @Test("Versions to come are read as far as we know them, and flags we do not know are not passed on")
  func laterVersions() throws {
    let later = try #require(TraceContext(traceparent: "cc-\(Self.digits)-00f067aa0ba902b7-03-what-the-future-holds"))
    #expect(later.isSampled == true && later.traceparent == Self.parent)
    #expect(TraceContext(traceparent: "00-\(Self.digits)-00f067aa0ba902b7-fe")?.isSampled == false)
  }

  @Test("X-Ray's header may leave out all but the root, and have fields of others")
  func partialXRay() throws {
    let root = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736"
    let bare = try #require(TraceContext(xray: root))
    #expect(bare.spanID == nil && bare.isSampled == nil && bare.traceparent == nil && bare.xray == root)
    #expect(TraceContext(xray: "Self=1-x-y; \(root) ;Lineage=a:b|1:0;;Sampled=?")?.xray == root)
    #expect(TraceContext(xray: "\(root);Parent=xyz;Sampled=0")?.xray == "\(root);Sampled=0")
    let upper = TraceContext(xray: "Root=1-4BF92F35-77B34DA6A3CE929D0E0E4736;Parent=00F067AA0BA902B7;Sampled=1")
    #expect(upper?.xray == Self.xray)
  }

  @Test(
    "An X-Ray header without a valid root is none",
    arguments: [
      "", "Root", "Root=", "Root=1", "Root=2-4bf92f35-77b34da6a3ce929d0e0e4736", "Parent=00f067aa0ba902b7;Sampled=1",
      "Root=1-4bf92f3-577b34da6a3ce929d0e0e4736", "Root=1-00000000-000000000000000000000000",
      "Root=1-4bf92f35-77b34da6a3ce929d0e0e473g", "Root=1-4bf92f35-77b34da6a3ce929d0e0e47366", "=;=;=",
      "Root=1-é4bf92f3-77b34da6a3ce929d0e0e4736",
    ])
  func malformedXRay(_ header: String) { #expect(TraceContext(xray: header) == nil) }

  @Test("A header longer than any honest one is not looked at")
  func longHeaders() {
    let long = String(repeating: ";", count: 100_000)
    #expect(TraceContext(xray: long) == nil && TraceContext(traceparent: long) == nil)
    #expect(TraceContext(xray: Self.xray + String(repeating: ";", count: 900)) != nil)
    #expect(TraceContext(xray: Self.xray + long) == nil)
    #expect(TraceContext(traceparent: "01\(Self.parent.dropFirst(2))-\(long)") == nil)
  }

  @Test("tracestate travels unread, and not at all where it could harm")
  func traceState() throws {
    let context = try #require(TraceContext(traceparent: Self.parent, tracestate: "rojo=00f0,congo=t61"))
    #expect(context.messageAttributes["tracestate"] == "rojo=00f0,congo=t61")
    for bad in ["", "a=b\r\nX-Evil: 1", "a=\u{0}", "é=1", String(repeating: "a", count: 513)] {
      let context = TraceContext(traceparent: Self.parent, tracestate: bad)
      #expect(context != nil && context?.state == nil)
    }
    var changed = context
    changed.state = "a=\n"
    #expect(changed.state == nil)
  }

  @Test("A message carries its context both ways, and the sender's own comes before what services add")
  func messages() throws {
    let context = try #require(TraceContext(traceparent: Self.parent, tracestate: "a=b"))
    #expect(
      context.messageAttributes == [
        "traceparent": .string(Self.parent), "AWSTraceHeader": .string(Self.xray), "tracestate": "a=b",
      ])
    #expect(TraceContext(attributes: context.messageAttributes) == context)
    #expect(TraceContext(attributes: ["AWSTraceHeader": .string(Self.xray)])?.traceparent == Self.parent)
    #expect(TraceContext(attributes: ["AWSTraceHeader": .string(Self.xray), "traceparent": "junk"]) != nil)
    #expect(TraceContext(attributes: ["traceparent": .binary(Array(Self.parent.utf8))]) == nil)
    #expect(TraceContext(attributes: [:]) == nil)
    let other = "Root=1-00000001-000000000000000000000001;Sampled=0"
    let both: MessageAttributes = ["traceparent": .string(Self.parent), "X-Amzn-Trace-Id": .string(other)]
    #expect(TraceContext(attributes: both)?.traceparent == Self.parent)
  }

  @Test("Whatever stands in a header, reading it ends in a context that can be written, or in none")
  func fuzz() {
    var random = Seeded(state: 20_260_801)
    let seeds = [Self.parent, Self.xray, "cc-" + Self.parent.dropFirst(3) + "-x", "Root=1-;;Parent=;Sampled=?"]
    let alphabet = Array("0123456789abcdefABCDEF-=;,?RootParentSampled \t\r\n\u{0}é😀\u{301}\u{202E}")
    var read = 0
    for _ in 0..<20_000 {
      var text = Array(seeds.randomElement(using: &random) ?? "")
      for _ in 0..<Int.random(in: 0...6, using: &random) where !text.isEmpty {
        let at = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text[at] = alphabet.randomElement(using: &random) ?? "0"
        case 1: text.remove(at: at)
        case 2: text.insert(alphabet.randomElement(using: &random) ?? "0", at: at)
        default: text.removeSubrange(at...)
        }
      }
      let header = String(text)
      for context in [
        TraceContext(traceparent: header, tracestate: header), TraceContext(xray: header),
        TraceContext(attributes: ["traceparent": .string(header), "AWSTraceHeader": .string(header)]),
      ] {
        guard let context else { continue }
        read += 1
        #expect(TraceContext(xray: context.xray)?.traceID == context.traceID, "\(header)")
        if let parent = context.traceparent { #expect(TraceContext(traceparent: parent)?.spanID == context.spanID) }
        #expect(context.xray.utf8.allSatisfy { (0x21...0x7E).contains($0) })
      }
    }
    #expect(read > 1000)
  }
}

/// A generator that gives the same numbers each time (SplitMix64).
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
