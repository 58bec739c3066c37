/**
 * The program `viv`: chooses the platform, runs the command, and ends with its exit code.
 */
import * as NodeChildProcessSpawner from "@effect/platform-node/NodeChildProcessSpawner"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import { Cause, Effect, Exit, Layer, Runtime } from "effect"
import { CliConfig, CliError, CliOutput, Command, GlobalFlag } from "effect/cli"
import { SecureRandom } from "effect/crypto"
import { presenter } from "../internal/CommandHelp.ts"
import { ExitCode, meanings } from "./ExitCode.ts"
import { reportCause } from "./Report.ts"
import { Screen } from "./Screen.ts"
import { Refused, Transport } from "./Transport.ts"
import { version } from "../api/Version.ts"
import { viv } from "./Viv.ts"

/** Connects to a unix socket. What TLS takes is not loaded for that, which would take as long as all else. */
const unixAgent = (socketPath: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { Agent } = process.getBuiltinModule("node:http")
      // As it is declared, `socketPath` is what single requests have; an agent gives it to each of its own.
      const options: ConstructorParameters<typeof Agent>[0] & { readonly socketPath: string } = { socketPath }
      const http = new Agent(options)
      return {
        http,
        get https() {
          return process.getBuiltinModule("node:https").globalAgent
        }
      }
    }),
    ({ http }) => Effect.sync(() => http.destroy())
  )

const transport = Layer.succeed(Transport, {
  http: ({ socketPath, tls }) =>
    (socketPath === undefined ? NodeHttpClient.makeAgent(tls) : unixAgent(socketPath)).pipe(
      Effect.flatMap((agent) => Effect.provideService(NodeHttpClient.makeNodeHttp, NodeHttpClient.HttpAgent, agent))
    ),
  // Only the console needs them: what they are made of is loaded then.
  webSockets: ({ socketPath, tls }) =>
    Effect.map(Effect.promise(() => import("@effect/platform-node/NodeWS")), ({ WebSocket }) => (url, options) => {
      const { pathname, search } = new URL(url)
      const headers = typeof options === "object" && "headers" in options ? options.headers : undefined
      const socket = new WebSocket(socketPath === undefined ? url : `ws+unix://${socketPath}:${pathname}${search}`, {
        ...tls,
        ...(headers === undefined ? {} : { headers })
      })
      socket.on("unexpected-response", (_, response) => {
        let body = ""
        response.on("data", (bytes: Buffer) => body += bytes.toString())
        response.on("end", () => socket.emit("error", new Refused(body)))
      })
      return socket
    })
})

const screen = Layer.succeed(Screen, {
  raw: Effect.asVoid(Effect.acquireRelease(
    Effect.sync(() => process.stdin.isTTY && process.stdin.setRawMode(true)),
    () => Effect.sync(() => process.stdin.isTTY && process.stdin.setRawMode(false))
  ))
})

/** As every shell has it. */
const interrupted = 130

const platform = Layer.mergeAll(
  Layer.provideMerge(NodeChildProcessSpawner.layer, Layer.mergeAll(NodeFileSystem.layer, NodePath.layer)),
  NodeStdio.layer,
  NodeTerminal.layer,
  SecureRandom.layerWebCrypto,
  transport,
  screen,
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] }),
  CliOutput.layerPresenter(presenter({
    name: "viv",
    columns: process.stdout.columns || 80,
    exitCodes: [...meanings, [interrupted, "interrupted; what that leaves is told"]]
  }))
)

const signals = ["SIGINT", "SIGTERM"] as const

const exitCodeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  if (CliError.isCliError(error)) {
    return error._tag === "ShowHelp" && error.errors.length === 0 ? ExitCode.done : ExitCode.usage
  }
  if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return interrupted
  return error === undefined ? ExitCode.done : Runtime.getErrorExitCode(error)
}

/** Ends the process in every case: standard input may have been left open, and would keep it. All that was said has been written. */
const teardown: Runtime.Teardown = (exit) => process.exit(exitCodeOf(exit))

/** Runs the command of a command line, and ends the process. */
export const main = (args: ReadonlyArray<string>): void => {
  const end = args.indexOf("--")
  const isJson = (end < 0 ? args : args.slice(0, end)).includes("--json")

  // Who reads the answer may have read enough: `viv events -f | head -1`.
  process.stdout.on(
    "error",
    (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 141 : ExitCode.failed)
  )

  // The first signal cancels, which may take its time; the second does not wait for that, and nothing waits for ever.
  const onFirst = () => {
    for (const signal of signals) process.on(signal, () => process.exit(interrupted))
    setTimeout(() => process.exit(interrupted), 30_000).unref()
  }
  for (const signal of signals) process.once(signal, onFirst)

  Command.runWith(viv, { version })(args).pipe(
    Effect.tapCause((cause) => reportCause(cause, isJson)),
    Effect.provide(platform),
    NodeRuntime.runMain({ disableErrorReporting: true, teardown })
  )
}
