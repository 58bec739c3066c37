import { NodeServices } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { ConfigProvider, Effect, FileSystem, Result } from "effect"
import * as EngineEndpoint from "../../src/docker/EngineEndpoint.ts"
import * as EngineVersion from "../../src/docker/EngineVersion.ts"

const environment = (values: Readonly<Record<string, string>>) =>
  Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(values))

describe("where an engine is", () => {
  layer(NodeServices.layer)((it) => {
    it.effect("is where DOCKER_HOST says, by default at the usual socket", () =>
      Effect.gen(function*() {
        const usual = yield* environment({ HOME: "/root" })(EngineEndpoint.fromEnvironment)
        assert.deepStrictEqual(usual, EngineEndpoint.unix("/var/run/docker.sock"))
        const tcp = yield* environment({ DOCKER_HOST: "tcp://10.0.0.1" })(EngineEndpoint.fromEnvironment)
        assert.deepStrictEqual([tcp.origin, tcp.connect], ["http://10.0.0.1:2375", {}])
      }))

    it.effect("is spoken to by TLS with the certificates that DOCKER_CERT_PATH leads to", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        const variables = { DOCKER_HOST: "tcp://engine", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: directory }
        const missing = yield* Effect.flip(environment(variables)(EngineEndpoint.fromEnvironment))
        assert.include(missing.message, `${directory}/ca.pem`)
        for (const name of ["ca", "cert", "key"]) yield* fs.writeFileString(`${directory}/${name}.pem`, name)
        const { connect, origin } = yield* environment(variables)(EngineEndpoint.fromEnvironment)
        assert.deepStrictEqual([origin, connect], ["https://engine:2376", { ca: "ca", cert: "cert", key: "key" }])
      }))
  })

  it.effect("is refused where it can not be understood, with what to write instead", () =>
    Effect.gen(function*() {
      for (
        const [address, words] of [
          ["ssh://host", "forward its socket"],
          ["unix://relative.sock", "in full"],
          [`unix:///${"x".repeat(107)}`, "107 bytes"],
          ["tcp://", "tcp://HOST:PORT"],
          ["tcp://host/path", "tcp://HOST:PORT"],
          ["docker.sock", "unix://"]
        ] as const
      ) {
        const error = yield* Effect.flip(EngineEndpoint.parse(address))
        assert.strictEqual(error.reason._tag, "BadEndpoint")
        assert.include(error.message, words)
      }
    }))
})

describe("the version of the API", () => {
  const negotiated = (oldest: string, newest: string) =>
    Result.getOrElse(EngineVersion.negotiate({ oldest, newest }), ({ reason }) => reason._tag)

  it("is the newest that both speak", () => {
    assert.strictEqual(negotiated("1.12", "1.41"), "1.41")
    assert.strictEqual(negotiated("1.24", EngineVersion.supported.newest), EngineVersion.supported.newest)
    assert.strictEqual(negotiated("1.44", "1.99"), EngineVersion.supported.newest)
  })

  it("is refused where there is none in common: an engine that is too old, or too new", () => {
    assert.strictEqual(negotiated("1.12", "1.40"), "VersionUnsupported")
    assert.strictEqual(negotiated("1.9", "1.9"), "VersionUnsupported")
    assert.strictEqual(negotiated("1.98", "1.99"), "VersionUnsupported")
    assert.strictEqual(negotiated("2.0", "2.1"), "VersionUnsupported")
  })

  it("is compared by its numbers", () => {
    assert.isBelow(EngineVersion.compare("1.9", "1.41"), 0)
    assert.isAbove(EngineVersion.compare("2.0", "1.99"), 0)
    assert.strictEqual(EngineVersion.compare("1.41", "1.41"), 0)
  })
})
