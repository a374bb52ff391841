import LocalPlugins
import SDCore
import SDTestKit
import Testing

/// The contract's own suite, over two stores on one directory.
@Suite struct ObjectConformanceTests {
  static let suite = ObjectStoreConformance {
    let directory = try TemporaryDirectory()
    func store() throws -> FileObjectStore {
      try FileObjectStore(directory: directory.path, publicURL: "http://127.0.0.1:1/files", logger: silent)
    }
    return .init(store: try store(), rival: try store(), close: { _ = directory })
  }

  @Test(arguments: suite.cases) func conforms(_ testCase: ObjectStoreConformance.Case) async throws {
    try await Self.suite.run(testCase)
  }
}
