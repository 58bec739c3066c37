/**
 * `viv completion`
 */
import { Console, Effect } from "effect"
import { Argument, Command, Completions } from "effect/cli"

const shells = ["bash", "zsh", "fish", "powershell"] as const

/** Prints what teaches a shell the commands of another command. */
export const completion = (described: () => Command.Command.Any) =>
  Command.make(
    "completion",
    {
      shell: Argument.Literals("shell", shells).pipe(Argument.withDescription("The shell"))
    },
    ({ shell }) =>
      Effect.suspend(() => Console.log(Completions.generate("viv", shell, Completions.fromCommand(described()))))
  ).pipe(
    Command.withDescription("Print what a shell needs to complete viv's commands and flags."),
    Command.withShortDescription("Teach a shell viv's commands"),
    Command.withExamples([
      { command: "viv completion bash >> ~/.bashrc", description: "For bash, from the next shell on" },
      { command: "source <(viv completion bash)", description: "For this bash only" },
      { command: "viv completion zsh > \"${fpath[1]}/_viv\"", description: "For zsh" },
      { command: "viv completion fish > ~/.config/fish/completions/viv.fish", description: "For fish" }
    ])
  )
