/**
 * `viv` at a real pseudo-terminal: tables that fit, progress that is drawn, a console that is left by its key, and Ctrl-C; and what a
 * real bash completes.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer } from "effect"
import { inject } from "vitest"
import * as Rig from "./VivRig.ts"

const { VivRig } = Rig

const run = Effect.fnUntraced(function*(name: string) {
  const { viv } = yield* VivRig
  const { status, stderr } = yield* viv("run", "--virtualizer", "simulation", "--name", name, "/images/x.qcow2")
  assert.strictEqual(status, 0, stderr)
})

/** A test that leaves the node as empty as it found it, however it ends. */
const emptied = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.ensuring(test, Effect.flatMap(VivRig, ({ viv }) => viv("reset", "--yes", "-q")))

const lines = (text: string): ReadonlyArray<string> => text.split("\r\n").filter((line) => line !== "")

/** The keys that a terminal sends. */
const ctrlC = "\u0003"
const ctrlRightBracket = "\u001d"

describe("viv at a terminal", () => {
  layer(Rig.layer(inject("programs"), "--simulate", "true").pipe(Layer.provideMerge(NodeServices.layer)), {
    timeout: 60_000,
    excludeTestServices: true
  })((it) => {
    it.effect("tables and help fit it; one that can not tell its width has 80 columns", () =>
      emptied(Effect.gen(function*() {
        const { terminal } = yield* VivRig
        yield* run("a-rather-long-name-for-an-instance-so-that-it-has-to-be-cut")
        for (const columns of [60, 20, 0]) {
          const { status, stdout } = yield* Effect.flatMap(terminal(columns, "ls"), ({ ended }) => ended)
          assert.strictEqual(status, 0)
          assert.lengthOf(lines(stdout), 2)
          for (const line of lines(stdout)) assert.isAtMost(line.length, columns || 80, line)
          assert.isTrue(lines(stdout)[0]?.startsWith("ID"))
        }
        for (const command of [[], ["run"]]) {
          const { stdout } = yield* Effect.flatMap(terminal(80, ...command, "--help"), ({ ended }) => ended)
          for (const line of lines(stdout)) assert.isAtMost(line.length, 80, line)
        }
      })))

    it.effect("progress is drawn in place, by phase, and is gone when it is done", () =>
      emptied(Effect.gen(function*() {
        const { terminal } = yield* VivRig
        const drawn = yield* terminal(80, "run", "--virtualizer", "simulation", "--name", "drawn", "/images/x.qcow2")
        yield* drawn.says("drawn: launching its guest")
        const { stdout } = yield* drawn.ended
        const shown = stdout.split("\u001b[K")
        assert.match(shown.at(-1) ?? "", /^drawn is running \(.*\)\r\n$/)
        assert.isTrue(shown.slice(0, -1).every((frame) => !frame.includes("\n")))
      })))

    it.effect("Ctrl-C withdraws a run, and tells that nothing is left", () =>
      emptied(Effect.gen(function*() {
        const { terminal, viv } = yield* VivRig
        const running = yield* terminal(
          80,
          "run",
          "--virtualizer",
          "simulation",
          "--name",
          "withdrawn",
          "/images/x.qcow2"
        )
        yield* running.says("withdrawn: ")
        yield* running.type(ctrlC)
        const { status, stdout } = yield* running.ended
        assert.strictEqual(status, 130)
        assert.include(stdout, "viv: interrupted: the start of withdrawn is withdrawn; nothing of it is left")
        assert.strictEqual((yield* viv("show", "withdrawn")).status, 3)
      })))

    it.effect("Ctrl-C ends the waiting of a stop, which goes on, and that of a wait, which changes nothing", () =>
      emptied(Effect.gen(function*() {
        const { start, viv } = yield* VivRig
        yield* run("stopped-on")
        const waiting = yield* start("wait", "stopped-on", "--for", "paused")
        yield* waiting.says("waited for until paused")
        yield* waiting.interrupt
        const waited = yield* waiting.ended
        assert.strictEqual(waited.status, 130)
        assert.include(waited.stderr, "viv: interrupted: stopped-on is running\n")
        const stopping = yield* start("stop", "stopped-on")
        yield* stopping.says("stopped-on: stopping")
        yield* stopping.interrupt
        const stopped = yield* stopping.ended
        assert.strictEqual(stopped.status, 130)
        assert.match(stopped.stderr, /viv: interrupted: stopped-on is \w+; its stop goes on\n/)
        assert.strictEqual((yield* viv("wait", "stopped-on", "--for", "stopped", "-t", "20")).status, 0)
      })))

    it.effect("keys go to the guest and back, and the detach key leaves it running", () =>
      emptied(Effect.gen(function*() {
        const { terminal, viv } = yield* VivRig
        yield* run("typed-at")
        const console = yield* terminal(80, "console", "typed-at")
        yield* console.says("ctrl-] leaves it")
        yield* console.type("hello\r")
        yield* console.says("hello")
        // There is place for one.
        const second = yield* viv("console", "typed-at")
        assert.strictEqual(second.status, 4)
        assert.match(second.stderr, /somebody is at its console, and there is place for one\nhint: /)
        yield* console.type(ctrlRightBracket)
        const { status, stdout } = yield* console.ended
        assert.strictEqual(status, 0)
        assert.include(stdout, "viv: left the console; typed-at goes on")
        // Ctrl-C is the guest's; the key is another where one is given.
        const other = yield* terminal(80, "console", "typed-at", "--detach-key", "ctrl-a")
        yield* other.says("ctrl-a leaves it")
        yield* other.type(`${ctrlC}still here\r`)
        yield* other.says("still here")
        yield* other.type("\u0001")
        assert.strictEqual((yield* other.ended).status, 0)
        assert.match((yield* viv("show", "typed-at")).stdout, /^state +running$/m)
        // Without a key it ends with its guest.
        const left = yield* terminal(80, "console", "typed-at")
        yield* left.says("leaves it")
        yield* viv("stop", "typed-at")
        assert.include((yield* left.ended).stdout, "the console of typed-at ended")
      })))

    it.effect("top draws a page of its own until q, and reset asks first", () =>
      emptied(Effect.gen(function*() {
        const { terminal, viv } = yield* VivRig
        yield* run("watched")
        const top = yield* terminal(80, "top", "--every", "0.2")
        yield* top.says("watched")
        yield* top.type("q")
        const { status, stdout } = yield* top.ended
        assert.strictEqual(status, 0)
        assert.isTrue(stdout.startsWith("\u001b[?1049h"))
        assert.isTrue(stdout.trimEnd().endsWith("\u001b[?1049l"))
        const unsure = yield* terminal(80, "reset")
        yield* unsure.says("End and remove 1 instance and every orphan")
        yield* unsure.type("n")
        assert.include((yield* unsure.ended).stdout, "nothing was changed")
        assert.strictEqual((yield* viv("show", "watched")).status, 0)
        const sure = yield* terminal(80, "reset")
        yield* sure.says("End and remove 1 instance")
        yield* sure.type("y")
        assert.include((yield* sure.ended).stdout, "is removed")
        assert.strictEqual((yield* viv("show", "watched")).status, 3)
      })))

    it.effect("bash completes commands, flags and their values", () =>
      emptied(Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const { home, viv } = yield* VivRig
        const { stdout: script } = yield* viv("completion", "bash")
        yield* fs.writeFileString(`${home}/completion`, script)
        const bash = yield* Rig.spawn("script", ["-qefc", "bash --norc --noprofile -i", "/dev/null"], {
          HOME: home,
          PATH: process.env["PATH"] ?? "",
          TERM: "dumb"
        })
        yield* bash.type(`PS1='> '; viv() { echo "ran:$*."; }; source ${home}/completion; echo loa''ded\n`)
        yield* bash.says("loaded")
        const completed = Effect.fnUntraced(function*(typed: string, line: string) {
          yield* bash.type(`viv ${typed}\t\n`)
          yield* bash.says(`ran:${line}.`)
        })
        yield* completed("evac", "evacuate")
        yield* completed("orphans l", "orphans ls")
        yield* completed("run --kern", "run --kernel")
        yield* completed("run --firmware e", "run --firmware efi")
        yield* completed("--state-dir /x ls --jso", "--state-dir /x ls --json")
        yield* completed(`start -f ${home}/comple`, `start -f ${home}/comple`)
        yield* bash.type("viv st\t\t")
        yield* bash.says("start")
        yield* bash.says("stats")
        yield* bash.says("status")
        yield* bash.type("\nexit\n")
        yield* bash.ended
        for (const shell of ["zsh", "fish", "powershell"]) {
          assert.isAbove((yield* viv("completion", shell)).stdout.length, 1_000)
        }
      })))
  })
})
