import SDCore
import Testing

@Suite struct NamingTests {
  @Test(
    "Ids are letters, digits, _ and -, one letter or digit at least",
    arguments: [
      ("307", true), ("a", true), ("A_b-9", true), ("-a", true), ("_1_", true),
      (String(repeating: "x", count: 64), true),
      (String(repeating: "x", count: 65), false), ("", false), ("-", false), ("_-_", false), ("a b", false),
      ("a/b", false), ("a.b", false),
      ("..", false), ("é", false), ("a\u{301}", false), ("a\n", false), ("a\u{0}", false), ("%2e", false),
      ("a+b", false), ("٣", false),
    ])
  func ids(text: String, isID: Bool) {
    #expect(TaskNaming.isTaskID(text) == isID)
    #expect(TaskNaming.isRuntimeName(text) == isID)
  }

  @Test(
    "Names of models are 1 to 256 characters, whatever their bytes, without control characters",
    arguments: [
      ("v1-5-pruned-emaonly.safetensors", true), ("folder/模型 1", true), (String(repeating: "é", count: 256), true),
      (String(repeating: "\u{10FFFD}", count: 256), true), ("", false), (String(repeating: "x", count: 257), false),
      (String(repeating: "e\u{301}", count: 129), false), ("a\u{0}", false), ("a\n", false), ("\u{85}", false),
      ("\u{FFFE}", false),
    ])
  func models(text: String, isModel: Bool) { #expect(TaskNaming.isModelName(text) == isModel) }

  @Test(
    "Prefixes that name folders are taken",
    arguments: [
      "", "a", "a/", "a/b", "a b/c+d", "é/日本", "a/b.c", "a/x.b", "a/b..", "%41", "a/%25",
      String(repeating: "x", count: 512),
    ])
  func takenPrefixes(prefix: String) { #expect(TaskNaming.refusal(ofPrefix: prefix) == nil) }

  @Test(
    "Prefixes that could leave their folder or hide are refused",
    arguments: [
      "/", "/a", "//", "a//b", "a//", ".", "..", ".sd", "a/.", "a/..", "../a", "a/../b", "a/./b", ".hidden/a",
      "a/.hidden", "%2e%2e/a", "a/%2E%2e", "%2e",
      "a\\b", "..\\a", "a\u{0}b", "a\nb", "a\r\nb", "\u{7F}", "/\u{301}a", "a/\u{301}/.b", "a/.\u{301}b", ".\u{301}",
      "a/\u{338}/../b",
      String(repeating: "x", count: 513), String(repeating: "é", count: 257),
    ])
  func refusedPrefixes(prefix: String) { #expect(TaskNaming.refusal(ofPrefix: prefix) != nil) }

  @Test("Objects are named by task and run alone")
  func names() {
    let first = OutputNames(folder: "prefix/307", id: "307", run: 1)
    #expect(first.output(1, fileExtension: ".png") == "prefix/307/307-1.png")
    #expect([first.answer, first.manifest] == ["prefix/307/307.out", "prefix/307/307.json"])
    let second = OutputNames(folder: "prefix/307", id: "307", run: 2)
    #expect(second.output(10, fileExtension: ".jpg") == "prefix/307/307-r2-10.jpg")
    #expect([second.answer, second.manifest] == ["prefix/307/307-r2.out", "prefix/307/307-r2.json"])
  }

  @Test("A run knows its own outputs from another run's, and from another task's")
  func outputs() {
    let first = OutputNames(folder: "f", id: "t", run: 1)
    let second = OutputNames(folder: "f", id: "t", run: 2)
    #expect(first.isOutput("f/t-1.png") && first.isOutput("f/t-12.png") && first.isOutput("f/t-1"))
    for key in [
      "f/t.r2-1.png", "f/t-r2-1.png", "f/t.out", "f/t.json", "f/t-.png", "f/t-x.png", "f/t-1x.png", "f/u-1.png",
      "g/t-1.png",
      "f/t-1\u{301}.png", "t-1.png", "f/t-1.out", "f/t-1.json",
    ] {
      #expect(!first.isOutput(key), "\(key)")
    }
    #expect(second.isOutput("f/t.r2-1.png"))
    #expect(!second.isOutput("f/t-1.png") && !second.isOutput("f/t.r21-1.png") && !second.isOutput("f/t.r3-1.png"))
    #expect(first.output(3, fileExtension: ".png").hasPrefix(first.outputPrefix))
  }

  @Test("No task has the names of another's later run, in whatever folder", arguments: ["a", "x/a", "shared", "x/b-a"])
  func laterRuns(folder: String) {
    let second = OutputNames(folder: folder, id: "a", run: 2)
    let other = OutputNames(folder: folder, id: "a-r2", run: 1)
    let names = [second.answer, second.manifest, second.output(1, fileExtension: ".png")]
    #expect(other.meetsLaterRuns == names.contains(other.answer))
    #expect(other.meetsLaterRuns == other.isOutput(names[2]))
    #expect(!OutputNames(folder: "a-r2", id: "a-r2", run: 1).meetsLaterRuns)
    #expect(!OutputNames(folder: "a", id: "a-rx", run: 1).meetsLaterRuns)
  }

  @Test("A run is told by its id, and by its number past the first")
  func descriptions() {
    #expect(RunKey(TaskKey(tenant: "x", id: "t"), run: 1).description == "t")
    #expect(RunKey(TaskKey(id: "t"), run: 3).description == "t/3")
  }
}
