import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Cause, Effect, Exit, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as QmpCommand from "../../src/qmp/QmpCommand.ts"
import * as ScriptedPeer from "./ScriptedPeer.ts"

/** What can happen. `which` picks one of the commands it can happen to. */
const Step = Schema.Struct({
  kind: Schema.Literals(["send", "send", "interrupt", "reply", "reply", "refuse", "event", "garbled reply"]),
  which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))
})

const echo = QmpCommand.make("echo", {
  arguments: Schema.Struct({ n: Schema.Int }),
  returns: Schema.Struct({ n: Schema.Int })
})

type Outcome = "own reply" | "refused" | "unfit" | "interrupted" | "disconnected"

describe("QmpClient", () => {
  it.effect.prop(
    "every command gets its own answer or its failure, exactly once, in every schedule",
    [Arbitrary.array(Arbitrary.schema(Step))],
    ([steps]) =>
      Effect.gen(function*() {
        const [peer, client] = yield* ScriptedPeer.negotiated()
        const fibers: Array<Fiber.Fiber<Outcome>> = []
        const expected: Array<Outcome | undefined> = []
        const settled: Array<number> = []
        const unanswered: Array<ScriptedPeer.Command> = []

        const send = Effect.fnUntraced(function*() {
          const n = fibers.length
          fibers.push(
            yield* Effect.forkChild(
              client.execute(echo, { n }).pipe(
                Effect.map((reply): Outcome => {
                  assert.strictEqual(reply.n, n)
                  return "own reply"
                }),
                Effect.catch(({ reason }): Effect.Effect<Outcome> => {
                  switch (reason._tag) {
                    case "CommandFailed":
                      assert.strictEqual(reason.description, String(n))
                      return Effect.succeed("refused")
                    case "InvalidReply":
                      return Effect.succeed("unfit")
                    case "Disconnected":
                      return Effect.succeed("disconnected")
                    default:
                      return Effect.die(reason)
                  }
                }),
                Effect.ensuring(Effect.sync(() => settled.push(n)))
              ),
              { startImmediately: true }
            )
          )
          expected.push(undefined)
          unanswered.push(yield* peer.next)
        })

        const answer = (which: number, outcome: Outcome, line: (command: ScriptedPeer.Command) => string): void => {
          const [command] = unanswered.splice(which % unanswered.length, 1)
          if (command === undefined) return
          expected[Number(command.arguments?.["n"])] ??= outcome
          peer.say(line(command))
        }

        for (const { kind, which } of steps) {
          switch (kind) {
            case "send":
              yield* send()
              break
            case "interrupt":
              if (fibers.length === 0) break
              expected[which % fibers.length] ??= "interrupted"
              yield* Fiber.interrupt(fibers[which % fibers.length])
              break
            case "reply":
              answer(which, "own reply", (command) => ScriptedPeer.success(command, command.arguments ?? {}))
              break
            case "refuse":
              answer(which, "refused", (command) =>
                ScriptedPeer.refusal(command, "GenericError", String(command.arguments?.["n"])))
              break
            case "garbled reply":
              answer(which, "unfit", (command) =>
                ScriptedPeer.success(command, { n: "?" }))
              break
            case "event":
              peer.say(ScriptedPeer.event("STOP"))
              break
          }
        }
        peer.end()

        const outcomes = yield* Effect.forEach(fibers, (fiber) =>
          Effect.map(Fiber.await(fiber), (exit) =>
            Exit.isSuccess(exit) ? exit.value : Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : exit.cause))
        assert.deepStrictEqual(
          outcomes,
          expected.map((outcome) =>
            outcome ?? "disconnected"
          )
        )
        assert.deepStrictEqual(
          settled.toSorted((a, b) =>
            a - b
          ),
          [...fibers.keys()]
        )
      }).pipe(Effect.scoped, Effect.provide(TestClock.layer(), { local: true })),
    { arbitrary: { runs: 300 } }
  )
})
