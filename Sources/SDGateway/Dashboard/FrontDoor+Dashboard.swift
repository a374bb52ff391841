import HTTPTypes
import SDCore

extension FrontDoor {
  /// Whether a request is a person's who opens the server's address: the reference has nothing but POST here, and its
  /// clients go on hearing so.
  func asksForPage(_ request: GatewayRequest, _ route: Route) -> Bool {
    configuration.dashboard && route == .root && (request.method == .get || request.method == .head)
      && request.headers[.accept]?.contains("text/html") == true
  }

  /// `GET /` and `GET /dashboard/{file}`: the page and its parts, which are for everybody; what they show is not.
  func page(_ name: String, _ request: GatewayRequest) -> GatewayResponse {
    guard let file = DashboardFile.all[name] else {
      return Problem(.notFound, "the dashboard has no such file").response(instance: request.path)
    }
    var headers: HTTPFields = [
      .contentType: file.type, .eTag: file.tag, .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
      .referrerPolicy: "no-referrer",
    ]
    if name == "index.html" { headers[.contentSecurityPolicy] = DashboardFile.policy }
    if request.headers[.ifNoneMatch]?.contains(file.tag) == true {
      return GatewayResponse(.notModified, headers: headers)
    }
    return GatewayResponse(.ok, headers: headers, body: .bytes(file.bytes))
  }
}

/// A file of the dashboard; they are compiled into the program, which so needs nothing beside it.
struct DashboardFile: Sendable {
  let type: String
  let bytes: [UInt8]
  /// Its entity's tag.
  let tag: String

  private init(_ type: String, _ bytes: [UInt8]) {
    (self.type, self.bytes) = (type, bytes)
    tag = "\"\(SecretDigest(of: String(decoding: bytes, as: UTF8.self)).text.prefix(16))\""
  }

  /// Nothing from elsewhere, no script or style in the page itself, and no text that becomes markup.
  static let policy = [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:", "connect-src 'self'",
    "require-trusted-types-for 'script'", "trusted-types 'none'", "base-uri 'none'", "form-action 'none'",
    "frame-ancestors 'none'",
  ].joined(separator: "; ")

  private static let script = "text/javascript; charset=utf-8"

  /// The files by their names.
  static let all: [String: DashboardFile] = [
    "index.html": .init("text/html; charset=utf-8", PackageResources.index_html),
    "base.css": .init("text/css; charset=utf-8", PackageResources.base_css),
    "parts.css": .init("text/css; charset=utf-8", PackageResources.parts_css),
    "icon.svg": .init("image/svg+xml", PackageResources.icon_svg),
    "theme.js": .init(script, PackageResources.theme_js),
    "app.js": .init(script, PackageResources.app_js),
    "api.js": .init(script, PackageResources.api_js),
    "dom.js": .init(script, PackageResources.dom_js),
    "format.js": .init(script, PackageResources.format_js),
    "stream.js": .init(script, PackageResources.stream_js),
    "json.js": .init(script, PackageResources.json_js),
    "live.js": .init(script, PackageResources.live_js),
    "pieces.js": .init(script, PackageResources.pieces_js),
    "examples.js": .init(script, PackageResources.examples_js),
    "fields.js": .init(script, PackageResources.fields_js),
    "form.js": .init(script, PackageResources.form_js),
    "overview.js": .init(script, PackageResources.overview_js),
    "gallery.js": .init(script, PackageResources.gallery_js),
    "task.js": .init(script, PackageResources.task_js),
    "waterfall.js": .init(script, PackageResources.waterfall_js),
    "letters.js": .init(script, PackageResources.letters_js),
  ]
}

extension HTTPField.Name {
  fileprivate static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}
