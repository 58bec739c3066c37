/**
 * `vivd`: the daemon of a node. Here, and only here, it is chosen what it runs on.
 */
import type { Server } from "node:http"
import { flushCompileCache } from "node:module"
import { resolve } from "node:path"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import {
  Cause,
  Console,
  Context,
  Duration,
  Effect,
  Exit,
  Layer,
  Logger,
  Option,
  Redacted,
  References,
  Runtime
} from "effect"
import { Argument, CliConfig, CliError, CliOutput, Command, Flag, GlobalFlag } from "effect/cli"
import { SecureRandom } from "effect/crypto"
import { socketPathOf, stateDirectoryOf } from "../api/SocketPath.ts"
import { version } from "../api/Version.ts"
import * as QemuVirtualizer from "../backend/qemu/QemuVirtualizer.ts"
import { presenter } from "../internal/CommandHelp.ts"
import { Virtualizers } from "../Virtualizer.ts"
import * as Checks from "./Checks.ts"
import * as ConfigSources from "./ConfigSources.ts"
import { type DaemonConfig, type VirtualizerName, virtualizersOf } from "./DaemonConfig.ts"
import * as Daemon from "./Daemon.ts"
import * as Tokens from "./Tokens.ts"

const { env } = process
const isRoot = process.getuid?.() === 0

/** Where the configuration is looked for when nobody says where. */
const defaultFile = isRoot
  ? "/etc/vivarium/vivd.yaml"
  : `${env["XDG_CONFIG_HOME"] ?? `${env["HOME"] ?? ""}/.config`}/vivarium/vivd.yaml`

const text = (flag: string, metavar: string, what: string) =>
  Flag.String(flag).pipe(Flag.withMetavar(metavar), Flag.withDescription(what), Flag.optional)

const configFlags = {
  config: text("config", "PATH", `The configuration, YAML or JSON (default: ${defaultFile})`),
  settings: Object.fromEntries(
    ConfigSources.settings.map(({ flag, metavar, what }) => [flag, text(flag, metavar, what)])
  )
}

/** What the flags say. */
interface Flags {
  readonly config: Option.Option<string>
  readonly settings: Readonly<Record<string, Option.Option<string>>>
}

const readConfig = ({ config, settings }: Flags) => {
  const asked = Option.getOrUndefined(config) ?? env["VIVD_CONFIG"]
  return Effect.map(
    ConfigSources.read({
      file: { path: asked ?? defaultFile, isRequired: asked !== undefined },
      environment: env,
      flags: Object.fromEntries(ConfigSources.settings.map(({ flag, metavar }) => {
        const value = Option.getOrUndefined(settings[flag] ?? Option.none())
        // Of the command line it is known where it was written.
        const isPath = metavar === "PATH" || metavar === "DIRECTORY"
        return [flag, value === undefined || !isPath ? value : resolve(value)]
      }))
    }),
    (config) => ({ config, ...placesOf(config) })
  )
}

const placesOf = ({ socket, stateDirectory }: DaemonConfig) => {
  const surroundings = { isRoot, stateDirectory, runtimeDirectory: env["XDG_RUNTIME_DIR"], home: env["HOME"] }
  return { stateDirectory: stateDirectoryOf(surroundings), socket: socket.path ?? socketPathOf(surroundings) }
}

// What not every daemon needs, or not at once, is loaded where it is used, since that takes its time.

/** The Docker Engine that DOCKER_HOST leads to. */
const engine: Checks.Engine = Layer.unwrap(Effect.gen(function*() {
  const [EngineClient, EngineEndpoint, EngineTrouble, NodeHttpClient] = yield* Effect.promise(() =>
    Promise.all([
      import("../docker/EngineClient.ts"),
      import("../docker/EngineEndpoint.ts"),
      import("../backend/docker/EngineTrouble.ts"),
      import("@effect/platform-node/NodeHttpClient")
    ])
  )
  const endpoint = yield* Effect.mapError(EngineEndpoint.fromEnvironment, EngineTrouble.failure)
  return EngineClient.layer({ endpoint }).pipe(
    Layer.provide(NodeHttpClient.layerUndiciNoDispatcher),
    Layer.provide(NodeHttpClient.layerDispatcherOptions({ connect: endpoint.connect }))
  )
}))

/** Each virtualizer that a node may have, as if it were the only one. */
const virtualizer = (name: VirtualizerName, config: DaemonConfig, stateDirectory: string) => {
  switch (name) {
    case "qemu":
      return QemuVirtualizer.layer(Daemon.qemuConfig(config, stateDirectory))
    case "docker":
      return Layer.unwrap(Effect.map(
        Effect.promise(() => import("../backend/docker/DockerVirtualizer.ts")),
        ({ layer }) => Layer.provide(layer({ ...config.docker, stateDirectory }), engine)
      ))
    case "simulation":
      return Layer.unwrap(Effect.map(
        Effect.promise(() => import("../backend/simulation/index.ts")),
        ({ SimulationVirtualizer }) => SimulationVirtualizer.layer({ seed: "vivd" })
      ))
  }
}

/** The virtualizers of a node. */
const virtualizers = (config: DaemonConfig, stateDirectory: string) =>
  Layer.effect(
    Virtualizers,
    Effect.map(
      Effect.forEach(
        virtualizersOf(config),
        (name) => Layer.build(virtualizer(name, config, stateDirectory))
      ),
      (all) => new Map(all.flatMap((context) => Array.from(Context.get(context, Virtualizers))))
    )
  )

const levels = { error: "Error", warning: "Warn", info: "Info", debug: "Debug" } as const

const httpServer = Effect.promise(() => import("@effect/platform-node/NodeHttpServer")).pipe(
  Effect.map(({ layer }) => (make: () => Server, options: Daemon.HttpOptions) => layer(make, options))
)

/** Sends traces and metrics to an OTLP endpoint. */
const exported = (baseUrl: string) =>
  Layer.unwrap(Effect.map(
    Effect.promise(() => Promise.all([import("effect/observability"), import("@effect/platform-node/NodeHttpClient")])),
    ([{ Otlp }, { layerNodeHttp }]) =>
      Otlp.layerJson({
        baseUrl,
        resource: { serviceName: "vivd", serviceVersion: version },
        loggerMergeWithExisting: true,
        shutdownTimeout: "2 seconds"
      }).pipe(Layer.provide(layerNodeHttp))
  ))

/** Where it tells of itself: standard error, and an OTLP endpoint where one is configured. */
const telemetry = ({ log, otlp }: DaemonConfig) =>
  Layer.mergeAll(
    Logger.layer([Logger.withConsoleError(log.format === "json" ? Logger.formatJson : Logger.formatLogFmt)]),
    Layer.succeed(References.MinimumLogLevel, levels[log.level])
  ).pipe(Layer.merge(otlp === undefined ? Layer.empty : exported(otlp)))

/** Each SIGHUP, told to everybody who asked before it. */
const hangups = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const waiting = new Set<() => void>()
      const listener = () => {
        for (const wake of waiting) wake()
      }
      process.on("SIGHUP", listener)
      return { waiting, listener }
    }),
    ({ listener }) => Effect.sync(() => process.off("SIGHUP", listener))
  ),
  ({ waiting }) =>
    Effect.callback<void>((resume) => {
      const wake = () => {
        waiting.delete(wake)
        resume(Effect.void)
      }
      waiting.add(wake)
      return Effect.sync(() => waiting.delete(wake))
    })
)

const serve = Effect.fnUntraced(function*(flags: Flags) {
  const { config, socket, stateDirectory } = yield* readConfig(flags)
  const reloaded = yield* hangups
  armExit(config.shutdownDeadline)
  return yield* Layer.launch(
    Daemon.layer({
      config,
      stateDirectory,
      socket,
      virtualizers: virtualizers(config, stateDirectory),
      engine,
      httpServer,
      reloaded
    }).pipe(
      // Written now, since who is killed writes nothing; where nothing is kept it does nothing.
      Layer.tap(() => Effect.sync(flushCompileCache)),
      Layer.provide(telemetry(config))
    )
  )
}, Effect.scoped)

/** The first signal ends the daemon in order, and not later than this; the second one at once. */
const armExit = (deadline: Duration.Duration) => {
  let isAsked = false
  const onSignal = (_: string, number: number) => {
    if (isAsked) process.exit(128 + number)
    isAsked = true
    setTimeout(() => process.exit(1), Duration.toMillis(deadline) + 30_000).unref()
  }
  process.on("SIGTERM", onSignal)
  process.on("SIGINT", onSignal)
}

const check = Command.make(
  "check",
  configFlags,
  (flags) => Effect.andThen(readConfig(flags), Console.log("the configuration is in order"))
).pipe(
  Command.withDescription("Say what is wrong with the configuration, by its fields."),
  Command.withShortDescription("Say what is wrong with it"),
  Command.withExamples([{ command: "vivd config check --config vivd.yaml" }])
)

const show = Command.make("show", configFlags, (flags) =>
  Effect.gen(function*() {
    const { config, socket, stateDirectory } = yield* readConfig(flags)
    yield* Console.log(
      yield* ConfigSources.show({ ...config, stateDirectory, socket: { ...config.socket, path: socket } })
    )
  })).pipe(
    Command.withDescription(
      "Show the configuration as it is used: of the file, the environment and flags, and what is the default."
    ),
    Command.withShortDescription("Show it as it is used"),
    Command.withExamples([{ command: "vivd config show" }])
  )

const doctor = Command.make("doctor", configFlags, (flags) =>
  Effect.gen(function*() {
    const { config, stateDirectory } = yield* readConfig(flags)
    const checks = yield* Checks.all(Daemon.needs(config, stateDirectory, engine))
    const width = Math.max(...checks.map(({ name }) => name.length))
    for (const { detail, name, remedy, status } of checks) {
      const mended = remedy === undefined ? "" : `\n${" ".repeat(width + 11)}${remedy}`
      yield* Console.log(`${name.padEnd(width)}  ${status.padEnd(7)}  ${detail}${mended}`)
    }
    if (checks.some(({ status }) => status === "missing")) {
      return yield* new ConfigSources.ConfigError({ message: "something that guests need is missing" })
    }
  })).pipe(
    Command.withDescription(
      "Say what the daemon needs of its node: each prerequisite, what is missing, and the command that mends it. Ends with 1 where " +
        "something is missing."
    ),
    Command.withShortDescription("What the node lacks, and what mends it"),
    Command.withExamples([{ command: "vivd doctor" }])
  )

const create = Command.make(
  "create",
  {
    name: Argument.String("name").pipe(Argument.withDescription("Who it is for, as the log tells it")),
    scope: Flag.Literals("scope", ["read", "write"]).pipe(
      Flag.withDescription(
        "read sees; write also changes, and so may read the files in the daemon's roots, by booting from them"
      )
    ),
    file: Flag.Path("file").pipe(Flag.withMetavar("PATH"), Flag.withDescription("The file of the tokens' hashes"))
  },
  Effect.fnUntraced(function*({ file, name, scope }) {
    yield* Console.log(Redacted.value(yield* Tokens.create(file, name, scope)))
    yield* Console.error(
      `only the hash of this token is kept, in ${file}: send the daemon SIGHUP, or start it, to use it`
    )
  })
).pipe(
  Command.withDescription("Make a token, and print it once: only its hash is kept. One of the same name is replaced."),
  Command.withShortDescription("Make a token"),
  Command.withExamples([{ command: "vivd token create prometheus --scope read --file /etc/vivarium/tokens.json" }])
)

const vivd = Command.make("vivd", configFlags, serve).pipe(
  Command.withDescription(
    "The daemon of a node: starts, watches and recovers virtual machines. SIGTERM ends it, and no guest; SIGHUP has it read tokens and " +
      "certificates again. Each flag is also a variable, such as VIVD_STATE_DIR, and a setting of the file."
  ),
  Command.withExamples([
    { command: "vivd", description: "The daemon of this machine" },
    { command: "vivd --state-dir ~/vm", description: "One of its own: viv --state-dir ~/vm speaks to it" }
  ]),
  Command.withSubcommands([
    Command.make("config").pipe(
      Command.withDescription("Check or show the configuration"),
      Command.withSubcommands([check, show])
    ),
    doctor,
    Command.make("token").pipe(
      Command.withDescription("Make tokens for the TCP listener"),
      Command.withSubcommands([create])
    )
  ])
)

/** Runs the command of a command line, and ends the process. */
export const main = (args: ReadonlyArray<string>): void =>
  Command.runWith(vivd, { version })(args).pipe(
    Effect.provide([
      NodeServices.layer,
      SecureRandom.layerWebCrypto,
      Layer.succeed(Logger.LogToStderr, true),
      CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] }),
      CliOutput.layerPresenter(presenter({
        name: "vivd",
        columns: process.stdout.columns || 80,
        exitCodes: [[0, "done, or told to end"], [1, "failed"], [2, "usage: the command line is wrong"]]
      }))
    ]),
    Effect.tapCause((cause) => {
      const error = Option.getOrUndefined(Cause.findErrorOption(cause))
      // What is wrong with the command line has been told with its help.
      if (CliError.isCliError(error) || Cause.hasInterruptsOnly(cause)) return Effect.void
      return Console.error(`vivd: ${error === undefined ? Cause.pretty(cause) : error.message}`)
    }),
    NodeRuntime.runMain({
      disableErrorReporting: true,
      teardown: (exit, onExit) => {
        const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
        if (CliError.isCliError(error)) return onExit(error._tag === "ShowHelp" && error.errors.length === 0 ? 0 : 2)
        // To be told to end, and to do so, is no failure.
        return Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
          ? onExit(0)
          : Runtime.defaultTeardown(exit, onExit)
      }
    })
  )
