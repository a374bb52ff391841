import HTTPTypes
import SDCore
import Testing

@testable import SDGateway

@Suite struct DashboardTests {
  private static let html: HTTPFields = [.accept: "text/html,*/*"]

  private func door(isShown: Bool = true, keys: [APIKey]? = nil) throws -> FrontDoor {
    (try House(keys: keys)).door(.init(host: "0.0.0.0", dashboard: isShown))
  }

  @Test("Who opens the address in a browser sees the page, before any key is asked for")
  func page() async throws {
    let door = try door(keys: [APIKey(name: "k", digests: [SecretDigest(of: "k")])])
    let answer = await door.get("/", headers: Self.html)
    #expect(answer.status == .ok && answer.headers[.contentType] == "text/html; charset=utf-8")
    #expect(try await answer.text.contains("<main"))
    let policy = answer.headers[.contentSecurityPolicy] ?? ""
    #expect(policy.hasPrefix("default-src 'none'; ") && !policy.contains("unsafe") && !policy.contains("http"))
    #expect(await door.get("/v1/tasks").status == .unauthorized)
  }

  @Test("Where it is not asked for there is none, and older clients hear what they always heard")
  func off() async throws {
    let door = try door(isShown: false)
    #expect(await door.get("/dashboard/app.js").status == .notFound)
    let answer = await door.get("/", headers: Self.html)
    #expect(answer.status == .badRequest)
    #expect(try await answer.text == LegacyDoor.unsupportedMethod)
    #expect(await (try self.door()).get("/").status == .badRequest)
  }

  @Test("Its files are told by what they are, and are not sent again to who has them")
  func files() async throws {
    let door = try door()
    for (name, type) in [("app.js", "text/javascript"), ("base.css", "text/css"), ("icon.svg", "image/svg+xml")] {
      let answer = await door.get("/dashboard/\(name)")
      #expect(answer.status == .ok && answer.headers[.contentType]?.hasPrefix(type) == true, "\(name)")
      #expect(answer.headers[.xContentTypeOptions] == "nosniff" && answer.headers[.cacheControl] == "no-cache")
      let tag = answer.headers[.eTag] ?? ""
      let again = await door.get("/dashboard/\(name)", headers: [.ifNoneMatch: tag])
      #expect(again.status == .notModified && !tag.isEmpty)
      #expect(try await again.content.isEmpty)
    }
    #expect(await door.get("/dashboard/..%2FPackage.swift").status == .notFound)
    #expect(await door.get("/dashboard/nothing.js").status == .notFound)
  }

  @Test("What the page names is there, and everything that is there is named")
  func references() async throws {
    var named: Set<String> = ["index.html"]
    for (_, file) in DashboardFile.all {
      let text = String(decoding: file.bytes, as: UTF8.self)
      for match in text.matches(of: #/from "\./(?<name>[a-z]+\.js)"/#) { named.insert(String(match.name)) }
      for match in text.matches(of: #/(?:src|href)="dashboard/(?<name>[a-z.]+)"/#) { named.insert(String(match.name)) }
    }
    #expect(named == Set(DashboardFile.all.keys))
  }

  @Test("Nothing comes from elsewhere, and no text becomes markup or code", arguments: DashboardFile.all.keys.sorted())
  func harmless(name: String) throws {
    let text = String(decoding: try #require(DashboardFile.all[name]).bytes, as: UTF8.self)
    for word in [
      "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc", "DOMParser",
    ] {
      #expect(!text.contains(word), "\(word)")
    }
    let addresses = text.matches(of: #/https?:\/\/[^\s"'`)…]*/#).map { String($0.output) }
    let known = ["http://www.w3.org/2000/svg", "https://"]
    #expect(addresses.allSatisfy { known.contains($0) }, "\(addresses)")
    if name.hasSuffix(".html") { #expect(!text.contains("style=") && !text.contains(" onclick")) }
  }
}
