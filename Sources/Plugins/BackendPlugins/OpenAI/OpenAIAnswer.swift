import HTTPTransport
import HTTPTypes
import SDCore

/// An OpenAI-style server's answer, taken apart.
enum OpenAIAnswer {
  /// The result that an answer's bytes hold; pictures that are only pointed to are fetched.
  ///
  /// - Throws: `output_invalid` for what is no such answer, and for fewer pictures than were asked for.
  static func result(
    of answer: consuming [UInt8], _ wanted: Int, _ fetcher: OpenAIFetcher
  ) async throws -> InferenceResult {
    let contents = try ImageAnswer.decode(&answer)
    let bytes = answer
    var pictures = contents.images.map { bytes[$0] }
    for entry in contents.rest["data"]?.array ?? [] {
      if let url = entry["url"]?.string { pictures.append(try await fetcher.fetch(url)[...]) }
    }
    guard !pictures.isEmpty else {
      throw TaskError(
        .outputInvalid, .deliver, "the engine answered without a picture", reason: ImageAnswer.complaint(contents.rest))
    }
    guard pictures.count >= wanted else {
      throw TaskError(
        .outputInvalid, .deliver, "the engine made \(pictures.count) of \(wanted) pictures without saying why")
    }
    // stable-diffusion.cpp says in the picture what the dialect has no place for.
    let told = pictures.map { Infotext(png: $0) }
    var outputs: [InferenceOutput] = []
    for (index, picture) in pictures.enumerated() {
      outputs.append(try .verified(picture, role: .image, seed: told[index]?.seed, number: index + 1))
    }
    return InferenceResult(
      outputs: outputs, info: JSONValue.object(contents.rest).withoutImages, engine: told[0]?["Version"],
      model: told[0]?["Model"] ?? told[0]?["Unet"].map { ModelName($0).stem }, sampler: told[0]?["Sampler"])
  }
}

/// Brings in pictures that an answer only points to: from the engine itself, or from public addresses.
struct OpenAIFetcher: Sendable {
  private let transport: any Transport
  private let authority: String?

  init(_ client: EngineClient) {
    transport = client.transport
    authority = InputURL(client.base)?.authority
  }

  func fetch(_ text: String) async throws -> [UInt8] {
    guard let url = InputURL(text) else {
      throw TaskError(.outputInvalid, .deliver, "the engine points to a picture by what is no URL")
    }
    var options = TransferOptions(totalTimeout: .seconds(120), maximumResponseBytes: 512 << 20)
    options.connectTimeout = .seconds(10)
    if url.authority != authority { options.policy = PublicAddressPolicy() }
    do {
      let (head, bytes) = try await transport.send(try .init(url: url.text), upTo: 512 << 20, options: options)
      guard head.status.code == 200 else {
        throw TaskError(
          .outputInvalid, .deliver, "\(url.shown), where the picture should be, answered \(head.status.code)")
      }
      return bytes
    } catch let error as TransportError {
      if error.code == .cancelled { throw CancellationError() }
      throw TaskError(.outputInvalid, .deliver, "\(url.shown), where the picture should be: \(error.message)")
    }
  }
}
