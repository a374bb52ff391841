import FoundationEssentials

/// Runs something with a file of some bytes, removed afterwards.
func withTemporaryFile(_ bytes: [UInt8], _ body: (_ path: String) async throws -> Void) async throws {
  let folder = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
  let path = "\(folder)/sd-test-\(UUID().uuidString)"
  try Data(bytes).write(to: URL(filePath: path))
  defer { try? FileManager.default.removeItem(atPath: path) }
  try await body(path)
}
