/**
 * The installed `viv` and a real virtual machine: the README's first commands, a console that is typed at, and `--rm`.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer } from "effect"
import * as TinyGuest from "../../guest/TinyGuest.ts"
import { killGuests } from "../../host/killGuests.ts"
import { inject } from "vitest"
import * as Rig from "./VivRig.ts"

const { VivRig } = Rig

describe("viv with a real guest", () => {
  layer(Rig.layer(inject("programs")).pipe(Layer.provideMerge(NodeServices.layer)), {
    timeout: 60_000,
    excludeTestServices: true
  })(
    (it) => {
      it.effect("runs it, shows its log, types at its console, and finds it gone when it ended", () =>
        Effect.gen(function*() {
          const fs = yield* FileSystem.FileSystem
          const { home, start, terminal, viv } = yield* VivRig
          const state = `${home}/state`
          const images = `${state}/images`
          yield* fs.makeDirectory(images, { recursive: true })
          yield* fs.chmod(images, 0o711)
          yield* killGuests(state)
          const guest = yield* TinyGuest.copyTo(images)

          const running = yield* start(
            ...["run", "--rm", "--name", "first", "-m", "96MiB", "--stop-grace", "0 seconds"],
            ...["--kernel", guest.kernel, "--initrd", guest.initrd, "--append", guest.commandLine]
          )
          const { status, stderr, stdout } = yield* running.ended
          assert.strictEqual(status, 0, stderr)
          assert.match(stdout, /^first is running \([0-9a-f-]+\)\n$/)

          const log = yield* start("logs", "-f", "first")
          yield* log.says(TinyGuest.ready)
          const stats = yield* viv("stats", "first")
          assert.match(stats.stdout, /^\S+ +first +running +\S+ +\d/m)

          const console = yield* terminal(80, "console", "first")
          yield* console.says("leaves it")
          yield* console.type("echo $((6 * 7))-answers\n")
          yield* console.says("42-answers")
          yield* console.type("\u001d")
          assert.strictEqual((yield* console.ended).status, 0)

          const gone = yield* start("wait", "first", "--for", "deleted")
          yield* gone.says("waited for")
          assert.strictEqual((yield* viv("stop", "first")).status, 0)
          assert.strictEqual((yield* gone.ended).stdout, "first is deleted\n")
          assert.include((yield* log.ended).stdout, "42-answers")
          assert.strictEqual((yield* viv("ls", "-q")).stdout, "")
        }))
    }
  )
})
