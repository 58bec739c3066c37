/**
 * A guest's console as a WebSocket: binary messages in both directions.
 */
import { Effect, Option, Schedule, type Scope } from "effect"
import type { HttpServerRequest } from "effect/http"
import { Socket } from "effect/socket"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { GuestConsole } from "../Virtualizer.ts"
import { ofGuest } from "./Failures.ts"
import { make as problem, type Problem } from "./Problem.ts"
import { Shutdown } from "./Shutdown.ts"

/** Carries what one side says to the other, until one of them ends. */
const carry = (from: Socket.Reader, to: Socket.Writer): Effect.Effect<void> =>
  Effect.forever(Effect.flatMap(from.pull, to.writeAll)).pipe(Effect.ignore)

const goingAway = new Socket.CloseEvent(1001, "the daemon is stopping")
const ended = new Socket.CloseEvent(1000, "the console ended")

/** The instances whose consoles somebody is at. */
export class Attended {
  private readonly ids = new Set<InstanceId>()

  /**
   * Takes a console for as long as the scope is open. Fails with `instance_failure` where somebody is there, and is not just
   * leaving.
   */
  take(id: InstanceId): Effect.Effect<void, Problem, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.suspend(() => {
        if (this.ids.has(id)) {
          return Effect.fail(problem("instance_failure", {
            detail: `instance ${id}: somebody is at its console, and there is place for one`,
            hint: "read its logs, or wait until the other one has gone",
            instance: id
          }))
        }
        this.ids.add(id)
        return Effect.void
      }).pipe(Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 20 })),
      () => Effect.sync(() => this.ids.delete(id))
    )
  }
}

/**
 * Joins the client's connection with the guest's console until either ends. Fails with `invalid_request` where it is no WebSocket,
 * `not_supported` or `instance_failure` where there is no console, or somebody is at it.
 */
export const join = Effect.fnUntraced(function*(
  request: HttpServerRequest.HttpServerRequest,
  id: InstanceId,
  console: GuestConsole,
  attended: Attended
): Effect.fn.Return<void, Problem, Scope.Scope | Shutdown> {
  if (request.headers["upgrade"]?.toLowerCase() !== "websocket") {
    return yield* problem("invalid_request", {
      detail: "a console is a WebSocket",
      hint: "connect with a WebSocket client, such as viv console",
      instance: id
    })
  }
  yield* attended.take(id)
  const shutdown = yield* Shutdown
  const guest = yield* Effect.mapError(console.connect, ofGuest(id))
  const guestReader = yield* Effect.mapError(guest.reader, () => gone(id))
  const guestWriter = yield* guest.writer
  const client = yield* Effect.mapError(request.upgrade, () => gone(id))
  const reader = yield* Effect.mapError(client.reader, () => gone(id))
  const writer = yield* client.writer
  const close = yield* Effect.raceAllFirst([
    Effect.as(carry(guestReader, writer), Option.some(ended)),
    Effect.as(carry(reader, guestWriter), Option.none<Socket.CloseEvent>()),
    Effect.as(shutdown.began, Option.some(goingAway))
  ])
  if (Option.isSome(close)) yield* Effect.ignore(writer.write(close.value))
})

const gone = (id: InstanceId): Problem =>
  problem("instance_failure", { detail: `instance ${id}: its console went away`, instance: id })
