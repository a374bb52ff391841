import HTTPTransport

extension AWSError {
  /// An exchange that did not come to its end.
  init(transport error: TransportError) {
    // A body that this library makes fails with an error of its own.
    if error.code == .bodyFailed, let own = error.underlying as? AWSError {
      self = own
      return
    }
    let code: Code =
      switch error.code {
      case .nameNotResolved, .connectionFailed, .connectionLost: .connection
      case .timeout: .timeout
      case .cancelled: .cancelled
      case .tooLarge: .answerTooLarge
      case .invalidRequest: .invalidInput
      case .addressRefused, .tlsFailed, .bodyFailed, .closed: Code(error.code.rawValue)
      }
    self.init(code, error.message, origin: .transport, underlying: error)
  }
}
