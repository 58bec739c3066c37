/**
 * What all commands of `viv` have in common: which daemon they speak to, and how they tell what it answers.
 */
import { Command, Flag } from "effect/cli"
import * as Flags from "./Flags.ts"

/** The root of all commands. Its flags may stand before or after a command's name. */
export const root = Command.make("viv").pipe(
  Command.withSharedFlags({
    json: Flags.toggle("json", "Answer in JSON: one document, or one a line when following"),
    quiet: Flags.toggle("quiet", "Answer with ids only, and show no progress").pipe(Flag.withAlias("q")),
    host: Flags.text("host", "URL", "The daemon: unix:///PATH, http://HOST:PORT or https://HOST:PORT (VIV_HOST)").pipe(
      Flag.withAlias("H")
    ),
    context: Flags.text("context", "NAME", "The daemon of a context, see viv context (VIV_CONTEXT)"),
    socket: Flags.path("socket", "The daemon that listens on this unix socket"),
    stateDir: Flag.Directory("state-dir").pipe(
      Flag.withMetavar("DIRECTORY"),
      Flag.withDescription("The daemon of this state directory, by the socket in it"),
      Flag.optional
    ),
    tokenFile: Flags.path("token-file", "Where the bearer token is (or VIV_TOKEN, VIV_TOKEN_FILE)"),
    ca: Flags.path("tls-ca", "Certificates that a daemon's is signed by (default: the system's)"),
    cert: Flags.path("tls-cert", "A certificate to present to the daemon; needs --tls-key"),
    key: Flags.path("tls-key", "The key of that certificate")
  })
)
