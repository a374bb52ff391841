public import HTTPTypes

extension Transport {
  /// Sends a request and receives the whole answer.
  ///
  /// - Parameters:
  ///   - request: as for ``Transport/execute(_:body:options:)``.
  ///   - body: what follows the head.
  ///   - limit: `.tooLarge` is thrown for an answer with more bytes than this.
  ///   - options: deadlines, limits and the connection policy of this exchange.
  /// - Returns: the head, and the body's bytes in one array.
  public func send(
    _ request: HTTPRequest, body: RequestBody = .none, upTo limit: Int, options: TransferOptions = TransferOptions()
  ) async throws(TransportError) -> (head: HTTPResponse, body: [UInt8]) {
    var options = options
    options.collectsUpTo = limit
    let response = try await execute(request, body: body, options: options)
    return (response.head, try await response.body.collect(upTo: limit))
  }
}
