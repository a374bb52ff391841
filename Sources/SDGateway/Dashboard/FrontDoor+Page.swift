import HTTPTypes
import SDCore

extension FrontDoor {
  private static let shown = 24

  /// Whether a request is a person's who opens the server's address: the reference has nothing but POST here, and its
  /// clients go on hearing so.
  func asksForPage(_ request: GatewayRequest, _ route: Route) -> Bool {
    route == .root && (request.method == .get || request.method == .head)
      && request.headers[.accept]?.contains("text/html") == true
  }

  /// The page at `/`: runtimes and the newest tasks, by itself anew every few seconds.
  ///
  /// A dashboard is to take its place.
  func page(_ request: GatewayRequest) async throws -> GatewayResponse {
    let tasks = try await services.ledger.page(LedgerQuery(tenant: request.caller.tenant, limit: Self.shown)).records
    let html = FrontPage(runtimes: services.submissions.catalog.runtimes, tasks: tasks.map(view)).html
    return GatewayResponse(
      .ok,
      headers: [
        .contentType: "text/html; charset=utf-8", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
        .contentSecurityPolicy:
          "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
      ], body: .bytes(Array(html.utf8)))
  }
}

/// The page as HTML; every text of others' making is escaped.
private struct FrontPage {
  var runtimes: [RuntimeDescription]
  var tasks: [TaskView]

  var html: String {
    """
    <!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
    <meta name="viewport" content="width=device-width, initial-scale=1"><title>Stable Diffusion on demand</title>
    <style>\(Self.style)</style></head><body><main><h1>Stable Diffusion on demand</h1>
    <p>Submit a task: <code>sdctl submit --prompt "a lighthouse" --wait --out .</code>
    Read more of it under <a href="/v1/tasks">/v1/tasks</a> and <a href="/v1/runtimes">/v1/runtimes</a>.</p>
    <h2>Runtimes</h2><ul>\(runtimes.map(item).joined())</ul>
    <h2>Tasks</h2>\(tasks.isEmpty ? "<p>None yet.</p>" : "<ul class=\"tasks\">\(tasks.map(card).joined())</ul>")
    </main></body></html>
    """
  }

  private static let style = """
    :root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0}main{max-width:64rem;margin:auto;\
    padding:1rem}ul.tasks{display:grid;grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:1rem;padding:0;\
    list-style:none}.tasks img{width:100%;height:auto;border-radius:.4rem}.tasks small{display:block;\
    overflow-wrap:anywhere}
    """

  private func item(_ runtime: RuntimeDescription) -> String {
    let model = runtime.model.map { ", \(HTMLText.escaped($0))" } ?? ""
    return "<li><b>\(HTMLText.escaped(runtime.name))</b> (\(HTMLText.escaped(runtime.engine))\(model))</li>"
  }

  private func card(_ task: TaskView) -> String {
    let picture = task.outputs.first { $0.contentType.hasPrefix("image/") }.map { output in
      "<a href=\"\(HTMLText.escaped(output.url))\"><img src=\"\(HTMLText.escaped(output.url))\" loading=\"lazy\" alt=\"\""
        + size(output) + "></a>"
    }
    let error = task.error.map { "<small>\(HTMLText.escaped($0.message))</small>" } ?? ""
    return "<li>\(picture ?? "")<a href=\"/v1/tasks/\(HTMLText.escaped(task.id))\">\(HTMLText.escaped(task.id))</a>"
      + "<small>\(task.state.rawValue), \(task.type.rawValue)</small>\(error)</li>"
  }

  private func size(_ output: TaskView.Output) -> String {
    guard let width = output.width, let height = output.height else { return "" }
    return " width=\"\(width)\" height=\"\(height)\""
  }
}
