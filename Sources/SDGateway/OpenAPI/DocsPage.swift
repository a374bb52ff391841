import SDCore

/// An OpenAPI document as a page to read: no script, nothing from elsewhere.
struct DocsPage {
  private let document: JSONValue

  init(_ document: JSONValue) { self.document = document }

  var html: String {
    let info = document["info"]
    let title = HTMLText.escaped(info?["title"]?.string ?? "API")
    let keys =
      document["security"] == nil
      ? "No API key is asked for here." : "Calls need an API key: `x-api-key: KEY`, or `Authorization: Bearer KEY`."
    return """
      <!doctype html><html lang="en"><head><meta charset="utf-8"><title>\(title): API</title>
      <meta name="viewport" content="width=device-width, initial-scale=1"><style>\(Self.style)</style></head><body>
      <header><h1>\(title)</h1><p>\(prose(info?["description"]))</p>
      <p>\(HTMLText.prose(keys)) The same for machines: <a href="/openapi.json">openapi.json</a>.</p></header>
      <nav aria-label="Calls"><ul>\(operations.map(\.link).joined())</ul></nav><main>
      \(operations.map(section).joined(separator: "\n"))
      <h2>Bodies</h2>
      \(schemas.map(schema).joined(separator: "\n"))
      </main></body></html>
      """
  }

  // MARK: Calls

  private struct Operation {
    var path: String
    var method: String
    var json: JSONValue
    var shared: [JSONValue]
    var anchor: String { json["operationId"]?.string ?? path }
    var name: String { "<b>\(method.uppercased())</b> <code>\(HTMLText.escaped(path))</code>" }
    var link: String { "<li><a href=\"#\(HTMLText.escaped(anchor))\">\(name)</a></li>" }
  }

  private var operations: [Operation] {
    (document["paths"]?.object?.members ?? []).flatMap { path in
      let shared = path.value["parameters"]?.array ?? []
      return (path.value.object?.members ?? []).filter { $0.name != "parameters" }.map {
        Operation(path: path.name, method: $0.name, json: $0.value, shared: shared)
      }
    }
  }

  private func section(_ operation: Operation) -> String {
    let json = operation.json
    let parameters = (operation.shared + (json["parameters"]?.array ?? [])).map(resolved)
    let body = json["requestBody"]?["content"]?.object?.members.first
    let answers = json["responses"]?.object?.members ?? []
    return """
      <section id="\(HTMLText.escaped(operation.anchor))"><h2>\(operation.name)</h2>
      <p><strong>\(prose(json["summary"])).</strong> \(prose(json["description"]))</p>
      \(parameters.isEmpty ? "" : table(["Parameter", "In", "Type", ""], parameters.map(row)))
      \(body.map { "<p>Body: \(type(of: $0.value["schema"] ?? [:])), <code>\(HTMLText.escaped($0.name))</code></p>" } ?? "")
      \(table(["Status", "Body", ""], answers.map { row($0.name, resolved($0.value)) }))
      </section>
      """
  }

  private func row(_ parameter: JSONValue) -> [String] {
    let name = "<code>\(HTMLText.escaped(parameter["name"]?.string ?? ""))</code>"
    return [
      name + (parameter["required"] == true ? "" : " (optional)"), HTMLText.escaped(parameter["in"]?.string ?? ""),
      type(of: parameter["schema"] ?? [:]), prose(parameter["description"]),
    ]
  }

  private func row(_ status: String, _ answer: JSONValue) -> [String] {
    let content = answer["content"]?.object?.members.first
    let body = content.map { "\(type(of: $0.value["schema"] ?? [:])) <code>\(HTMLText.escaped($0.name))</code>" }
    return ["<b>\(HTMLText.escaped(status))</b>", body ?? "none", prose(answer["description"])]
  }

  // MARK: Schemas

  private var schemas: [JSONObject.Member] { document["components"]?["schemas"]?.object?.members ?? [] }

  private func schema(_ member: JSONObject.Member) -> String {
    let json = member.value
    let required = Set((json["required"]?.array ?? []).compactMap(\.string))
    let properties = json["properties"]?.object?.members ?? []
    let example = json["examples"]?.array?.first.map { "<pre>\(HTMLText.escaped($0.text))</pre>" } ?? ""
    return """
      <section id="\(HTMLText.escaped(member.name))"><h3>\(HTMLText.escaped(member.name))</h3>
      <p>\(properties.isEmpty ? type(of: json) : "") \(prose(json["description"]))</p>
      \(properties.isEmpty ? "" : table(["Member", "Type", ""], properties.map { row($0, required) }))\(example)</section>
      """
  }

  private func row(_ property: JSONObject.Member, _ required: Set<String>) -> [String] {
    let name = "<code>\(HTMLText.escaped(property.name))</code>"
    return [
      name + (required.contains(property.name) ? "" : " (optional)"), type(of: property.value),
      prose(property.value["description"]),
    ]
  }

  /// What a value looks like, in a few words.
  private func type(of schema: JSONValue) -> String {
    if let name = schema["$ref"]?.string?.split(separator: "/").last.map(String.init) {
      return "<a href=\"#\(HTMLText.escaped(name))\">\(HTMLText.escaped(name))</a>"
    }
    if let choices = schema["anyOf"]?.array, schema["properties"] == nil {
      return choices.map(type).joined(separator: " or ")
    }
    if let words = schema["enum"]?.array {
      return words.map { "<code>\(HTMLText.escaped($0.string ?? $0.text))</code>" }.joined(separator: ", ")
    }
    let name = schema["type"]?.string ?? schema["type"]?.array?.compactMap(\.string).joined(separator: " or ") ?? "any"
    if name == "array" { return "array of \(type(of: schema["items"] ?? [:]))" }
    if name == "object", let properties = schema["properties"]?.object?.members {
      return "object: " + properties.map { "<code>\(HTMLText.escaped($0.name))</code>" }.joined(separator: ", ")
    }
    return HTMLText.escaped(name) + bounds(of: schema)
  }

  private func bounds(of schema: JSONValue) -> String {
    let (least, most) = (schema["minimum"]?.int, schema["maximum"]?.int)
    switch (least, most) {
    case (let least?, let most?): return " from \(least) to \(most)"
    case (let least?, nil): return " from \(least)"
    case (nil, let most?): return " to \(most)"
    case (nil, nil): return schema["maxLength"]?.int.map { ", at most \($0) characters" } ?? ""
    }
  }

  /// What a reference within the document stands for.
  private func resolved(_ json: JSONValue) -> JSONValue {
    guard let reference = json["$ref"]?.string, reference.hasPrefix("#/") else { return json }
    return reference.dropFirst(2).split(separator: "/").reduce(document) { $0[String($1)] ?? [:] }
  }

  private func prose(_ value: JSONValue?) -> String { HTMLText.prose(value?.string ?? "") }

  private func table(_ header: [String], _ rows: [[String]]) -> String {
    let head = header.map { "<th scope=\"col\">\(HTMLText.escaped($0))</th>" }.joined()
    let body = rows.map { "<tr>" + $0.map { "<td>\($0)</td>" }.joined() + "</tr>" }.joined()
    return "<table><thead><tr>\(head)</tr></thead><tbody>\(body)</tbody></table>"
  }

  private static let style = """
    :root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}\
    nav ul{columns:20rem;list-style:none;padding:0}section{margin-block:2rem}h2,h3{margin-bottom:.3rem}\
    table{border-collapse:collapse;width:100%;margin-block:.5rem}th,td{border-bottom:1px solid #8886;padding:.3rem .6rem;\
    text-align:left;vertical-align:top}code,pre{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}\
    pre{background:#8882;padding:.6rem;white-space:pre-wrap}
    """
}
