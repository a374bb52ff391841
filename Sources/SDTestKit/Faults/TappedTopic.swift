public import SDCore

/// A topic on whose publications a test steps in, by their notice's id, before they are made.
public struct TappedTopic: EventTopic {
  /// Where to step in.
  public let tap = Tap<String>()
  private let inner: any EventTopic

  /// A topic on another.
  public init(_ inner: any EventTopic) { self.inner = inner }

  public var name: String { inner.name }
  public var maximumBytes: Int { inner.maximumBytes }

  @discardableResult
  public func publish(_ publication: Publication) async throws -> String {
    try await tap.pass(publication.attributes[Notice.idAttribute]?.text ?? "")
    return try await inner.publish(publication)
  }
}
