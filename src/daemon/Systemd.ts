/**
 * What the service manager is told, by systemd-notify(1): Node has no sockets of that kind. Nothing where there is no manager.
 */
import { Config, Duration, Effect, Option, Schedule, type Scope } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

const notify = Effect.fnUntraced(function*(assignments: ReadonlyArray<string>) {
  const socket = yield* Config.String("NOTIFY_SOCKET").pipe(Config.option)
  if (Option.isNone(socket)) return
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  yield* spawner.exitCode(ChildProcess.make("systemd-notify", assignments)).pipe(
    Effect.timeout("5 seconds"),
    Effect.catch((error) => Effect.logWarning(`systemd could not be told ${assignments.join(" ")}: ${error.message}`))
  )
}, Effect.orDie)

/** The daemon takes commands. */
export const ready = notify(["--ready", "--status=takes commands"])

/** The daemon is going. */
export const stopping = notify(["STOPPING=1", "--status=waits for commands in progress"])

/** Tells that the daemon is alive, twice as often as the manager wants to hear it. */
export const watchdog: Effect.Effect<void, never, ChildProcessSpawner.ChildProcessSpawner | Scope.Scope> = Effect.gen(
  function*() {
    const micros = yield* Config.Int("WATCHDOG_USEC").pipe(Config.option)
    if (Option.isNone(micros)) return
    yield* Effect.forkScoped(
      Effect.repeat(notify(["WATCHDOG=1"]), Schedule.spaced(Duration.micros(BigInt(Math.floor(micros.value / 2)))))
    )
  }
).pipe(Effect.orDie)
