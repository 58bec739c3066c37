/**
 * Launching a guest, so that it is there and negotiated, or nothing is left of it.
 */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import { Deferred, Duration, Effect, Fiber, FileSystem, Path, Predicate, type Scope } from "effect"
import * as QmpClient from "../../qmp/QmpClient.ts"
import * as QmpCommands from "../../qmp/QmpCommands.ts"
import type { QmpError } from "../../qmp/QmpError.ts"
import * as QmpTransport from "../../qmp/QmpTransport.ts"
import { fail, HostFailure, LaunchFailed, NoSpace, type VirtualizerError } from "../../VirtualizerError.ts"
import * as GuestFile from "./GuestFile.ts"
import * as HostCommand from "./HostCommand.ts"
import * as QemuArguments from "./QemuArguments.ts"
import type { QemuConfig } from "./QemuConfig.ts"
import type { QemuDirectory } from "./QemuDirectory.ts"
import * as QemuProcess from "./QemuProcess.ts"

/** What is launched. */
export interface Options {
  readonly config: QemuConfig
  readonly directory: QemuDirectory
  readonly signature: QemuProcess.Signature
  /** The emulator and its arguments, behind whatever changes the user. */
  readonly command: ReadonlyArray<string>
  /** The host's tap devices that it inherits, from descriptor `QemuArguments.tapDescriptor` on. */
  readonly taps: ReadonlyArray<string>
  /** The PATH, which is all of the environment that a guest's process gets. */
  readonly searchPath: string
}

/** A guest that has just been launched. */
export interface Launched {
  readonly identity: QemuProcess.Identity
  readonly client: QmpClient.QmpClient
  /** Its processors have been told to run: completes when they do. */
  readonly resumed: Effect.Effect<void, QmpError>
}

/** The limits of a QMP client of a guest. */
export const clientOptions = (config: QemuConfig): QmpClient.Options => ({
  dialDeadline: config.launchDeadline,
  greetingDeadline: config.commandDeadline,
  commandDeadline: config.commandDeadline,
  heartbeat: config.heartbeat
})

/**
 * Launches a guest in a session of its own, with none of our descriptors, so that it outlives this process, and returns
 * when it has answered on its control channel, which the scope closes. It is handed to `keep` in the same act in which the
 * launch succeeds: who is interrupted later has a guest. A failed or interrupted launch ends what it spawned, verified.
 *
 * Fails with `LaunchFailed`, which has QEMU's own words, with `HostFailure` and `NoSpace`, and with `StillAlive` when what was spawned
 * could not be ended.
 */
export const launch = Effect.fn("QemuLaunch.launch")(
  function*(
    options: Options,
    keep: (launched: Launched) => void
  ): Effect.fn.Return<void, VirtualizerError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
    yield* Effect.acquireUseRelease(
      spawn(options),
      (child) => negotiate(options, child),
      (child, exit) => exit._tag === "Success" ? Effect.sync(() => keep(exit.value)) : end(options, child)
    )
  }
)

interface Child {
  /** Absent when it ended before it could be looked at. */
  readonly identity: QemuProcess.Identity | undefined
  /** Completes with how it ended. */
  readonly exited: Deferred.Deferred<string>
}

/**
 * Opens the taps named by the first argument, keeps them, and becomes the command in the others. Node can not make the
 * system call that this takes (TUNSETIFF, https://docs.kernel.org/networking/tuntap.html), and Perl is part of every
 * Debian. Naming a tap that does not exist would create one, so that is looked at first.
 */
const openTaps = `
use strict; $^F = 1023; my @taps;
for my $name (split /,/, shift) {
  -e "/sys/class/net/$name/tun_flags" or die "there is no tap device $name: create it, then start again\\n";
  open(my $tap, "+<", "/dev/net/tun") or die "/dev/net/tun can not be opened: $!\\n";
  fileno($tap) == ${QemuArguments.tapDescriptor} + @taps or die "unexpected descriptor\\n";
  ioctl($tap, 0x400454ca, pack("a16 s x22", $name, 0x5002)) or die "tap device $name can not be used: $!\\n";
  push @taps, $tap;
}
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n";
`

const withTaps = (command: ReadonlyArray<string>, taps: ReadonlyArray<string>): ReadonlyArray<string> =>
  taps.length === 0 ? command : ["perl", "-e", openTaps, "--", taps.join(","), ...command]

const packages: Readonly<Record<string, string>> = { setpriv: "util-linux", perl: "perl-base" }

const spawn = ({ command, directory, searchPath, signature, taps }: Options): Effect.Effect<Child, VirtualizerError> =>
  Effect.callback((resume) => {
    const [file = "", ...args] = withTaps(command, taps)
    const failure = (cause: unknown) => {
      const code = Predicate.hasProperty(cause, "code") ? cause.code : undefined
      const words = Predicate.isError(cause) ? cause.message : String(cause)
      const detail = log === undefined
        ? `${directory.qemuLog} can not be written: ${words}: see that its file system can be written and its disk is sound`
        : code === "ENOENT"
        ? HostCommand.missing({ name: file, package: packages[file] ?? file })
        : `${file} can not be started: ${words}`
      const isFull = code === "ENOSPC" || code === "EDQUOT"
      resume(Effect.fail(fail(isFull ? new NoSpace({ path: directory.qemuLog }) : new HostFailure({ detail }))))
    }
    let log: number | undefined
    try {
      log = Fs.openSync(directory.qemuLog, "w", 0o600)
      const child = ChildProcess.spawn(file, args, {
        cwd: "/",
        detached: true,
        env: { PATH: searchPath },
        stdio: ["ignore", log, log]
      })
      const exited = Deferred.makeUnsafe<string>()
      child.once(
        "exit",
        (code, signal) =>
          Deferred.doneUnsafe(exited, Effect.succeed(signal === null ? `exit code ${code}` : `killed by ${signal}`))
      )
      child.once("error", failure)
      child.once("spawn", () => {
        child.unref()
        resume(Effect.succeed({
          identity: child.pid === undefined ? undefined : QemuProcess.ofChild(signature, child.pid),
          exited
        }))
      })
    } catch (cause) {
      failure(cause)
    } finally {
      if (log !== undefined) Fs.closeSync(log)
    }
  })

/** Negotiates, and in the same breath tells the processors to run, which is answered while others get ready to watch. */
const begin = Effect.fnUntraced(function*(transport: QmpTransport.QmpTransport, config: QemuConfig) {
  const client = yield* QmpClient.open(transport, clientOptions(config))
  const resuming = yield* Effect.forkScoped(client.execute(QmpCommands.cont, undefined), { startImmediately: true })
  yield* client.negotiated
  return { client, resumed: Fiber.join(resuming) }
})

const negotiate = (options: Options, child: Child) => {
  const { config, directory } = options
  const deadline = config.launchDeadline
  return Effect.gen(function*() {
    const { identity } = child
    if (identity === undefined) {
      return yield* Effect.flatMap(Deferred.await(child.exited), (how) => diagnose(options, how))
    }
    const begun = yield* Effect.raceFirst(
      begin(QmpTransport.unix(directory.qmpSocket), config).pipe(
        // A process that ends closes its connection first, and knows better why.
        Effect.catch((error: QmpError) =>
          Deferred.await(child.exited).pipe(
            Effect.timeoutOrElse({ duration: "1 second", orElse: () => Effect.succeed(error.message) }),
            Effect.flatMap((how) => diagnose(options, how))
          )
        )
      ),
      Effect.flatMap(Deferred.await(child.exited), (how) => diagnose(options, how))
    )
    return { identity, ...begun }
  }).pipe(
    Effect.timeoutOrElse({
      duration: deadline,
      orElse: () => diagnose(options, `no answer within ${Duration.toMillis(deadline)} ms`)
    })
  )
}

/** How much of QEMU's last words is passed on. */
const lastWordsBytesMax = 2048

/** Fails with why a launch failed: `how` it did, and QEMU's last words. */
const diagnose = Effect.fnUntraced(
  function*(
    { config, directory, searchPath }: Options,
    how: string
  ): Effect.fn.Return<never, VirtualizerError, FileSystem.FileSystem | Path.Path> {
    if (!(yield* isInstalled(config.emulator, searchPath))) {
      return yield* fail(
        new LaunchFailed({ detail: HostCommand.missing({ name: config.emulator, package: "qemu-system-x86" }) })
      )
    }
    const words = (yield* GuestFile.readText(directory.qemuLog, -lastWordsBytesMax, lastWordsBytesMax))?.trim()
    return yield* fail(
      new LaunchFailed({
        detail: `${config.emulator}: ${how}: ${words === undefined || words === "" ? "it said nothing" : words}`
      })
    )
  }
)

const isInstalled = Effect.fnUntraced(function*(
  emulator: string,
  searchPath: string
): Effect.fn.Return<boolean, never, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const places = emulator.includes("/")
    ? [emulator]
    : searchPath.split(":").map((directory) => join(directory, emulator))
  for (const place of places) {
    if (yield* Effect.orElseSucceed(fs.exists(place), () => false)) return true
  }
  return false
})

/** Ends what was spawned, and removes what it made. */
const end = Effect.fnUntraced(function*(
  { config, directory, signature }: Options,
  { identity }: Child
): Effect.fn.Return<void, VirtualizerError, FileSystem.FileSystem> {
  if (identity !== undefined) yield* QemuProcess.kill(identity, config.killDeadline)
  // Where the guest was there already, QEMU refused a second one, and the files are those of the first.
  if ((yield* QemuProcess.find(signature)) === undefined) yield* removeTraces(directory)
})

/** Removes what a process leaves that did not end in an orderly way: its pid file and its sockets. Never fails. */
export const removeTraces = Effect.fnUntraced(function*(
  directory: QemuDirectory
): Effect.fn.Return<void, never, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  yield* Effect.forEach(
    [directory.pidFile, directory.qmpSocket, directory.consoleSocket],
    (path) => Effect.ignore(fs.remove(path, { force: true })),
    { concurrency: "unbounded", discard: true }
  )
})
