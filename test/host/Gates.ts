/**
 * Holds what runs on this host's services at points of a test's choosing: on its way to a file, or to another program.
 * Nothing of what is tested knows of it.
 */
import { Context, Deferred, Effect, FileSystem, type Path } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Gate from "./Gate.ts"

/** What can be done to a path. `open` is also for reading and syncing, `access` for asking whether it is there. */
export type FileAct =
  | "access"
  | "chmod"
  | "chown"
  | "copyFile"
  | "makeDirectory"
  | "open"
  | "readFile"
  | "realPath"
  | "remove"
  | "rename"
  | "stat"
  | "writeFile"

/** Before the act, or when it is done and nobody was told. */
export type Side = "before" | "after"

/**
 * Before a program is started; when it has begun, in which case its process is there and stopped before it does anything;
 * or when it has ended and nobody was told.
 */
export type ProgramMoment = "before" | "begun" | "after"

interface FilePoint {
  readonly act: FileAct
  readonly path: RegExp
  readonly side: Side
  readonly gate: Gate.FiberGate
}

interface ProgramPoint {
  readonly words: RegExp
  readonly moment: ProgramMoment
  readonly gate: Gate.FiberGate
  readonly begun: Deferred.Deferred<number>
  isOpen: boolean
}

type Services = ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Path.Path

/** The services of a host, with gates before and after what is done by them. */
export class Gates {
  /** The services, for what is tested. */
  readonly services: Context.Context<Services>
  readonly #files: Array<FilePoint> = []
  readonly #programs: Array<ProgramPoint> = []

  constructor(host: Context.Context<Services>) {
    this.services = Context.add(
      Context.add(host, FileSystem.FileSystem, this.#fileSystem(Context.get(host, FileSystem.FileSystem))),
      ChildProcessSpawner.ChildProcessSpawner,
      this.#spawner(Context.get(host, ChildProcessSpawner.ChildProcessSpawner))
    )
  }

  /** Holds what comes to do this to a path that matches. */
  file(side: Side, act: FileAct, path: RegExp): Gate.Gate {
    const gate = Gate.make(`${side} ${act} of ${path}`)
    this.#files.push({ act, path, side, gate })
    return gate
  }

  /** Holds what comes to run a program whose words, joined by spaces, match. A program that was stopped is let go by `open`. */
  program(moment: ProgramMoment, words: RegExp): Gate.Gate {
    const gate = Gate.make(`${moment} running ${words}`)
    const point: ProgramPoint = { words, moment, gate, begun: Deferred.makeUnsafe(), isOpen: false }
    this.#programs.push(point)
    const open = Effect.andThen(
      gate.open,
      Effect.sync(() => {
        point.isOpen = true
      })
    )
    if (moment !== "begun") return { reached: gate.reached, open }
    return {
      reached: Effect.flatMap(
        Gate.within(`nothing came to begin ${words}`, Deferred.await(point.begun)),
        (pid) => Gate.until(`${words} is not stopped`, () => Gate.isStopped(pid))
      ),
      open: Effect.suspend(() => {
        const begun = point.begun
        return Deferred.isDoneUnsafe(begun)
          ? Effect.andThen(open, Effect.flatMap(Deferred.await(begun), (pid) => Gate.signal(pid, "SIGCONT")))
          : open
      })
    }
  }

  #pass(act: FileAct, side: Side, path: string): Effect.Effect<void> {
    return Effect.forEach(
      this.#files.filter((point) => point.act === act && point.side === side && point.path.test(path)),
      ({ gate }) => gate.pass,
      { discard: true }
    )
  }

  #fileSystem(fs: FileSystem.FileSystem): FileSystem.FileSystem {
    const held = <Rest extends ReadonlyArray<unknown>, A, E, R>(
      act: FileAct,
      perform: (path: string, ...rest: Rest) => Effect.Effect<A, E, R>
    ) =>
    (path: string, ...rest: Rest): Effect.Effect<A, E, R> =>
      Effect.suspend(() => this.#pass(act, "before", path)).pipe(
        Effect.andThen(perform(path, ...rest)),
        Effect.tap(() => this.#pass(act, "after", path))
      )
    return FileSystem.make({
      ...fs,
      access: held("access", fs.access),
      chmod: held("chmod", fs.chmod),
      chown: held("chown", fs.chown),
      copyFile: held("copyFile", fs.copyFile),
      makeDirectory: held("makeDirectory", fs.makeDirectory),
      open: held("open", fs.open),
      readFile: held("readFile", fs.readFile),
      realPath: held("realPath", fs.realPath),
      remove: held("remove", fs.remove),
      rename: held("rename", fs.rename),
      stat: held("stat", fs.stat),
      writeFile: held("writeFile", fs.writeFile)
    })
  }

  #spawner(spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]) {
    const points = (command: ChildProcess.Command, moment: ProgramMoment) =>
      this.#programs.filter((point) => point.moment === moment && !point.isOpen && point.words.test(wordsOf(command)))
    const pass = (command: ChildProcess.Command, moment: ProgramMoment) =>
      Effect.forEach(points(command, moment), ({ gate }) => gate.pass, { discard: true })
    return ChildProcessSpawner.make(Effect.fnUntraced(function*(command) {
      yield* pass(command, "before")
      const begun = points(command, "begun")
      const handle = yield* spawner.spawn(begun.length === 0 ? command : stopped(command))
      for (const point of begun) yield* Deferred.succeed(point.begun, handle.pid)
      return ChildProcessSpawner.makeHandle({
        ...handle,
        exitCode: Effect.tap(handle.exitCode, () => pass(command, "after"))
      })
    }))
  }
}

const wordsOf = (command: ChildProcess.Command): string =>
  command._tag === "StandardCommand"
    ? [command.command, ...command.args].join(" ")
    : `${wordsOf(command.left)} | ${wordsOf(command.right)}`

/** A command whose process stops itself before it becomes that program. */
const stopped = (command: ChildProcess.Command): ChildProcess.Command =>
  command._tag === "StandardCommand"
    ? ChildProcess.make(
      "sh",
      ["-c", "kill -STOP $$; exec \"$@\"", "sh", command.command, ...command.args],
      command.options
    )
    : command

/** The services at hand, with gates. */
export const make: Effect.Effect<Gates, never, Services> = Effect.map(
  Effect.context<Services>(),
  (services) => new Gates(services)
)

/** Runs something on the gated services. */
export const provide =
  (gates: Gates) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Services>> =>
    Effect.provideContext(effect, gates.services)
