import SDCore
import Testing

@testable import SDRuntime

@Suite("A file of API keys that people and programs write")
struct APIKeysEditTests {
  private static let digests = ["a", "b", "c"].map { SecretDigest(of: $0) }
  private static let written = """
    # Who may come in.
    keys:
      - name: studio   # the big one
        sha256: \(digests[0].text)
        rate: 20

      # Ends soon.
      - {name: trial, sha256: \(digests[1].text), tenant: trial}
    """

  @Test("A first key makes a file of its own, that means the key")
  func first() throws {
    let keys = [
      APIKey(
        name: "a \"b\"", digests: [Self.digests[0]], tenant: "t", prefix: "p/q", rate: 0.5, burst: 7, queueLimit: 3,
        mayHurry: false, mayOperate: true, expiresAt: Timestamp(milliseconds: 1_800_000_000_123)),
      APIKey(name: "null", digests: [Self.digests[1]]),
    ]
    var edit = try APIKeysEdit("", path: "keys.yaml")
    for key in keys { try edit.add(key) }
    #expect(try APIKeyRing(yaml: edit.text, path: "keys.yaml").keys == keys)
    #expect(edit.text.hasPrefix("# ") && edit.text.hasSuffix("\n"))
    for key in keys { try edit.revoke(key.name) }
    #expect(try APIKeyRing(yaml: edit.text, path: "keys.yaml").keys.isEmpty)
    try edit.add(keys[1])
    #expect(edit.ring.keys == [keys[1]])
  }

  @Test("What people wrote stays as it is")
  func keeps() throws {
    var edit = try APIKeysEdit(Self.written, path: "keys.yaml")
    try edit.add(APIKey(name: "new", digests: [Self.digests[2]]))
    #expect(edit.text.hasPrefix(Self.written) && edit.ring.keys.map(\.name) == ["studio", "trial", "new"])
    try edit.revoke("studio")
    #expect(edit.text.hasPrefix("# Who may come in.\nkeys:\n\n  # Ends soon.\n  - {name: trial"))
    #expect(edit.ring.keys.map(\.name) == ["trial", "new"])
  }

  @Test("A key is opened by one more secret, and then by the newest alone")
  func rotation() throws {
    var edit = try APIKeysEdit(Self.written, path: "keys.yaml")
    try edit.add(Self.digests[2], to: "studio")
    #expect(edit.ring.key(for: "a", at: .init(milliseconds: 0))?.name == "studio")
    #expect(edit.ring.key(for: "c", at: .init(milliseconds: 0))?.rate == 20)
    try edit.revoke("studio", keepingNewest: true)
    #expect(edit.ring.keys.first?.digests == [Self.digests[2]])
    #expect(edit.text.contains("name: studio   # the big one"))
  }

  @Test("What cannot be done is said, and changes nothing")
  func refuses() throws {
    var edit = try APIKeysEdit(Self.written, path: "keys.yaml")
    // Its entry stands on one line: nothing to put a list into without writing it anew.
    let unsupported = #expect(throws: SDError.self) { try edit.add(Self.digests[2], to: "trial") }
    #expect(unsupported?.code == .unsupported)
    let missing = #expect(throws: SDError.self) { try edit.revoke("nobody") }
    #expect(missing?.code == .notFound)
    let double = #expect(throws: SDError.self) { try edit.add(APIKey(name: "studio", digests: [Self.digests[2]])) }
    #expect(double?.code == .configuration)
    #expect(edit.text == Self.written)
    #expect(throws: SDError.self) { try APIKeysEdit("keys: x", path: "keys.yaml") }
  }
}
