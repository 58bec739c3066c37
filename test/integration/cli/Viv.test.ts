/**
 * Every command of the installed `viv`, at a real daemon whose guests are simulated: what it tells people, programs and scripts.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Fiber, FileSystem, Layer, Schema } from "effect"
import { NodeInfo } from "../../../src/api/NodeApi.ts"
import { version } from "../../../src/api/Version.ts"
import { InstanceInfo } from "../../../src/domain/InstanceInfo.ts"
import { NodeStatistics } from "../../../src/domain/NodeStatus.ts"
import { inject } from "vitest"
import * as Rig from "./VivRig.ts"

const { VivRig } = Rig

const json = (text: string): unknown => JSON.parse(text)
const infos = (text: string) => Schema.decodeUnknownSync(Schema.toCodecJson(Schema.Array(InstanceInfo)))(json(text))
const info = (text: string) => Schema.decodeUnknownSync(Schema.toCodecJson(InstanceInfo))(json(text))

const image = "/images/debian.qcow2"

const startPayload = `start:
  instance_uuid: 3390740c-dce9-48d6-b83a-a717417072ce
  vm_type: qemu
  fw_type: legacy
  requirements: { vcpus: 1, mem_mb: 64 }
  storage: [{ id: root, boot: true }]
`

/** Runs a simulated instance, and answers its id. */
const run = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
  const { viv } = yield* VivRig
  const { status, stderr, stdout } = yield* viv("run", "--virtualizer", "simulation", "-q", ...args, image)
  assert.strictEqual(status, 0, stderr)
  return stdout.trim()
})

/** Runs a command that succeeds, and answers what it said. */
const ok = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
  const { viv } = yield* VivRig
  const { status, stderr, stdout } = yield* viv(...args)
  assert.strictEqual(status, 0, `viv ${args.join(" ")}: ${stderr}`)
  return stdout
})

/** A test that leaves the node as empty as it found it, however it ends. */
const emptied = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.ensuring(test, Effect.flatMap(VivRig, ({ viv }) => viv("reset", "--yes", "-q")))

describe("viv", () => {
  layer(Rig.layer(inject("programs"), "--simulate", "true").pipe(Layer.provideMerge(NodeServices.layer)), {
    timeout: 60_000,
    excludeTestServices: true
  })((it) => {
    it.effect("run creates an instance of what the flags say, and returns when it runs", () =>
      emptied(Effect.gen(function*() {
        const { viv } = yield* VivRig
        const { status, stderr, stdout } = yield* viv(
          "run",
          "--virtualizer",
          "simulation",
          "--name",
          "all-flags",
          "--id",
          "AB-01",
          ...["-m", "1GiB", "-c", "2", "-l", "tier=web", "-l", "empty=", "-p", "8080:80", "-p", "0.0.0.0:5353:53/udp"],
          ...["--volume", "data-1", "--volume", "data-2:ro", "--restart", "always", "--stop-grace", "3 seconds"],
          ...["--firmware", "efi", "--disk-size", "4GiB", image]
        )
        assert.strictEqual(status, 0, stderr)
        assert.strictEqual(stdout, "all-flags is running (ab-01)\n")
        // No terminal: lines, one for each phase.
        assert.include(stderr, "all-flags: preparing its image and disk\n")
        assert.include(stderr, "all-flags: launching its guest and waiting for it to connect\n")

        const [shown] = json(yield* ok("show", "all-flags", "--json")) as ReadonlyArray<{ readonly spec: unknown }>
        assert.deepStrictEqual(shown?.spec, {
          id: "ab-01",
          name: "all-flags",
          labels: { tier: "web", empty: "" },
          virtualizer: "simulation",
          boot: { kind: "image", path: image, format: "qcow2", size: "4294967296 bytes" },
          vcpus: 2,
          memory: "1073741824 bytes",
          firmware: "efi",
          volumes: [{ id: "data-1" }, { id: "data-2", readOnly: true }],
          nics: [{
            kind: "user",
            publish: [
              { protocol: "tcp", hostPort: 8080, guestPort: 80 },
              { protocol: "udp", hostAddress: "0.0.0.0", hostPort: 5353, guestPort: 53 }
            ]
          }],
          restart: "always",
          stopGrace: "3000 millis"
        })
        yield* ok("rm", "all-flags")
      })))

    it.effect("start -f takes a native spec or a START payload, from a file or standard input", () =>
      emptied(Effect.gen(function*() {
        const { home, socket, vivWith } = yield* VivRig
        const env = { VIV_HOST: `unix://${socket}` }
        const native = `id: c0-01
name: native
virtualizer: simulation
memory: 64 MiB
boot: { kind: image, path: ${image}, format: qcow2 }
`
        const started = yield* vivWith({ env, input: native }, "start", "-f", "-", "--json")
        assert.strictEqual(started.status, 0, started.stderr)
        assert.strictEqual(info(started.stdout).state._tag, "Running")
        // Guests of this daemon are simulated ones: it says so of what asks for a virtual machine.
        const seed = yield* vivWith({ env, input: startPayload }, "start", "-f", "-")
        assert.strictEqual(seed.status, 1)
        assert.include(seed.stderr, "viv: virtualizer qemu is not supported on this node")
        const wrong = yield* vivWith({ env, input: native.replace("64 MiB", "a lot") }, "start", "-f", "-")
        assert.strictEqual(wrong.status, 1)
        assert.include(wrong.stderr, "memory")
        const missing = yield* vivWith({ env }, "start", "-f", `${home}/nothing.yaml`)
        assert.strictEqual(missing.status, 1)
        assert.include(missing.stderr, "nothing.yaml can not be read")
      })))

    it.effect("ls and show tell what is there, to people, programs and scripts", () =>
      emptied(Effect.gen(function*() {
        const web = yield* run("--name", "web-1", "-l", "tier=web", "-p", "8080:80")
        const db = yield* run("--name", "base-1x", "-l", "tier=db")
        yield* ok("stop", "base-1x")
        const table = (yield* ok("ls")).split("\n")
        assert.match(table[0] ?? "", /^ID +NAME +STATE +VCPUS +MEMORY +BOOT +BY +PORTS$/)
        assert.isTrue(
          table.some((line) => /^\S+ +web-1 +running +1 +512 MiB +debian.qcow2 +simulation +8080:80$/.test(line))
        )
        assert.deepStrictEqual(infos(yield* ok("ls", "--json")).map(({ spec }) => spec.id as string), [web, db].sort())
        assert.strictEqual(yield* ok("ls", "-q", "-l", "tier=web"), `${web}\n`)
        assert.strictEqual(yield* ok("ls", "-q", "--state", "stopped"), `${db}\n`)
        assert.strictEqual(yield* ok("ls", "-q", "--name", "nobody"), "")
        assert.match(yield* ok("show", web.slice(0, 13)), /^state +running$/m)
        assert.strictEqual(yield* ok("show", "WEB-1".toLowerCase(), "-q"), `${web}\n`)
        yield* ok("rm", "web-1", "base-1x")
      })))

    it.effect("stop, start, restart, pause, resume and rm do it to several at once, and tell each", () =>
      emptied(Effect.gen(function*() {
        const ids = [yield* run("--name", "one"), yield* run("--name", "two")]
        const both = (text: string) => new Set(text.trim().split("\n"))
        assert.deepStrictEqual(both(yield* ok("pause", "one", "two")), new Set(["one is paused", "two is paused"]))
        assert.deepStrictEqual(both(yield* ok("resume", "one", "two")), new Set(["one is running", "two is running"]))
        assert.deepStrictEqual(
          both(yield* ok("restart", "one", "two")),
          new Set(["one is running again", "two is running again"])
        )
        assert.deepStrictEqual(both(yield* ok("stop", "one", "two", "-q")), new Set(ids))
        assert.deepStrictEqual(both(yield* ok("start", "one", "two")), new Set(["one is running", "two is running"]))
        assert.deepStrictEqual(json(yield* ok("rm", "one", "two", "--json")), [
          { reference: "one", id: ids[0], name: "one" },
          { reference: "two", id: ids[1], name: "two" }
        ])
        assert.strictEqual(yield* ok("ls", "-q"), "")
      })))

    it.effect("one of several that fails keeps nobody from the others, and is told", () =>
      emptied(Effect.gen(function*() {
        const { viv } = yield* VivRig
        const id = yield* run("--name", "there")
        const both = yield* viv("stop", "nobody", "there")
        assert.strictEqual(both.status, 3)
        assert.strictEqual(both.stdout, "there is stopped\n")
        assert.include(both.stderr, "there is no instance nobody")
        const told = yield* viv("rm", "nobody", "there", "--json")
        assert.strictEqual(told.status, 3)
        assert.strictEqual(told.stderr, "")
        assert.containSubset(json(told.stdout), [
          { reference: "nobody", error: { exitCode: 3, code: "no_instance" } },
          { reference: "there", id, name: "there" }
        ])
      })))

    it.effect("wait returns in the state that is waited for", () =>
      emptied(Effect.gen(function*() {
        const { start, viv } = yield* VivRig
        yield* run("--name", "waited")
        assert.strictEqual(yield* ok("wait", "waited", "--for", "running"), "waited is running\n")
        const waiting = yield* start("wait", "waited", "--for", "ended", "--json")
        const deleted = yield* start("wait", "waited", "--for", "deleted")
        yield* deleted.says("waited for until deleted")
        yield* ok("stop", "waited")
        const { status, stdout } = yield* waiting.ended
        assert.strictEqual(status, 0)
        assert.containSubset(json(stdout), [{ reference: "waited", result: "stopped" }])
        const late = yield* viv("wait", "waited", "--for", "running", "--timeout", "0.3")
        assert.strictEqual(late.status, 6)
        const gone = yield* start("wait", "waited", "--for", "running")
        yield* gone.says("waited for until running")
        yield* ok("rm", "waited")
        assert.strictEqual((yield* deleted.ended).stdout, "waited is deleted\n")
        assert.strictEqual((yield* gone.ended).status, 3)
      })))

    it.effect("events -f tells what happens as it happens, and --since what happened since", () =>
      emptied(Effect.gen(function*() {
        const { start } = yield* VivRig
        yield* run("--name", "eventful")
        const people = yield* start("events", "-f", "eventful")
        const programs = yield* start("events", "-f", "--json")
        const scripts = yield* start("events", "-f", "-q")
        // Each follows from its beginning: pauses, one after the other, until all three have seen one.
        const nudge = ok("pause", "eventful").pipe(Effect.andThen(ok("resume", "eventful")), Effect.forever)
        const nudging = yield* Effect.forkScoped(nudge)
        const told = yield* people.says("eventful  paused")
        const lines = yield* programs.says(`"Paused"`)
        yield* scripts.says("-")
        yield* Fiber.interrupt(nudging)
        assert.match(told, /^\d{4}-\d\d-\d\dT\S+Z  \d+:\d+  eventful  paused$/m)
        const first = lines.split("\n").find((line) => line.includes(`"Paused"`)) ?? ""
        const event = json(first) as { readonly incarnation: number; readonly sequence: number }
        for (const running of [people, programs, scripts]) yield* running.interrupt
        const since = yield* start("events", "-f", "--json", "--since", `${event.incarnation}:${event.sequence - 1}`)
        yield* since.says("\n")
        yield* since.interrupt
        const { stdout } = yield* since.ended
        assert.strictEqual(stdout.split("\n")[0], first)
        yield* ok("rm", "eventful")
      })))

    it.effect("logs tells what the guest said, and stats and top what it uses", () =>
      emptied(Effect.gen(function*() {
        const { start } = yield* VivRig
        const id = yield* run("--name", "seen")
        const log = yield* ok("logs", "seen")
        assert.include(log, "boots")
        assert.deepStrictEqual(json(yield* ok("logs", "seen", "--json")), { id, log })
        assert.strictEqual(yield* ok("logs", "seen", "--tail", "6"), log.slice(-6))
        const following = yield* start("logs", "-f", "seen")
        yield* following.says("runs")
        assert.match(yield* ok("stats"), /^\S+ +seen +running +\S+% +\d+ MiB/m)
        const statistics = Schema.decodeUnknownSync(Schema.toCodecJson(NodeStatistics))
        assert.lengthOf(statistics(json(yield* ok("stats", "seen", "--json"))).instances, 1)
        assert.lengthOf(statistics(json(yield* ok("top", "--once", "--every", "0.1", "--json"))).instances, 1)
        const top = yield* start("top", "--every", "0.1", "--json")
        yield* top.says("\n{")
        yield* top.interrupt
        const { stdout } = yield* top.ended
        statistics(json(stdout.split("\n")[0] ?? ""))
        yield* ok("rm", "seen")
        assert.strictEqual((yield* following.ended).status, 0)
      })))

    it.effect("attach and detach change the volumes of an instance", () =>
      emptied(Effect.gen(function*() {
        yield* run("--name", "disks")
        assert.strictEqual(
          yield* ok("attach", "disks", "data-1", "data-2", "--read-only"),
          "disks has data-1, data-2\n"
        )
        const volumes = Effect.map(ok("show", "disks", "--json"), (text) => infos(text)[0]?.volumes)
        assert.deepStrictEqual(
          (yield* volumes)?.map(({ id, readOnly }) => [id as string, readOnly]),
          [["data-1", true], ["data-2", true]]
        )
        yield* ok("detach", "disks", "data-1")
        assert.deepStrictEqual((yield* volumes)?.map(({ id }) => id as string), ["data-2"])
        yield* ok("rm", "disks")
      })))

    it.effect("run --rm: the daemon deletes it when it ends", () =>
      emptied(Effect.gen(function*() {
        const { start } = yield* VivRig
        yield* run("--name", "brief", "--rm")
        const gone = yield* start("wait", "brief", "--for", "deleted")
        yield* gone.says("waited for")
        yield* ok("stop", "brief")
        assert.strictEqual((yield* gone.ended).stdout, "brief is deleted\n")
        assert.strictEqual(yield* ok("ls", "-q"), "")
      })))

    it.effect("status, evacuate, restore, reset, orphans and doctor are about the node", () =>
      emptied(Effect.gen(function*() {
        const { viv } = yield* VivRig
        const id = yield* run("--name", "evacuated")
        assert.match(yield* ok("status"), /^condition +ready\ninstances +1 running$/m)
        const status = Schema.decodeUnknownSync(Schema.toCodecJson(NodeInfo))
        assert.strictEqual(status(json(yield* ok("status", "--json"))).status.condition._tag, "Ready")
        const removals = (yield* ok("evacuate", "--json")).trim().split("\n").map(json)
        assert.containSubset(removals, [
          { _tag: "Removed", what: "instance", name: id, done: 1, total: 1 },
          { _tag: "Done", removed: 1, failed: 0 }
        ])
        const refused = yield* viv("run", "--virtualizer", "simulation", image)
        assert.strictEqual(refused.status, 5)
        assert.include(refused.stderr, "hint: viv restore")
        yield* ok("restore")
        yield* run("--name", "after")
        const unsure = yield* viv("reset")
        assert.strictEqual(unsure.status, 2)
        assert.include(unsure.stderr, "--yes")
        assert.include(yield* ok("reset", "--yes"), "is removed")
        assert.strictEqual(yield* ok("ls", "-q"), "")
        assert.deepStrictEqual(json(yield* ok("orphans", "ls", "--json")), [])
        assert.strictEqual((yield* viv("orphans", "rm", "zz")).status, 1)
        const doctor = yield* viv("doctor", "--json")
        const checks = json(doctor.stdout) as ReadonlyArray<{ readonly name: string; readonly status: string }>
        assert.isNotEmpty(checks)
        assert.strictEqual(doctor.status, checks.some(({ status }) => status === "missing") ? 1 : 0)
      })))

    it.effect("compiled code is kept where nobody else may write only", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const { home, socket, vivWith } = yield* VivRig
        for (const [name, mode, isKept] of [["own", 0o755, true], ["open", 0o777, false]] as const) {
          const caches = `${home}/${name}`
          yield* fs.makeDirectory(caches)
          yield* fs.chmod(caches, mode)
          const { status } = yield* vivWith({ env: { VIV_HOST: `unix://${socket}`, XDG_CACHE_HOME: caches } }, "status")
          assert.strictEqual(status, 0)
          assert.strictEqual(yield* fs.exists(`${caches}/vivarium`), isKept)
        }
      }))

    it.effect("version tells both, and --version its own at once", () =>
      emptied(Effect.gen(function*() {
        const { vivWith } = yield* VivRig
        assert.containSubset(json(yield* ok("version", "--json")), { viv: version, vivd: { version } })
        assert.strictEqual(yield* ok("--version"), `viv ${version}\n`)
        const alone = yield* vivWith({ env: { VIV_HOST: "unix:///nowhere" } }, "version")
        assert.strictEqual(alone.status, 0)
        assert.match(alone.stdout, /can not be reached/)
      })))
  })
})
