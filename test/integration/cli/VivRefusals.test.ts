/**
 * What `viv` refuses, and what it ends with: each exit code, what is said, and that it says what to do.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer } from "effect"
import { inject } from "vitest"
import * as Rig from "./VivRig.ts"

const { VivRig } = Rig

/** A command that fails: what it ends with, and what it says. */
const refused = Effect.fnUntraced(
  function*(status: number, said: ReadonlyArray<string>, ...args: ReadonlyArray<string>) {
    const { viv } = yield* VivRig
    const ended = yield* viv(...args)
    assert.strictEqual(ended.status, status, `viv ${args.join(" ")}: ${ended.stdout}${ended.stderr}`)
    for (const text of said) assert.include(ended.stderr, text, `viv ${args.join(" ")}`)
    assert.strictEqual(ended.stdout, "")
  }
)

const simulated = ["run", "-q", "--virtualizer", "simulation"]

describe("viv refuses", () => {
  layer(Rig.layer(inject("programs"), "--simulate", "true").pipe(Layer.provideMerge(NodeServices.layer)), {
    timeout: 60_000,
    excludeTestServices: true
  })((it) => {
    it.effect("wrong command lines, with 2, and says what was meant and where help is", () =>
      Effect.gen(function*() {
        yield* Effect.all([
          refused(2, [`Unknown subcommand "stp"`, "did you mean stop", "viv --help"], "stp", "x"),
          refused(2, ["Unrecognized flag: --stat", "did you mean --state"], "ls", "--stat"),
          refused(2, ["Missing required argument", "'viv console --help'"], "console"),
          refused(2, ["nothing to boot from", "hint: give an image"], "run"),
          refused(2, ["more than one thing to boot from"], "run", "--kernel", "vmlinuz", "x.qcow2"),
          refused(2, ["x.img does not say", "--format"], "run", "x.img"),
          refused(2, ["80 is no port to publish", "-p 8080:80"], "run", "-p", "80", "x.qcow2"),
          refused(2, ["--network user"], "run", "-p", "1:1", "--network", "none", "x.qcow2"),
          refused(2, ["memory:"], "run", "-m", "12 apples", "x.qcow2"),
          refused(2, ["vcpus:", "name:"], "run", "-c", "0", "--name", "Not_a_name", "x.qcow2"),
          refused(2, ["KEY=VALUE"], "run", "-l", "=x", "x.qcow2"),
          refused(2, ["only a container runs a command"], "run", "x.qcow2", "--", "sleep", "1"),
          refused(2, ["no state to wait for", "running"], "wait", "x", "--for", "happy"),
          refused(2, ["each name a daemon"], "ls", "--socket", "/x", "--host", "unix:///x"),
          refused(2, ["a secret has no place in an address"], "ls", "--host", "https://me:secret@node-1"),
          refused(2, ["belong together"], "ls", "--tls-cert", process.execPath),
          refused(2, ["there is nothing to begin at"], "events"),
          refused(2, ["not both at once"], "start", "-f", "x.yaml", "x")
        ], { concurrency: 4 })
      }))

    it.effect("what is not there, with 3", () =>
      Effect.gen(function*() {
        for (const command of ["show", "stop", "start", "rm", "logs", "console", "wait"]) {
          yield* refused(3, ["there is no instance nobody", "hint: viv ls"], command, "nobody")
        }
      }))

    it.effect("what stands against it, with 4; a beginning of several ids, with 2", () =>
      Effect.gen(function*() {
        const { viv } = yield* VivRig
        for (const id of ["aa-01", "aa-02"]) {
          assert.strictEqual((yield* viv(...simulated, "--id", id, "--name", `z-${id}`, "x.qcow2")).status, 0)
        }
        yield* refused(
          4,
          ["its name, z-aa-01, is that of instance aa-01"],
          ...simulated,
          "--name",
          "z-aa-01",
          "x.qcow2"
        )
        yield* refused(4, ["can not be started"], ...simulated, "--id", "aa-01", "y.qcow2")
        yield* refused(2, ["aa is the beginning of 2 ids", "aa-01, aa-02"], "show", "aa")
        assert.strictEqual((yield* viv("stop", "aa-01")).status, 0)
        yield* refused(4, [], "pause", "aa-01")
        yield* refused(4, ["is stopped: nothing answers", "hint: viv start"], "console", "aa-01")
        assert.strictEqual((yield* viv("rm", "aa-01", "aa-02")).status, 0)
      }))

    it.effect("what does not fit on the node, with 5", () =>
      Effect.gen(function*() {
        yield* refused(5, ["does not fit on this node"], ...simulated, "-m", "15TiB", "x.qcow2")
      }))

    it.effect("a daemon that is not there, with 7, and says how to start it; nothing else is said", () =>
      Effect.gen(function*() {
        const { home, vivWith } = yield* VivRig
        for (
          const where of [
            ["--socket", `${home}/nothing.sock`],
            ["--state-dir", home],
            ["--host", "http://127.0.0.1:1"]
          ]
        ) {
          const { status, stderr, stdout } = yield* vivWith({}, "ls", ...where)
          assert.strictEqual(status, 7)
          assert.strictEqual(stdout, "")
          assert.match(stderr, /^viv: the daemon at .* can not be reached: nothing listens there.*\nhint: .*vivd/)
        }
        const { status, stderr } = yield* vivWith({}, "ls", "--json", "--socket", "/nothing.sock")
        assert.strictEqual(status, 7)
        assert.containSubset(JSON.parse(stderr), { error: { exitCode: 7 } })
      }))

    it.effect("contexts name daemons; their tokens are in a file that only its owner may read, and are never shown", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const { home, socket, vivWith } = yield* VivRig
        const viv = (...args: ReadonlyArray<string>) => vivWith({}, ...args)
        yield* fs.writeFileString(`${home}/token`, "a-secret-token\n")
        const file = `${home}/.config/vivarium/contexts.json`
        assert.strictEqual((yield* viv("context", "add", "here", "--host", `unix://${socket}`)).status, 0)
        const far = ["context", "add", "far", "--host", "http://node-1:7788", "--token-file", `${home}/token`]
        assert.strictEqual((yield* viv(...far)).status, 0)
        assert.strictEqual((yield* fs.stat(file)).mode & 0o777, 0o600)
        const list = yield* viv("context", "ls")
        assert.notInclude(list.stdout, "secret")
        assert.match(list.stdout, /^\* +here +unix:/m)
        assert.match(list.stdout, /^ +far +http:\/\/node-1:7788 +yes/m)
        assert.strictEqual((yield* viv("status", "--json")).status, 0)
        // A token is not sent where others may read along.
        const open = yield* viv("ls", "--context", "far")
        assert.strictEqual(open.status, 2)
        assert.include(open.stderr, "use https://")
        assert.notInclude(open.stderr, "secret")
        assert.strictEqual((yield* viv("context", "use", "far")).status, 0)
        assert.strictEqual((yield* viv("status")).status, 2)
        assert.strictEqual((yield* vivWith({ env: { VIV_CONTEXT: "here" } }, "status")).status, 0)
        const unknown = yield* viv("status", "--context", "nowhere")
        assert.strictEqual(unknown.status, 2)
        assert.include(unknown.stderr, "there are: here, far")
        yield* fs.chmod(file, 0o644)
        const readable = yield* viv("status", "--context", "here")
        assert.strictEqual(readable.status, 1)
        assert.include(readable.stderr, `hint: chmod 600 ${file}`)
        yield* fs.chmod(file, 0o600)
        assert.strictEqual((yield* viv("context", "rm", "far")).status, 0)
        assert.strictEqual((yield* viv("context", "rm", "far")).status, 3)
        yield* fs.remove(file)
      }))

    it.effect("nobody who stopped reading is written to", () =>
      Effect.gen(function*() {
        const { program, socket } = yield* VivRig
        const piped = yield* Effect.scoped(Effect.flatMap(
          Rig.spawn(
            "bash",
            [
              "--norc",
              "-c",
              `${process.execPath} ${program} --host unix://${socket} top --every 0.1 --json | head -1; echo "\${PIPESTATUS[0]}"`
            ],
            { PATH: process.env["PATH"] ?? "" },
            ""
          ),
          ({ ended }) => ended
        ))
        assert.match(piped.stdout, /^\{.*\n141\n$/)
        assert.strictEqual(piped.stderr, "")
      }))
  })
})
