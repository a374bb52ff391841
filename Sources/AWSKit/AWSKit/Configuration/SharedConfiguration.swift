/// The shared config and credentials files, read and merged.
///
/// Profiles come from `~/.aws/config` (`[default]`, `[profile name]`) and `~/.aws/credentials` (`[name]`); where both
/// have a setting, the credentials file's stands.
public struct SharedConfiguration: Sendable {
  /// All profiles by name, both files merged.
  public var profiles: [String: Profile] = [:]
  /// Those of the config file alone.
  var configProfiles: [String: Profile] = [:]
  /// Those of the credentials file alone.
  var credentialProfiles: [String: Profile] = [:]
  /// `[sso-session name]`.
  public var ssoSessions: [String: Profile] = [:]
  /// `[services name]`: nested settings a service.
  public var services: [String: Profile] = [:]

  /// No files.
  public init() {}

  /// The files' texts; `nil` for a file that does not exist.
  ///
  /// - Throws: ``AWSError/Code/invalidConfiguration`` for a file that is none.
  public init(
    config: String?, credentials: String?, configPath: String = "config", credentialsPath: String = "credentials"
  ) throws(AWSError) {
    if let config { try read(config: config, path: configPath) }
    if let credentials { try read(credentials: credentials, path: credentialsPath) }
    profiles = configProfiles
    for (name, profile) in credentialProfiles { profiles[name, default: Profile(name)].merge(profile) }
  }

  private mutating func read(config: String, path: String) throws(AWSError) {
    for (section, options) in try INIParser.parse(config, path: path).sections {
      if section.hasPrefix("profile") {
        try Self.add(section, options, to: &configProfiles, path: path)
      } else if section.hasPrefix("sso-session") {
        try Self.add(section, options, to: &ssoSessions, path: path)
      } else if section.hasPrefix("services") {
        try Self.add(section, options, to: &services, path: path)
      } else if section == "default" {
        configProfiles[section] = try Profile(name: section, options: options, path: path)
      } else {
        _ = try Profile(name: section, options: options, path: path)
      }
    }
  }

  private mutating func read(credentials: String, path: String) throws(AWSError) {
    for (section, options) in try INIParser.parse(credentials, path: path).sections {
      credentialProfiles[section] = try Profile(name: section, options: options, path: path)
    }
  }

  /// Adds `[kind name]`, with shell quotes around the name if there are any; other headers name nothing.
  private static func add(
    _ section: String, _ options: [String: String], to profiles: inout [String: Profile], path: String
  ) throws(AWSError) {
    let profile = try Profile(name: section, options: options, path: path)
    guard let words = ShellWords.split(section), words.count == 2 else { return }
    profiles[words[1]] = profile
    profiles[words[1]]?.name = words[1]
  }
}
