import ArgumentParser

/// `sdctl completion`.
struct CompletionCommand: ParsableCommand {
  enum Shell: String, ExpressibleByArgument, CaseIterable {
    case bash, zsh, fish
  }

  static let configuration = CommandConfiguration(
    commandName: "completion", abstract: "Print a script that has a shell complete sdctl's commands.",
    discussion: """
      For this shell, and for all to come:

        source <(sdctl completion bash)
        sdctl completion bash > ~/.local/share/bash-completion/completions/sdctl

        sdctl completion zsh > "${fpath[1]}/_sdctl"

        sdctl completion fish > ~/.config/fish/completions/sdctl.fish
      """)

  @Argument(help: "The shell: bash, zsh or fish.") var shell: Shell

  func run() throws {
    let shell =
      switch shell {
      case .bash: CompletionShell.bash
      case .zsh: CompletionShell.zsh
      case .fish: CompletionShell.fish
      }
    let script = Main.completionScript(for: shell)
    Terminal.print(self.shell == .bash ? script + "\n" + Self.wholeWords : script)
  }

  /// Bash cuts words at colons, which images and addresses have; the script counts words.
  private static let wholeWords = #"""
    __sdctl_whole_words() {
        local -a words=()
        local -i index current=0
        local rest="${COMP_LINE}" gap
        for index in "${!COMP_WORDS[@]}"; do
            gap="${rest%%[![:space:]]*}"
            rest="${rest#"${gap}"}"
            rest="${rest#"${COMP_WORDS[index]}"}"
            if [[ -z "${gap}" && "${index}" -gt 0 ]]; then
                words[${#words[@]}-1]+="${COMP_WORDS[index]}"
            else
                words+=("${COMP_WORDS[index]}")
            fi
            [[ "${index}" -eq "${COMP_CWORD}" ]] && current="${#words[@]}-1"
        done
        local -a COMP_WORDS=("${words[@]}")
        local -i COMP_CWORD="${current}"
        _sdctl "${1}" "${words[current]}" "${words[current > 0 ? current - 1 : 0]}"
        # What stands before the last colon is there already.
        local stem="${words[current]%"${words[current]##*:}"}"
        [[ -z "${stem}" ]] || COMPREPLY=("${COMPREPLY[@]#"${stem}"}")
    }
    complete -o filenames -F __sdctl_whole_words sdctl
    """#
}
