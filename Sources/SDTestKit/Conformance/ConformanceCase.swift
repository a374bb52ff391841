import SDCore

/// One behaviour that every plugin of a contract must show, with the code that looks for it.
///
/// A test target runs a suite with one parameterised test:
/// ```swift
/// @Test(arguments: suite.cases) func conforms(_ case: MessageQueueConformance.Case) async throws {
///   try await suite.run(`case`)
/// }
/// ```
public struct ConformanceCase<Suite: Sendable>: Sendable, CustomStringConvertible {
  /// The behaviour, as a sentence.
  public var name: String
  /// Whether a suite's plugin has what the case is about.
  var applies: @Sendable (Suite) -> Bool
  var body: @Sendable (Suite) async throws -> Void

  init(
    _ name: String, where applies: @escaping @Sendable (Suite) -> Bool = { _ in true },
    _ body: @escaping @Sendable (Suite) async throws -> Void
  ) {
    (self.name, self.applies, self.body) = (name, applies, body)
  }

  public var description: String { name }
}

/// A behaviour that was not as it should be.
public struct ConformanceFailure: Error, CustomStringConvertible {
  /// What was expected, what came, and where.
  public var description: String

  init(_ message: String, _ file: StaticString, _ line: UInt) { description = "\(message) (\(file):\(line))" }
}

func expect(
  _ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) throws {
  guard condition else { throw ConformanceFailure(message(), file, line) }
}

func expectEqual<T: Equatable>(
  _ actual: T, _ expected: T, _ what: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) throws {
  guard actual != expected else { return }
  throw ConformanceFailure("\(what()): expected \(brief(expected)), got \(brief(actual))", file, line)
}

func unwrap<T>(
  _ value: T?, _ what: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) throws -> T {
  guard let value else { throw ConformanceFailure("\(what()) is missing", file, line) }
  return value
}

/// Expects an `SDError` of one of the codes, and answers it.
@discardableResult
func expectError(
  _ codes: SDError.Code..., from what: String, file: StaticString = #fileID, line: UInt = #line,
  _ body: () async throws -> some Any
) async throws -> SDError {
  let names = codes.map(\.rawValue).joined(separator: " or ")
  do {
    _ = try await body()
  } catch let error as SDError {
    guard codes.contains(error.code) else {
      throw ConformanceFailure("\(what): expected \(names), got \(error)", file, line)
    }
    return error
  } catch {
    throw ConformanceFailure("\(what): expected an SDError of \(names), got \(type(of: error)): \(error)", file, line)
  }
  throw ConformanceFailure("\(what): expected \(names), but it succeeded", file, line)
}

private func brief(_ value: some Any) -> String {
  let text = "\(value)"
  return text.utf8.count > 400 ? "\(text.prefix(400))... (\(text.utf8.count) bytes)" : text
}
