/**
 * `viv context`: daemons by name.
 */
import { Effect, Option, Path, Redacted } from "effect"
import { Argument, Command } from "effect/cli"
import { CliFailure, usage } from "./CliFailure.ts"
import * as Contexts from "./Contexts.ts"
import { parseHost, readToken } from "./Endpoint.ts"
import { ExitCode } from "./ExitCode.ts"
import { output, rows, tell } from "./Output.ts"
import { root } from "./Root.ts"

const name = Argument.String("name").pipe(Argument.withDescription("The context's name"))

const missing = (name: string) =>
  new CliFailure({
    exitCode: ExitCode.notFound,
    detail: `there is no context ${name}`,
    hint: "viv context ls lists them"
  })

const ls = Command.make(
  "ls",
  {},
  Effect.fnUntraced(function*() {
    const { contexts, current } = yield* Contexts.read
    const all = Object.entries(contexts).map(([name, { ca, cert, host, token }]) => ({
      name,
      host,
      current: name === current,
      token: token !== undefined,
      tls: [...(ca === undefined ? [] : ["ca"]), ...(cert === undefined ? [] : ["client certificate"])]
    }))
    yield* tell(yield* output, {
      ...rows(all, [
        { title: "", of: ({ current }) => current ? "*" : "" },
        { title: "NAME", of: ({ name }) => name },
        { title: "HOST", of: ({ host }) => host, shrinks: true },
        { title: "TOKEN", of: ({ token }) => token ? "yes" : "no", leaveOut: 1 },
        { title: "TLS", of: ({ tls }) => tls.join(", ") || "-", leaveOut: 2 }
      ]),
      json: () => all,
      ids: () => all.map(({ name }) => name)
    })
  })
).pipe(
  Command.withDescription("List the contexts; the one in use has a star. Tokens are not shown."),
  Command.withShortDescription("List contexts")
)

const add = Command.make(
  "add",
  { name },
  Effect.fnUntraced(function*({ name }) {
    const path = yield* Path.Path
    const flags = yield* root
    if (Option.isNone(flags.host)) {
      return yield* usage("a context needs the daemon's address", `viv context add ${name} --host URL`)
    }
    yield* parseHost(flags.host.value)
    const absolute = (key: "ca" | "cert" | "key") => {
      const file = flags[key]
      return Option.isSome(file) ? { [key]: path.resolve(file.value) } : {}
    }
    const token = Option.isSome(flags.tokenFile)
      ? { token: Redacted.value(yield* readToken(flags.tokenFile.value)) }
      : {}
    const known = yield* Contexts.read
    const added = { host: flags.host.value, ...token, ...absolute("ca"), ...absolute("cert"), ...absolute("key") }
    yield* Contexts.write({
      current: known.current ?? name,
      contexts: { ...known.contexts, [name]: added }
    })
    yield* tell(yield* output, {
      human: () => [
        known.current === undefined ? `${name} is added, and in use` : `${name} is added: viv context use ${name}`
      ],
      json: () => ({ name, host: added.host }),
      ids: () => [name]
    })
  })
).pipe(
  Command.withDescription(
    "Give a daemon a name: its --host, and where it needs them --token-file, --tls-ca, --tls-cert and --tls-key. The token is copied " +
      "into the file of contexts, which only you may read."
  ),
  Command.withShortDescription("Give a daemon a name"),
  Command.withExamples([
    { command: "viv context add prod --host https://node-1:7788 --tls-ca ca.pem --token-file token" }
  ])
)

const use = Command.make(
  "use",
  { name },
  Effect.fnUntraced(function*({ name }) {
    const known = yield* Contexts.read
    if (known.contexts[name] === undefined) return yield* missing(name)
    yield* Contexts.write({ ...known, current: name })
    yield* tell(yield* output, {
      human: () => [`${name} is in use`],
      json: () => ({ name }),
      ids: () => [name]
    })
  })
).pipe(
  Command.withDescription("Speak to this daemon where nothing else is said."),
  Command.withShortDescription("Use a context from now on")
)

const rm = Command.make(
  "rm",
  { name },
  Effect.fnUntraced(function*({ name }) {
    const known = yield* Contexts.read
    if (known.contexts[name] === undefined) return yield* missing(name)
    const { [name]: _, ...contexts } = known.contexts
    yield* Contexts.write(
      known.current === undefined || known.current === name ? { contexts } : { current: known.current, contexts }
    )
    yield* tell(yield* output, {
      human: () => [`${name} is removed`],
      json: () => ({ name }),
      ids: () => [name]
    })
  })
).pipe(Command.withDescription("Forget a context, and its token."), Command.withShortDescription("Forget a context"))

export const context = Command.make("context").pipe(
  Command.withDescription(
    "Daemons by name. Which is used, the first of: --socket, --state-dir, --host, --context, VIV_HOST, VIV_CONTEXT, the context in " +
      "use, the daemon of this machine."
  ),
  Command.withShortDescription("Name remote daemons"),
  Command.withSubcommands([ls, add, use, rm])
)
