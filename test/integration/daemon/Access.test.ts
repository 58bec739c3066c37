/**
 * Who may use the daemon: tokens, TLS and client certificates, with openssl and curl.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, FileSystem } from "effect"
import { inject } from "vitest"
import * as Programs from "../../host/Programs.ts"
import * as Rig from "./Rig.ts"

/** An authority, and a certificate for 127.0.0.1 and for a client, signed by it. */
const certificates = Effect.fnUntraced(function*(directory: string) {
  const openssl = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
    const { code, stderr } = yield* Rig.run("openssl", ...args)
    if (code !== 0) return yield* Effect.fail(new Error(stderr))
  })
  const path = (name: string) => `${directory}/${name}.pem`
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
  for (const authority of ["authority", "stranger"]) {
    yield* openssl(
      "req",
      "-x509",
      "-days",
      "2",
      "-subj",
      `/CN=${authority}`,
      ...key,
      "-keyout",
      path(`${authority}-key`),
      "-out",
      path(authority)
    )
  }
  const sign = (name: string, authority: string, subject: string) =>
    openssl(
      "req",
      "-x509",
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
      ...key,
      "-keyout",
      path(`${name}-key`),
      "-out",
      path(name),
      "-CA",
      path(authority),
      "-CAkey",
      path(`${authority}-key`),
      "-addext",
      subject,
      "-addext",
      "basicConstraints=critical,CA:FALSE"
    )
  yield* sign("server", "authority", "subjectAltName=IP:127.0.0.1")
  yield* sign("client", "authority", "extendedKeyUsage=clientAuth")
  yield* sign("impostor", "stranger", "extendedKeyUsage=clientAuth")
  yield* sign("successor", "stranger", "subjectAltName=IP:127.0.0.1")
  return path
})

/** A token of a file. */
const token = Effect.fnUntraced(function*(file: string, name: string, scope: "read" | "write") {
  const { code, stderr, stdout } = yield* Rig.vivd("token", "create", name, "--scope", scope, "--file", file)
  if (code !== 0) return yield* Effect.fail(new Error(stderr))
  return stdout.trim()
})

const bearer = (token: string) => ["--header", `authorization: Bearer ${token}`]

/** A port that nobody has. */
const port = Effect.map(
  Rig.run(
    process.execPath,
    "-e",
    "const s=require('net').createServer().listen(0,'127.0.0.1',()=>{console.log(s.address().port);s.close()})"
  ),
  ({ stdout }) => stdout.trim()
)

/** A daemon of simulated guests, which also listens on a port, where it wants tokens. */
const overTcp = (directory: string, number: string, tokens: string, ...more: ReadonlyArray<string>) =>
  Rig.start(`${directory}/state`, "--simulate", "true", "--tcp-port", number, "--tokens", tokens, ...more)

layer(Programs.layer(inject("programs")), { excludeTestServices: true })("access", (it) => {
  it.effect("over TCP every request needs a token; one that may read changes nothing; a hash is all that is kept", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* Rig.directory
      const tokens = `${directory}/tokens.json`
      const reader = yield* token(tokens, "prometheus", "read")
      const writer = yield* token(tokens, "control", "write")
      const number = yield* port
      const daemon = yield* overTcp(
        directory,
        number,
        tokens,
        "--log-at",
        "debug"
      )
      const tcp = (path: string, ...args: ReadonlyArray<string>) =>
        Rig.curl(`http://127.0.0.1:${number}${path}`, ...args)
      for (const path of ["/v1/instances", "/v1/node", "/v1/events", "/metrics", "/v1/instances/a1/console"]) {
        const { body, status } = yield* tcp(path)
        assert.deepStrictEqual([path, status, JSON.parse(body).code], [path, 401, "unauthorized"])
      }
      assert.strictEqual((yield* tcp("/v1/instances", ...bearer(`${reader.slice(0, -1)}x`))).status, 401)
      assert.strictEqual((yield* tcp("/healthz")).status, 200)
      assert.strictEqual((yield* tcp("/v1/instances", ...bearer(reader))).status, 200)
      assert.strictEqual((yield* tcp("/metrics", ...bearer(reader))).status, 200)
      for (
        const request of [
          ["/v1/instances", ...Rig.post(Rig.simulated("a1"))],
          ["/v1/node/reset", "--request", "POST"],
          ["/v1/instances/a1", "--request", "DELETE"],
          ["/v1/instances/a1/console"]
        ] as const
      ) {
        const [path, ...args] = request
        const { body, status } = yield* tcp(path, ...args, ...bearer(reader))
        assert.deepStrictEqual([path, status, JSON.parse(body).code], [path, 403, "forbidden"])
      }
      assert.strictEqual((yield* tcp("/v1/instances", ...Rig.post(Rig.simulated("a1")), ...bearer(writer))).status, 201)
      // The unix socket's mode is what decides there.
      assert.strictEqual((yield* Rig.at(daemon)("/v1/instances/a1")).status, 200)

      yield* daemon.says("by=control")
      const kept = [yield* fs.readFileString(tokens), ...yield* daemon.log].join("\n")
      for (const secret of [reader, writer]) assert.notInclude(kept, secret)
      assert.strictEqual((yield* fs.stat(tokens)).mode & 0o777, 0o600)

      // A token that is taken away is refused once that has been read.
      yield* fs.writeFileString(tokens, JSON.stringify({ tokens: [] }))
      yield* daemon.kill("SIGHUP")
      yield* daemon.says("were read again")
      assert.strictEqual((yield* tcp("/v1/instances", ...bearer(writer))).status, 401)
      yield* fs.chmod(tokens, 0o644)
      yield* daemon.kill("SIGHUP")
      yield* daemon.says("chmod 600")
    }))

  it.effect("with TLS a client checks the daemon, and the daemon its clients; certificates are read again", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const { environment, viv: program } = yield* Programs.Programs
      const directory = yield* Rig.directory
      const path = yield* certificates(directory)
      const tokens = `${directory}/tokens.json`
      const writer = yield* token(tokens, "control", "write")
      const number = yield* port
      const daemon = yield* overTcp(
        directory,
        number,
        tokens,
        "--tls-certificate",
        path("server"),
        "--tls-key",
        path("server-key"),
        "--tls-client-authorities",
        path("authority")
      )
      const tls = (...args: ReadonlyArray<string>) =>
        Rig.curl("--cacert", path("authority"), `https://127.0.0.1:${number}/v1/instances`, ...args)
      const client = ["--cert", path("client"), "--key", path("client-key")]
      assert.strictEqual((yield* tls(...client, ...bearer(writer))).status, 200)
      // A certificate is needed beside the token, and not in its place.
      assert.strictEqual((yield* tls(...client)).status, 401)
      assert.match((yield* Effect.flip(tls(...bearer(writer)))).message, /curl ended with/)
      const impostor = ["--cert", path("impostor"), "--key", path("impostor-key")]
      assert.match((yield* Effect.flip(tls(...impostor, ...bearer(writer)))).message, /curl ended with/)
      const unknown = Rig.curl("--cacert", path("stranger"), `https://127.0.0.1:${number}/healthz`, ...client)
      assert.match((yield* Effect.flip(unknown)).message, /curl ended with 60/)
      const old = Rig.run("openssl", "s_client", "-connect", `127.0.0.1:${number}`, "-tls1_1", "-brief")
      assert.notStrictEqual((yield* old).code, 0)

      yield* fs.writeFileString(path("token"), `${writer}\n`)
      const host = `https://127.0.0.1:${number}`
      const viv = (...args: ReadonlyArray<string>) =>
        Rig.run(
          "env",
          `HOME=${directory}`,
          `XDG_CACHE_HOME=${environment["XDG_CACHE_HOME"]}`,
          process.execPath,
          program,
          ...args
        )
      const known = ["--tls-ca", path("authority"), "--tls-cert", path("client"), "--tls-key", path("client-key")]
      const shown = ["--token-file", path("token")]
      const run = ["run", "-q", "--virtualizer", "simulation", "--id", "a1", "x.qcow2"]
      assert.deepStrictEqual(yield* viv(...run, "--host", host, ...known, ...shown), {
        code: 0,
        stdout: "a1\n",
        stderr: ""
      })
      const nobody = yield* viv("ls", "--host", host, ...known)
      assert.deepStrictEqual([nobody.code, nobody.stderr.includes("hint: show a token")], [1, true])
      const strange = yield* viv("ls", "--host", host, "--tls-ca", path("stranger"), ...known.slice(2), ...shown)
      assert.deepStrictEqual([strange.code, strange.stderr.includes("hint: name the certificates")], [7, true])
      const uncertified = yield* viv("ls", "--host", host, ...known.slice(0, 2), ...shown)
      assert.strictEqual(uncertified.code, 7, uncertified.stderr)
      assert.strictEqual((yield* viv("context", "add", "node-1", "--host", host, ...known, ...shown)).code, 0)
      assert.strictEqual((yield* viv("ls", "-q", "--context", "node-1")).stdout, "a1\n")
      // Nothing is typed, and nothing more: the guest goes away.
      const console = yield* Effect.forkChild(viv("console", "a1", "--context", "node-1"))
      yield* daemon.says("path=/v1/instances/a1/console")
      assert.strictEqual((yield* viv("rm", "a1", "--context", "node-1")).code, 0)
      assert.include((yield* Fiber.join(console)).stderr, "viv: the console of a1 ended")

      yield* fs.copyFile(path("successor"), path("server"))
      yield* fs.copyFile(path("successor-key"), path("server-key"))
      yield* daemon.kill("SIGHUP")
      yield* daemon.says("were read again")
      const later = Rig.curl("--cacert", path("stranger"), `${host}/healthz`, ...client)
      assert.strictEqual((yield* Effect.retry(later, { times: 20 })).status, 200)
      // One that can not be read leaves the last one in place.
      yield* fs.writeFileString(path("server"), "no certificate")
      yield* daemon.kill("SIGHUP")
      yield* daemon.says("not read again")
      assert.strictEqual((yield* later).status, 200)
    }))

  it.effect("beyond loopback it listens with tokens and TLS only", () =>
    Effect.gen(function*() {
      const directory = yield* Rig.directory
      const tokens = `${directory}/tokens.json`
      yield* token(tokens, "control", "write")
      const state = ["--state-dir", `${directory}/state`, "--simulate", "true"]
      const open = yield* Rig.vivd(...state, "--tcp-host", "0.0.0.0", "--tcp-port", "0", "--tokens", tokens)
      assert.deepStrictEqual([open.code, open.stderr.includes("it needs TLS")], [1, true])
      const anybody = yield* Rig.vivd(...state, "--tcp-host", "127.0.0.1", "--tcp-port", "0")
      assert.deepStrictEqual([anybody.code, anybody.stderr.includes("at least one token")], [1, true])
    }))
})
