public import HTTPTransport
import HTTPTypes
public import SDCore
import Synchronization

/// The servers that speak OpenAI's image API: `POST /v1/images/generations` and `/v1/images/edits`.
///
/// The dialect has no seed, no progress and no cancel. A task's content goes out as it is; `width` and `height`,
/// `batch_size` and `n_iter`, `init_images` and `mask` are said in the dialect's words. What web UI clients send and the
/// dialect lacks is refused: such a server may leave it out in silence.
public final class OpenAIBackend: InferenceBackend {
  /// The kind of engine.
  public let kind = "openai"
  private let client: EngineClient

  private enum Limit {
    static let question = Duration.seconds(10)
    static let answer = 512 << 20
    static let complaint = 1 << 20
  }

  /// A backend for the server at an address; nothing is sent yet.
  ///
  /// - Parameters:
  ///   - base: `http://host:port`, with or without `/v1` behind it.
  ///   - transport: what carries the requests.
  ///   - key: the API key, sent as a bearer token.
  public init(base: String, transport: any Transport, key: String? = nil) {
    client = EngineClient(base: base, apiPath: "/v1", transport: transport, credentials: key.map { .bearer($0) })
  }

  @concurrent
  public func prepare(_ request: InferenceRequest) async throws -> PreparedInference {
    PreparedInference(
      request: request, payload: try OpenAIBody(request).bytes, name: "\(request.key)#\(request.attempt)")
  }

  @concurrent
  public func run(_ prepared: PreparedInference, onAnswer: @escaping @Sendable () -> Void) async throws
    -> InferenceAnswer
  {
    let route = try OpenAIBody.route(of: prepared.request.type)
    let once = Mutex(false)
    let announce: @Sendable () -> Void = {
      let isFirst = once.withLock { has in
        defer { has = true }
        return !has
      }
      if isFirst { onAnswer() }
    }
    var options = TransferOptions()
    options.connectTimeout = .seconds(10)
    options.onFirstByte = { if $0 == 200 { announce() } }
    let bytes = try await answer(to: prepared, route, options)
    announce()
    let held = HeldBytes(bytes)
    let fetcher = OpenAIFetcher(client)
    let wanted = OpenAIBody.pictures(of: prepared.request.content)
    return InferenceAnswer(byteCount: held.count) { try await OpenAIAnswer.result(of: held.take(), wanted, fetcher) }
  }

  private func answer(
    to prepared: PreparedInference, _ route: String, _ options: TransferOptions
  ) async throws -> [UInt8] {
    let response: TransportResponse
    do {
      var request = try client.request(.post, route)
      request.headerFields[.contentType] = OpenAIBody.contentType(of: prepared.payload)
      response = try await client.transport.execute(request, body: .bytes(prepared.payload), options: options)
    } catch {
      throw EngineFault.lost(error, doing: "POST \(route)")
    }
    let status = response.head.status.code
    do {
      let bytes = try await response.body.collect(upTo: status == 200 ? Limit.answer : Limit.complaint)
      if status == 200 { return bytes }
      throw EngineFault.refused(status: status, body: bytes, route: route)
    } catch let error as TransportError {
      if status == 200 { throw EngineFault.lost(error, doing: "POST \(route)", hasAnswered: true) }
      if error.code == .cancelled { throw CancellationError() }
      throw EngineFault.refused(status: status, body: [], route: route)
    }
  }

  // MARK: What it is

  public func status() async -> EngineStatus {
    do {
      let answer = try await client.get("models", timeout: Limit.question)
      switch answer.status {
      // Not every server lists its models.
      case 200..<300, 404, 405: return .ready(busy: nil)
      case 401, 403: return .unavailable("the engine refuses the API key (\(answer.status))")
      default: return .unavailable("the engine answered \(answer.status) when asked for its models")
      }
    } catch {
      return .unavailable(error.message)
    }
  }

  public func describe() async throws -> EngineDescription {
    var models: [String] = []
    do {
      let listed = try await client.get("models", timeout: Limit.question).json
      models = (listed?["data"]?.array ?? []).prefix(1000).compactMap { $0["id"]?.string }
    } catch {
      throw error.asEngineAbsence("GET models", .prepare)
    }
    return EngineDescription(
      name: "OpenAI-style", types: [.textToImage, .imageToImage], models: models, reportsProgress: false,
      interrupts: false)
  }
}
