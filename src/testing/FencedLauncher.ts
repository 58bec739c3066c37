/**
 * A launcher as those see it who ask it: once it is dead, nothing that it says reaches them any more.
 */
import { Effect, Stream } from "effect"
import type { Fence } from "../backend/simulation/Fence.ts"
import { Launcher } from "../launcher/Launcher.ts"
import { fail, LauncherClosed, type LauncherError } from "../launcher/LauncherError.ts"

/** The launcher behind its fence: who waits for its answer when that is cut gets `LauncherClosed`, whatever it was to be. */
export const make = (launcher: Launcher["Service"], fence: Fence): Launcher["Service"] => {
  const heard = <A, R>(answer: Effect.Effect<A, LauncherError, R>): Effect.Effect<A, LauncherError, R> =>
    Effect.flatMap(Effect.exit(answer), (exit) => fence.isUp ? exit : Effect.fail(fail(new LauncherClosed())))
  const ended = Stream.suspend(() => fence.isUp ? Stream.empty : Stream.fail(fail(new LauncherClosed())))
  const told = <A>(stream: Stream.Stream<A, LauncherError>): Stream.Stream<A, LauncherError> =>
    Stream.concat(Stream.takeWhile(stream, () => fence.isUp), ended)
  return Launcher.of({
    ...launcher,
    create: (spec) => heard(launcher.create(spec)),
    start: (spec) => heard(launcher.start(spec)),
    scoped: (spec) => heard(launcher.scoped(spec)),
    stop: (id) => heard(launcher.stop(id)),
    delete: (id) => heard(launcher.delete(id)),
    restart: (id) => heard(launcher.restart(id)),
    pause: (id) => heard(launcher.pause(id)),
    resume: (id) => heard(launcher.resume(id)),
    attach: (id, volume) => heard(launcher.attach(id, volume)),
    detach: (id, volume) => heard(launcher.detach(id, volume)),
    get: (id) => heard(launcher.get(id)),
    stats: (id) => heard(launcher.stats(id)),
    console: (id) => heard(launcher.console(id)),
    evacuate: told(launcher.evacuate),
    restore: heard(launcher.restore),
    reset: told(launcher.reset),
    orphans: heard(launcher.orphans),
    adopt: (spec) => heard(launcher.adopt(spec)),
    destroyOrphan: (id) => heard(launcher.destroyOrphan(id))
  })
}
