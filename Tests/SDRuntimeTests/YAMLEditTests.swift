import SDCore
import SDRuntime
import Testing

@Suite("An edit of a YAML text") struct YAMLEditTests {
  private static func set(_ value: String, at path: [YAMLEdit.Step], in text: String) throws -> String {
    var edit = try YAMLEdit(text, path: "config.yaml")
    try edit.set(value, at: path)
    return edit.text
  }

  private static let path: [YAMLEdit.Step] = [.key("runtimes"), .index(1), .key("node"), .key("volume"), .key("id")]

  @Test("replaces a value and leaves comments, order and quotes as they are")
  func replaces() throws {
    let text = """
      # above
      runtimes:
        - name: "one"
        - name: two   # the second
          node:
            # ours
            volume: {size: 10}
            other: 'x'
      after: [1, 2]

      """
    #expect(throws: SDError.self) { try Self.set("snap-1", at: Self.path, in: text) }
    let block = text.replacing("volume: {size: 10}", with: "volume:\n        id: snap-0  # old\n        size: 10")
    let edited = try Self.set("snap-1", at: Self.path, in: block)
    #expect(edited == block.replacing("snap-0", with: "snap-1"))
  }

  @Test("replaces a value in quotes with the quotes", arguments: ["\"snap-0\"", "'snap-0'"])
  func quoted(old: String) throws {
    let text = "a: 1\nb: \(old) # c\n"
    #expect(try Self.set("snap-1", at: [.key("b")], in: text) == "a: 1\nb: snap-1 # c\n")
  }

  @Test(
    "makes the mappings that are missing, where their parent ends",
    arguments: [
      (
        "runtimes:\n- name: a\n- name: b\n- name: c\n",
        "runtimes:\n- name: a\n- name: b\n  node:\n    volume:\n      id: s\n- name: c\n"
      ),
      (
        "runtimes:\n  - name: a\n  - name: b\n    node:\n      x: 1\n",
        "runtimes:\n  - name: a\n  - name: b\n    node:\n      x: 1\n      volume:\n        id: s\n"
      ),
      (
        "runtimes:\n  - name: a\n  - name: b\n    node:\nend: 1\n",
        "runtimes:\n  - name: a\n  - name: b\n    node:\n      volume:\n        id: s\nend: 1\n"
      ),
      (
        "runtimes:\n  - name: a\n  - name: b\n    node:\n      volume:\n        id:\n",
        "runtimes:\n  - name: a\n  - name: b\n    node:\n      volume:\n        id: s\n"
      ),
      (
        "runtimes:\n  - name: a\n  - name: b\n    list:\n      - 1\n\n    # a comment\nend: 1\n",
        "runtimes:\n  - name: a\n  - name: b\n    list:\n      - 1\n    node:\n      volume:\n        id: s\n\n    # a comment\nend: 1\n"
      ),
    ])
  func inserts(text: String, expected: String) throws {
    #expect(try Self.set("s", at: Self.path, in: text) == expected)
  }

  @Test(
    "refuses what it does not understand, and says what is to be set by hand",
    arguments: [
      "runtimes: [{name: a}, {name: b}]\n", "runtimes:\n  - name: a\n  - name: b\n    node: text\n",
      "runtimes:\n  - name: a\n", "runtimes:\n  - name: a\n  - &x\n    name: b\n    node: *x\n", "other: 1\n",
    ])
  func refuses(text: String) throws {
    var edit: YAMLEdit
    do { edit = try YAMLEdit(text, path: "config.yaml") } catch { return }
    let error = #expect(throws: SDError.self) { try edit.set("s", at: Self.path) }
    #expect(error?.message.contains("runtimes.[1].node.volume.id to s by hand") == true)
    #expect(edit.text == text)
  }

  @Test("finds values, and counts lists")
  func reads() throws {
    let edit = try YAMLEdit("a:\n  - b: 1\n  - b: two\n", path: "x")
    #expect(try edit.count(at: "a") == 2)
    #expect(try edit.value(at: [.key("a"), .index(1), .key("b")]) == "two")
    #expect(try edit.value(at: [.key("a"), .index(2), .key("b")]) == nil)
    #expect(try edit.count(at: "b") == nil)
    #expect(throws: SDError.self) { try YAMLEdit("a: [", path: "x") }
  }
}
