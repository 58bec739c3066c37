/**
 * What is waited for, told while it lasts: drawn in place where a person watches, in lines of its own elsewhere.
 */
import { Clock, Effect, type Scope, Stdio, Stream, Terminal } from "effect"
import type { Output } from "./Output.ts"
import { elide, plain, span } from "./Text.ts"

export interface Progress {
  /** What is now done about one of those waited for. */
  readonly say: (who: string, what: string) => Effect.Effect<void>
  /** This one is not waited for any more. */
  readonly over: (who: string) => Effect.Effect<void>
  /** Tells something else meanwhile, on a line of its own. */
  readonly aside: (telling: Effect.Effect<void>) => Effect.Effect<void>
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

const clearLine = "\r\u001b[K"

const nobody: Progress = { say: () => Effect.void, over: () => Effect.void, aside: (telling) => telling }

const lines = (write: (text: string) => Effect.Effect<void>): Progress => {
  const said = new Map<string, string>()
  return {
    say: (who, what) =>
      Effect.suspend(() => {
        if (said.get(who) === what) return Effect.void
        said.set(who, what)
        return write(`${plain(who)}: ${plain(what)}\n`)
      }),
    over: (who) => Effect.sync(() => said.delete(who)),
    aside: (telling) => telling
  }
}

const drawn = Effect.fnUntraced(function*(write: (text: string) => Effect.Effect<void>) {
  const terminal = yield* Terminal.Terminal
  const clock = yield* Clock.Clock
  const began = clock.currentTimeMillisUnsafe()
  const waiting = new Map<string, string>()
  let frame = 0
  const draw = Effect.gen(function*() {
    if (waiting.size === 0) return
    const columns = (yield* terminal.columns) || 80
    const texts = Array.from(waiting, ([who, what]) => `${who}: ${what}`)
    frame = (frame + 1) % frames.length
    const text = plain(`${frames[frame]} ${texts.join(" · ")} (${span(clock.currentTimeMillisUnsafe() - began)})`)
    yield* write(clearLine + elide(text, columns - 1))
  })
  // What is done at once needs no drawing.
  yield* draw.pipe(Effect.delay("120 millis"), Effect.forever, Effect.forkScoped)
  yield* Effect.addFinalizer(() => write(clearLine))
  return {
    say: (who, what) => Effect.sync(() => void waiting.set(who, what)),
    over: (who) => Effect.sync(() => void waiting.delete(who)),
    aside: (telling) => Effect.andThen(write(clearLine), telling)
  } satisfies Progress
})

/** Tells what is waited for, until the scope closes. With `--json` and `--quiet` nothing is told. */
export const progress = Effect.fnUntraced(function*(
  { isWatched, mode }: Output
): Effect.fn.Return<Progress, never, Scope.Scope | Stdio.Stdio | Terminal.Terminal> {
  if (mode !== "human") return nobody
  const stdio = yield* Stdio.Stdio
  const write = (text: string) => Effect.ignore(Stream.run(Stream.succeed(text), stdio.stderr()))
  return isWatched ? yield* drawn(write) : lines(write)
})
