/// Shell scripts for a Bottlerocket host, wrapped for Run Command.
///
/// Run Command runs in the control container; `apiclient exec admin sheltie` is a root shell on the host. The script goes
/// to its standard input, so that nothing has to be quoted twice, and so that what it reads on the host stays there.
struct HostScript: Sendable, Hashable {
  /// What is told with the command, for those who look at it in the console.
  let comment: String
  private let host: [String]

  /// The lines for `AWS-RunShellScript`.
  var lines: [String] {
    // As a function, so that all of it is read before anything runs: what runs must not eat the rest as its input.
    ["apiclient exec admin sheltie <<'SD_HOST'", "host() {", "set -u"] + host + ["}", "host </dev/null", "SD_HOST"]
  }

  private static let containers = "ctr -a /run/containerd/containerd.sock -n k8s.io"

  /// Stops what would pull, start and collect by itself.
  static let stopKubelet = HostScript(comment: "stop kubelet", host: ["systemctl stop kubelet"])

  /// Removes the images that are there, so that the snapshot holds the wanted ones alone.
  static let removeImages = HostScript(
    comment: "remove images",
    host: [
      "images=$(\(containers) images ls -q) || return 1",
      #"[ -z "$images" ] || \#(containers) images rm --sync $images"#,
    ])

  /// Pulls an image for a platform, and prints `digest sha256:…`.
  ///
  /// An image in private ECR is pulled with a token that the host fetches for itself, by its role, with the plugin that
  /// kubelet would ask (Kubernetes, "Configure a kubelet image credential provider"). The token is in no command, no
  /// output and no log.
  static func pull(_ image: ImageReference, _ architecture: Architecture) -> HostScript {
    var lines = ["image='\(image)'"]
    var user = ""
    if image.privateECR != nil {
      let question =
        #"{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"\#(image)"}"#
      lines += [
        "plugin=/usr/libexec/kubernetes/kubelet/plugins/ecr-credential-provider",
        "answer=$(HOME=/root $plugin <<<'\(question)') || return 1",
        #"[[ $answer =~ \"password\"[[:space:]]*:[[:space:]]*\"([^\"]+)\" ]] ||"#,
        #"  { echo 'the role gives no token for ECR' >&2; return 1; }"#,
      ]
      user = #" --user "AWS:${BASH_REMATCH[1]}""#
    }
    lines += [
      // The label is what makes kubelet count the image as its own.
      "\(containers) images pull --label io.cri-containerd.image=managed --platform \(architecture.platform)\(user)"
        + #" "$image" >/dev/null || return 1"#,
      #"\#(containers) images ls "name==$image" | while read -r name type digest rest; do"#,
      #"  if [ "$name" = "$image" ]; then echo "digest $digest"; fi"#,
      "done",
    ]
    return HostScript(comment: "pull \(image.repository) for \(architecture)".prefix100, host: lines)
  }

  /// The digest that the output of a pull tells.
  static func digest(in output: String) -> String? {
    for line in output.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, words[0] == "digest", words[1].hasPrefix("sha256:"), words[1].utf8.count == 71 {
        return String(words[1])
      }
    }
    return nil
  }
}

extension String {
  /// Up to 100 characters: the longest comment of a command.
  fileprivate var prefix100: String { String(prefix(100)) }
}
