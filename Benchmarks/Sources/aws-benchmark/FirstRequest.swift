import BenchmarkKit

/// Takes the head of a signed request, and answers nothing.
struct FirstRequest {
  private let listener: Listener
  var endpoint: String { "http://127.0.0.1:\(listener.port)" }

  init() throws { listener = try Listener() }

  /// Waits for the next connection and its request's head.
  func wait() throws {
    guard let (head, _) = try listener.accept().request() else {
      throw Child.Failure("the first request did not come")
    }
    guard head.contains(where: { $0.contains("Signature=") }) else {
      throw Child.Failure("the first request is not signed")
    }
  }
}
