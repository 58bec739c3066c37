/**
 * What all commands of `viv` have in common: which daemon they speak to, and how they tell what it answers.
 */
import { Command, Flag } from "effect/cli"

/** The root of all commands. Its flags may stand before or after a command's name. */
export const root = Command.make("viv").pipe(
  Command.withSharedFlags({
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Answer in JSON: one document, or one a line when following"),
      Flag.withoutNegation,
      Flag.withDefault(false)
    ),
    quiet: Flag.Boolean("quiet").pipe(
      Flag.withAlias("q"),
      Flag.withDescription("Answer with ids only, and show no progress"),
      Flag.withoutNegation,
      Flag.withDefault(false)
    ),
    host: Flag.String("host").pipe(
      Flag.withAlias("H"),
      Flag.withMetavar("URL"),
      Flag.withDescription("The daemon: unix:///PATH, http://HOST:PORT or https://HOST:PORT (VIV_HOST)"),
      Flag.optional
    ),
    context: Flag.String("context").pipe(
      Flag.withMetavar("NAME"),
      Flag.withDescription("The daemon of a context, see viv context (VIV_CONTEXT)"),
      Flag.optional
    ),
    socket: Flag.Path("socket").pipe(
      Flag.withMetavar("PATH"),
      Flag.withDescription("The daemon that listens on this unix socket"),
      Flag.optional
    ),
    stateDir: Flag.Directory("state-dir").pipe(
      Flag.withMetavar("DIRECTORY"),
      Flag.withDescription("The daemon of this state directory, by the socket in it"),
      Flag.optional
    ),
    tokenFile: Flag.Path("token-file").pipe(
      Flag.withMetavar("PATH"),
      Flag.withDescription("Where the bearer token is (or VIV_TOKEN, VIV_TOKEN_FILE)"),
      Flag.optional
    ),
    ca: Flag.Path("tls-ca").pipe(
      Flag.withMetavar("PATH"),
      Flag.withDescription("Certificates that a daemon's is signed by (default: the system's)"),
      Flag.optional
    ),
    cert: Flag.Path("tls-cert").pipe(
      Flag.withMetavar("PATH"),
      Flag.withDescription("A certificate to present to the daemon; needs --tls-key"),
      Flag.optional
    ),
    key: Flag.Path("tls-key").pipe(
      Flag.withMetavar("PATH"),
      Flag.withDescription("The key of that certificate"),
      Flag.optional
    )
  })
)
