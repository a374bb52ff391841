import HTTPTransport
import SDCore
import SDTestKit

@testable import BackendPlugins

extension InferenceRequest {
  /// A request as a worker would make it.
  static func make(
    _ content: JSONValue, type: TaskType = .textToImage, model: String? = nil, mayLoadModel: Bool = false,
    attempt: Int = 1, seed: UInt64 = 99, id: String = "307"
  ) -> InferenceRequest {
    InferenceRequest(
      key: RunKey(TaskKey(id: id), run: 1), attempt: attempt, type: type, model: model, mayLoadModel: mayLoadModel,
      content: content, seed: seed)
  }
}

extension InferenceBackend {
  /// Prepares, runs and finishes, as a worker does.
  func make(_ request: InferenceRequest) async throws -> InferenceResult {
    try await run(try await prepare(request), onAnswer: {}).finish()
  }

  /// The error that a request ends with.
  func failure(of request: InferenceRequest) async -> TaskError? {
    do {
      _ = try await make(request)
      return nil
    } catch {
      return error as? TaskError
    }
  }
}

/// The error that fetching an input ends with.
func failure(_ source: HTTPInputSource, _ reference: String) async -> TaskError? {
  do {
    _ = try await source.fetch(reference)
    return nil
  } catch {
    return error as? TaskError
  }
}

/// A small picture that tells its seed as web UIs do.
func picture(_ seed: UInt64 = 1, _ width: Int = 16, _ height: Int = 16) throws -> [UInt8] {
  try TestPattern(prompt: "p", seed: seed, width: width, height: height).png()
}

/// Runs a body with a transport that is shut down afterwards.
func withTransport<Result>(_ body: (CurlTransport) async throws -> Result) async throws -> Result {
  let transport = CurlTransport()
  do {
    let result = try await body(transport)
    await transport.shutdown()
    return result
  } catch {
    await transport.shutdown()
    throw error
  }
}
