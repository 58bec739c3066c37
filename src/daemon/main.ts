/**
 * `vivd`: the daemon of a node. Here, and only here, it is chosen what it runs on.
 */
import type { Server } from "node:http"
import { flushCompileCache } from "node:module"
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
import { Argument, CliError, Command, Flag } from "effect/cli"
import { SecureRandom } from "effect/crypto"
import { socketPathOf, stateDirectoryOf } from "../api/SocketPath.ts"
import { version } from "../api/Version.ts"
import * as QemuVirtualizer from "../backend/qemu/QemuVirtualizer.ts"
import { Virtualizers } from "../Virtualizer.ts"
import * as Checks from "./Checks.ts"
import * as ConfigSources from "./ConfigSources.ts"
import type { DaemonConfig } from "./DaemonConfig.ts"
import * as Daemon from "./Daemon.ts"
import * as Tokens from "./Tokens.ts"

const { env } = process
const isRoot = process.getuid?.() === 0

/** Where the configuration is looked for when nobody says where. */
const defaultFile = isRoot
  ? "/etc/vivarium/vivd.yaml"
  : `${env["XDG_CONFIG_HOME"] ?? `${env["HOME"] ?? ""}/.config`}/vivarium/vivd.yaml`

const text = (flag: string, what: string) => Flag.String(flag).pipe(Flag.withDescription(what), Flag.optional)

const settingFlags = Object.fromEntries(ConfigSources.settings.map(({ flag, what }) => [flag, text(flag, what)]))
const configFlags = {
  config: Flag.String("config").pipe(
    Flag.withDescription(`the configuration, YAML or JSON; default ${defaultFile}`),
    Flag.optional
  ),
  settings: settingFlags
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
      flags: Object.fromEntries(Object.entries(settings).map(([flag, value]) => [flag, Option.getOrUndefined(value)]))
    }),
    (config) => ({ config, ...placesOf(config) })
  )
}

const placesOf = ({ socket, stateDirectory }: DaemonConfig) => {
  const surroundings = { isRoot, stateDirectory, runtimeDirectory: env["XDG_RUNTIME_DIR"], home: env["HOME"] }
  return { stateDirectory: stateDirectoryOf(surroundings), socket: socket.path ?? socketPathOf(surroundings) }
}

/** Each virtualizer that a node may have, as if it were the only one. */
const virtualizer = (name: "qemu" | "simulation", config: DaemonConfig, stateDirectory: string) =>
  name === "qemu"
    ? QemuVirtualizer.layer(Daemon.qemuConfig(config, stateDirectory))
    : Layer.unwrap(Effect.map(
      Effect.promise(() => import("../backend/simulation/index.ts")),
      ({ SimulationVirtualizer }) => SimulationVirtualizer.layer({ seed: "vivd" })
    ))

/** The virtualizers of a node. */
const virtualizers = (config: DaemonConfig, stateDirectory: string) =>
  Layer.effect(
    Virtualizers,
    Effect.map(
      Effect.forEach(
        config.simulate ? ["simulation" as const] : config.virtualizers ?? ["qemu" as const],
        (name) => Layer.build(virtualizer(name, config, stateDirectory))
      ),
      (all) => new Map(all.flatMap((context) => Array.from(Context.get(context, Virtualizers))))
    )
  )

const levels = { error: "Error", warning: "Warn", info: "Info", debug: "Debug" } as const

// What not every daemon needs, or not at once, is loaded where it is used, since that takes its time.

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
  Command.withDescription("Says what is wrong with the configuration")
)

const show = Command.make("show", configFlags, (flags) =>
  Effect.gen(function*() {
    const { config, socket, stateDirectory } = yield* readConfig(flags)
    yield* Console.log(
      yield* ConfigSources.show({ ...config, stateDirectory, socket: { ...config.socket, path: socket } })
    )
  })).pipe(Command.withDescription("Shows the configuration as it is used"))

const doctor = Command.make("doctor", configFlags, (flags) =>
  Effect.gen(function*() {
    const { config, stateDirectory } = yield* readConfig(flags)
    const checks = yield* Checks.all(Daemon.qemuConfig(config, stateDirectory))
    const width = Math.max(...checks.map(({ name }) => name.length))
    for (const { detail, name, remedy, status } of checks) {
      const mended = remedy === undefined ? "" : `\n${" ".repeat(width + 11)}${remedy}`
      yield* Console.log(`${name.padEnd(width)}  ${status.padEnd(7)}  ${detail}${mended}`)
    }
    if (checks.some(({ status }) => status === "missing")) {
      return yield* new ConfigSources.ConfigError({ message: "something that guests need is missing" })
    }
  })).pipe(Command.withDescription("Says what the node needs, and what mends it"))

const create = Command.make(
  "create",
  {
    name: Argument.String("name"),
    scope: Flag.Literals("scope", ["read", "write"]).pipe(
      Flag.withDescription(
        "read sees; write also changes, and so may read the files in the daemon's roots, by booting from them"
      )
    ),
    file: Flag.String("file").pipe(Flag.withDescription("the file of the tokens' hashes"))
  },
  Effect.fnUntraced(function*({ file, name, scope }) {
    yield* Console.log(Redacted.value(yield* Tokens.create(file, name, scope)))
    yield* Console.error(
      `only the hash of this token is kept, in ${file}: send the daemon SIGHUP, or start it, to use it`
    )
  })
).pipe(Command.withDescription("Makes a token, and prints it once"))

const vivd = Command.make("vivd", configFlags, serve).pipe(
  Command.withDescription("The daemon of a node: starts, watches and recovers virtual machines"),
  Command.withSubcommands([
    Command.make("config").pipe(Command.withDescription("The configuration"), Command.withSubcommands([check, show])),
    doctor,
    Command.make("token").pipe(Command.withDescription("Tokens of the TCP listener"), Command.withSubcommands([create]))
  ])
)

/** Runs the command of a command line, and ends the process. */
export const main = (args: ReadonlyArray<string>): void =>
  Command.runWith(vivd, { version })(args).pipe(
    Effect.provide([NodeServices.layer, SecureRandom.layerWebCrypto, Layer.succeed(Logger.LogToStderr, true)]),
    Effect.tapCause((cause) => {
      const error = Option.getOrUndefined(Cause.findErrorOption(cause))
      // What is wrong with the command line has been told with its help.
      if (CliError.isCliError(error) || Cause.hasInterruptsOnly(cause)) return Effect.void
      return Console.error(`vivd: ${error === undefined ? Cause.pretty(cause) : error.message}`)
    }),
    NodeRuntime.runMain({
      disableErrorReporting: true,
      // To be told to end, and to do so, is no failure.
      teardown: (exit, onExit) =>
        Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)
    })
  )
