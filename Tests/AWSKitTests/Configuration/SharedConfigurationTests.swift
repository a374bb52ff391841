import FoundationEssentials
import Testing

@testable import AWSKit

/// Shared files as botocore reads them.
struct SharedConfigurationVectorsTests {
  /// A setting: plain, or nested.
  enum Setting: Decodable, Equatable {
    case plain(String)
    case nested([String: String])

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let text = try? value.decode(String.self) {
        self = .plain(text)
      } else {
        self = .nested(try value.decode([String: String].self))
      }
    }
  }

  typealias Sections = [String: [String: Setting]]

  struct Case: Decodable {
    var text: String
    var profiles, ssoSessions, services, credentials: Sections?
    var words: [String]?

    enum CodingKeys: String, CodingKey {
      case text, profiles, services, credentials, words
      case ssoSessions = "sso_sessions"
    }
  }

  func sections(_ profiles: [String: Profile]) -> Sections {
    profiles.mapValues { profile in
      profile.values.mapValues { .plain($0) }.merging(profile.sections.mapValues { .nested($0) }) { $1 }
    }
  }

  @Test func filesAreReadAsBotocoreReadsThem() throws {
    let cases = try Vectors.load("sharedconfig", as: Case.self)
    #expect(cases.count >= 400)
    for item in cases {
      let config = try? SharedConfiguration(config: item.text, credentials: nil)
      try #require((config != nil) == (item.profiles != nil), "\(item.text.debugDescription)")
      if let config {
        try #require(sections(config.profiles) == item.profiles, "\(item.text.debugDescription)")
        try #require(sections(config.ssoSessions) == item.ssoSessions, "\(item.text.debugDescription)")
        try #require(sections(config.services) == item.services, "\(item.text.debugDescription)")
      }
      let credentials = try? SharedConfiguration(config: nil, credentials: item.text)
      try #require((credentials != nil) == (item.credentials != nil), "\(item.text.debugDescription)")
      if let credentials {
        try #require(sections(credentials.profiles) == item.credentials, "\(item.text.debugDescription)")
      }
      try #require(ShellWords.split(item.text) == item.words, "\(item.text.debugDescription)")
    }
  }
}

struct SharedConfigurationTests {
  @Test func theCredentialsFileStandsOverTheConfigFile() throws {
    let files = try SharedConfiguration(
      config: "[profile dev]\nregion = eu-west-1\naws_access_key_id = C\n[default]\nregion = x",
      credentials: "[dev]\naws_access_key_id = D\naws_secret_access_key = E")
    #expect(
      files.profiles["dev"]?.values == ["region": "eu-west-1", "aws_access_key_id": "D", "aws_secret_access_key": "E"])
    #expect(files.profiles["default"]?["region"] == "x")
  }

  @Test func anErrorNamesFileAndLineAndNoValue() {
    let error = #expect(throws: AWSError.self) {
      try SharedConfiguration(
        config: nil, credentials: "[a]\nkey = 1\nkey = hunter2", credentialsPath: "/x/credentials")
    }
    #expect(error?.code == .invalidConfiguration)
    #expect(error?.message.contains("/x/credentials") == true && error?.message.contains("line 3") == true)
    #expect(error?.message.contains("hunter2") == false)
  }
}
