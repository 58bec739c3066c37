/**
 * A guest's console as a WebSocket: binary messages in both directions.
 */
import { Effect, Option, type Scope } from "effect"
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

/**
 * Joins the client's connection with the guest's console until either ends. Fails with `invalid_request` where it is no WebSocket,
 * `not_supported` or `instance_failure` where there is no console.
 */
export const join = Effect.fnUntraced(function*(
  request: HttpServerRequest.HttpServerRequest,
  id: InstanceId,
  console: GuestConsole
): Effect.fn.Return<void, Problem, Scope.Scope | Shutdown> {
  if (request.headers["upgrade"]?.toLowerCase() !== "websocket") {
    return yield* problem("invalid_request", {
      detail: "a console is a WebSocket",
      hint: "connect with a WebSocket client, such as viv console",
      instance: id
    })
  }
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
}, Effect.scoped)

const gone = (id: InstanceId): Problem =>
  problem("instance_failure", { detail: `instance ${id}: its console went away`, instance: id })
