import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, type Scope, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { basename, dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { initial, type InstanceRecord } from "../../src/launcher/InstanceRecord.ts"
import * as InstanceStoreFile from "../../src/launcher/InstanceStoreFile.ts"
import { exec } from "../host/exec.ts"
import { tmpfs } from "../host/tmpfs.ts"
import { id, spec } from "./TestNode.ts"

const holder = fileURLToPath(new URL("lockHolder.ts", import.meta.url))

const record = (text: string, revision: number): InstanceRecord => ({ ...initial(spec(text)), revision })

const directory = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

/** A store, until the effect that uses it ends. */
const withStore = <A, E, R>(
  path: string,
  use: (store: Effect.Success<ReturnType<typeof InstanceStoreFile.make>>) => Effect.Effect<A, E, R>
) => Effect.scoped(Effect.flatMap(InstanceStoreFile.make(path), use))

const run = <A, E>(effect: Effect.Effect<A, E, NodeServices.NodeServices | Scope.Scope>) =>
  Effect.provide(effect, NodeServices.layer)

const permissions = (mode: number) => mode & 0o777

describe("InstanceStoreFile", () => {
  it.live("what is put is there for the next launcher, and what is removed is not", () =>
    run(Effect.gen(function*() {
      const path = yield* directory
      yield* withStore(path, (store) =>
        Effect.gen(function*() {
          yield* store.put(record("a1", 1))
          yield* store.put({ ...record("a1", 2), connectedMillis: 2_000 })
          yield* store.put(record("b2", 1))
          yield* store.remove(id("b2"))
          yield* store.remove(id("b2"))
        }))
      yield* withStore(path, (store) =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* store.load, {
            records: [{ ...record("a1", 2), connectedMillis: 2_000 }],
            unreadable: [],
            node: { version: 1, maintenance: false, task: null }
          })
          yield* store.put(record("a1", 3))
        }))
    })))

  it.live("what is kept of the node is there for the next launcher; what can not be read is set aside, and doubted", () =>
    run(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* directory
      const node = { version: 1, maintenance: true, task: "evacuation" } as const
      yield* withStore(path, (store) => store.putNode(node))
      yield* withStore(path, (store) => Effect.map(store.load, (found) => assert.deepStrictEqual(found.node, node)))
      yield* fs.writeFileString(`${path}/node.json`, "{}")
      yield* withStore(path, (store) =>
        Effect.gen(function*() {
          const found = yield* store.load
          assert.deepStrictEqual(found.node, { version: 1, maintenance: true, task: null })
          assert.deepStrictEqual(found.unreadable.map((one) => one.path), [`${path}/unreadable/3-node.json`])
          assert.deepStrictEqual(yield* store.leftovers, [])
          assert.deepStrictEqual(yield* store.removeUnreadable(undefined), [`${path}/unreadable/3-node.json`])
          assert.deepStrictEqual(yield* fs.readDirectory(`${path}/unreadable`), [])
        }))
    })))

  it.live("tells what is left of instances without a record: directories, and records that were set aside", () =>
    run(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* directory
      yield* withStore(path, (store) => store.put(record("a1", 1)))
      for (const text of ["a1", "b2"]) yield* fs.makeDirectory(`${path}/instances/${text}`)
      yield* fs.writeFileString(`${path}/records/c3.json`, "{}")
      yield* withStore(path, (store) =>
        Effect.gen(function*() {
          yield* store.load
          assert.sameMembers([...yield* store.leftovers], [id("b2"), id("c3")])
          assert.deepStrictEqual(yield* store.removeUnreadable(id("b2")), [])
          assert.deepStrictEqual(yield* store.removeUnreadable(id("c3")), [`${path}/unreadable/2-c3.json`])
          assert.deepStrictEqual(yield* store.leftovers, [id("b2")])
        }))
    })))

  it.live("a relative path is refused: guests and the next launcher may be elsewhere", () =>
    run(Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.scoped(InstanceStoreFile.make("state")))
      assert.include(error.message, "from / on")
    })))

  it.live("a place where nobody can make a directory is refused at once, and not tried for ever", () =>
    run(Effect.gen(function*() {
      const { message } = yield* Effect.flip(Effect.scoped(InstanceStoreFile.make("/proc/vivarium/state")))
      assert.include(message, "/proc/vivarium/state can not be made: ENOENT")
    })))

  it.live("a record that does not follow the one before is refused, and changes nothing", () =>
    run(Effect.gen(function*() {
      const path = yield* directory
      yield* withStore(path, (store) =>
        Effect.gen(function*() {
          yield* store.put(record("a1", 1))
          for (const revision of [0, 1, 3]) {
            const error = yield* Effect.flip(store.put({ ...record("a1", revision), boot: 7 }))
            assert.include(error.message, "somebody else")
          }
          assert.include((yield* Effect.flip(store.put(record("b2", 2)))).message, "somebody else")
          assert.deepStrictEqual((yield* store.load).records, [record("a1", 1)])
        }))
    })))

  it.live("what a killed launcher was writing is forgotten: the record before stands", () =>
    run(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* directory
      yield* withStore(path, (store) => store.put(record("a1", 1)))
      yield* fs.writeFileString(`${path}/records/a1.json.partial`, "{\"version\": 1, \"id")
      yield* withStore(path, (store) =>
        Effect.gen(function*() {
          assert.deepStrictEqual((yield* store.load).records, [record("a1", 1)])
          assert.deepStrictEqual(yield* fs.readDirectory(`${path}/records`), ["a1.json"])
        }))
    })))

  it.live("a record that can not be read is set aside and told of, never deleted", () =>
    run(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* directory
      yield* withStore(path, (store) => store.put(record("a1", 1)))
      const text = yield* fs.readFileString(`${path}/records/a1.json`)
      const bad: ReadonlyArray<readonly [string, string]> = [
        ["c3.json", text],
        ["d4.json", "not json"],
        ["e5.json", ""],
        ["f6.json", text.replace("\"version\":1", "\"version\":2").replaceAll("a1", "f6")]
      ]
      for (const [name, content] of bad) yield* fs.writeFileString(`${path}/records/${name}`, content)
      yield* withStore(path, (store) =>
        Effect.gen(function*() {
          const { records, unreadable } = yield* store.load
          assert.deepStrictEqual(records, [record("a1", 1)])
          assert.strictEqual(unreadable.length, bad.length)
          for (const [name, content] of bad) {
            const one = unreadable.find((unreadable) => unreadable.path.endsWith(name))
            assert.isDefined(one)
            assert.isNotEmpty(one?.why)
            assert.strictEqual(yield* fs.readFileString(one?.path ?? ""), content)
          }
          // The id is free for a new instance.
          yield* store.put(record("d4", 1))
        }))
    })))

  it.live("a record that is no file is set aside too, and keeps no other from being read", () =>
    run(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* directory
      yield* withStore(path, (store) => store.put(record("a1", 1)))
      yield* fs.makeDirectory(`${path}/records/b2.json`)
      yield* exec("mkfifo", `${path}/records/c3.json`)
      yield* fs.symlink("d4.json", `${path}/records/d4.json`)
      yield* withStore(path, (store) =>
        Effect.gen(function*() {
          const { records, unreadable } = yield* store.load
          assert.deepStrictEqual(records, [record("a1", 1)])
          assert.deepStrictEqual(unreadable.map(({ path }) => path.slice(-7)).toSorted(), [
            "b2.json",
            "c3.json",
            "d4.json"
          ])
          for (const { path } of unreadable) assert.include(yield* fs.readDirectory(dirname(path)), basename(path))
        }))
    })))

  it.live("counts its launchers, and refuses to guess when the count can not be read", () =>
    run(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* directory
      for (const incarnation of [1, 2, 3]) {
        yield* withStore(path, (store) => Effect.sync(() => assert.strictEqual(store.incarnation, incarnation)))
      }
      for (const text of ["", "-1", "three", "1e3", "9".repeat(20)]) {
        yield* fs.writeFileString(`${path}/incarnation`, text)
        const error = yield* Effect.flip(withStore(path, () => Effect.void))
        assert.include(error.message, "does not hold a number")
        assert.strictEqual(yield* fs.readFileString(`${path}/incarnation`), text)
      }
    })))

  it.live("lets other users pass through to an instance's directory, and read nothing on the way", () =>
    run(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* directory}/state`
      yield* withStore(path, (store) => store.put(record("a1", 1)))
      for (const [name, mode] of [["", 0o711], ["/instances", 0o711], ["/records", 0o700]] as const) {
        assert.strictEqual(permissions((yield* fs.stat(`${path}${name}`)).mode), mode, name)
      }
      assert.strictEqual(permissions((yield* fs.stat(`${path}/records/a1.json`)).mode), 0o600)
    })))

  it.live("an instance's directory is its own, and can be removed with all that is in it", () =>
    run(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* directory
      yield* withStore(path, (store) =>
        Effect.gen(function*() {
          const own = store.directory(id("a1"))
          assert.strictEqual(own, `${path}/instances/a1`)
          yield* fs.makeDirectory(`${own}/deep/er`, { recursive: true })
          yield* fs.symlink("/etc", `${own}/link`)
          yield* store.removeDirectory(id("a1"))
          yield* store.removeDirectory(id("a1"))
          assert.isFalse(yield* fs.exists(own))
          assert.isTrue(yield* fs.exists("/etc/passwd"))
        }))
    })))

  it.live("a second launcher is refused, and told who has the directory", () =>
    run(Effect.gen(function*() {
      const path = yield* directory
      yield* withStore(path, () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(withStore(path, () => Effect.void))
          assert.include(error.message, `pid ${process.pid}`)
        }))
      yield* withStore(path, () => Effect.void)
    })))

  it.live(
    "the lock is free as soon as its holder is killed, and not while one that got a Ctrl-C still cleans up",
    () =>
      run(Effect.gen(function*() {
        const path = yield* directory
        const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
        // A process group of its own: what a terminal does to it, it does to all of it.
        const child = yield* spawner.spawn(
          ChildProcess.make(process.execPath, [holder, path], {
            detached: true,
            stdin: "ignore",
            stdout: "pipe",
            stderr: "inherit"
          })
        )
        const said = yield* Stream.toPull(Stream.splitLines(Stream.decodeText(child.stdout)))
        assert.deepStrictEqual(yield* said, ["held 1"])
        const refused = Effect.flip(withStore(path, () => Effect.void))
        assert.include((yield* refused).message, `pid ${child.pid}`)
        yield* Effect.sync(() => process.kill(-Number(child.pid), "SIGINT"))
        assert.deepStrictEqual(yield* said, ["interrupted"])
        assert.include((yield* refused).message, `pid ${child.pid}`)
        yield* Effect.sync(() => process.kill(child.pid, "SIGKILL"))
        yield* withStore(path, (store) => Effect.sync(() => assert.strictEqual(store.incarnation, 2)))
      })),
    30_000
  )

  it.live("says what to do about a directory that can not be written", () =>
    run(Effect.gen(function*() {
      const path = yield* directory
      yield* tmpfs(path, "size=1m,ro")
      const error = yield* Effect.flip(withStore(path, () => Effect.void))
      assert.include(error.message, path)
      assert.match(error.message, /read-only|can not be/i)
    })))

  it.live("on a full disk a write fails with a message, what was there is intact, and space makes it work again", () =>
    run(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* directory
      yield* tmpfs(path, "size=256k")
      yield* withStore(path, (store) =>
        Effect.gen(function*() {
          yield* store.put(record("a1", 1))
          yield* Effect.ignore(fs.writeFile(`${path}/filler`, new Uint8Array(1024 * 1024)))
          const error = yield* Effect.flip(store.put({ ...record("a1", 2), boot: 1 }))
          assert.match(error.message, /ENOSPC|no space/i)
          assert.deepStrictEqual((yield* store.load).records, [record("a1", 1)])
          assert.deepStrictEqual(yield* fs.readDirectory(`${path}/records`), ["a1.json"])
          yield* fs.remove(`${path}/filler`)
          yield* store.put({ ...record("a1", 2), boot: 1 })
        }))
    })))
})
