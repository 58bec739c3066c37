import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as Rig from "./Rig.ts"

layer(NodeServices.layer, { excludeTestServices: true })("a guest's process", (it) => {
  it.effect("has no privileges, cannot gain any, is in a sandbox and in a session of its own", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const rig = yield* Rig.make()
      const spec = yield* rig.empty()
      yield* rig.start(yield* rig.guest(spec), rig.boot(spec))
      const [guest, ...others] = yield* rig.alive
      assert.isDefined(guest)
      assert.isEmpty(others)
      const status = yield* fs.readFileString(`/proc/${guest?.pid}/status`)
      const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1]
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) assert.match(field(set) ?? "", /^0+$/, set)
      assert.strictEqual(field("Uid"), Array(4).fill(rig.config.user.uid).join("\t"))
      assert.strictEqual(field("Gid"), Array(4).fill(rig.config.user.gid).join("\t"))
      assert.strictEqual(field("Groups")?.trim(), "")
      assert.strictEqual(field("NoNewPrivs"), "1")
      // It filters its system calls.
      assert.strictEqual(field("Seccomp"), "2")
      const stat = yield* fs.readFileString(`/proc/${guest?.pid}/stat`)
      const session = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]
      assert.strictEqual(session, `${guest?.pid}`)
    }))
})
