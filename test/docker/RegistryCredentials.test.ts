import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { ConfigProvider, Effect, FileSystem } from "effect"
import * as RegistryCredentials from "../../src/docker/RegistryCredentials.ts"

const decoded = (header: string | undefined): unknown =>
  header === undefined ? undefined : JSON.parse(Buffer.from(header, "base64url").toString())

/** Credentials of a configuration. */
const configured = Effect.fnUntraced(function*(config: string) {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "credentials-" })
  yield* fs.writeFileString(`${directory}/config.json`, config)
  return { find: (registry: string) => RegistryCredentials.find(registry, directory) }
})

const auth = (text: string) => Buffer.from(text).toString("base64")

layer(NodeServices.layer)("registry credentials", (it) => {
  it.effect("are those of the login to that registry, by whatever name it was written", () =>
    Effect.gen(function*() {
      const { find } = yield* configured(JSON.stringify({
        auths: {
          "https://index.docker.io/v1/": { auth: auth("hub:secret:with:colons") },
          "10.0.0.1:5000": { auth: auth("me:x") },
          "https://quay.io/v2/": { identitytoken: "token" },
          "empty.io": {}
        }
      }))
      assert.deepStrictEqual(decoded(yield* find("docker.io")), {
        username: "hub",
        password: "secret:with:colons",
        serveraddress: "docker.io"
      })
      assert.deepStrictEqual(decoded(yield* find("10.0.0.1:5000")), {
        username: "me",
        password: "x",
        serveraddress: "10.0.0.1:5000"
      })
      assert.deepStrictEqual(decoded(yield* find("quay.io")), { identitytoken: "token", serveraddress: "quay.io" })
      assert.isUndefined(yield* find("empty.io"))
      assert.isUndefined(yield* find("elsewhere.io"))
    }))

  it.effect("are none where there is no configuration, and a failure where it can not be read", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const empty = yield* fs.makeTempDirectoryScoped()
      assert.isUndefined(yield* RegistryCredentials.find("docker.io", empty))
      const { find } = yield* configured("{ auths")
      const { message, reason } = yield* Effect.flip(find("docker.io"))
      assert.strictEqual(reason._tag, "BadCredentials")
      assert.include(message, "config.json")
    }))

  it.effect("name no program outside of the PATH as their helper", () =>
    Effect.gen(function*() {
      const { find } = yield* configured(JSON.stringify({ credsStore: "../../bin/sh" }))
      const { message } = yield* Effect.flip(find("docker.io"))
      assert.include(message, "must be a name")
      const absent = yield* configured(JSON.stringify({ credHelpers: { "r.io": "surely-not-there" } }))
      assert.include((yield* Effect.flip(absent.find("r.io"))).message, "docker-credential-surely-not-there")
      assert.isUndefined(yield* absent.find("other.io"))
    }))

  it.effect("are kept where DOCKER_CONFIG says, or below the user's home", () =>
    Effect.gen(function*() {
      const where = (values: Readonly<Record<string, string>>) =>
        Effect.provideService(
          RegistryCredentials.directory,
          ConfigProvider.ConfigProvider,
          ConfigProvider.fromUnknown(values)
        )
      assert.strictEqual(yield* where({ HOME: "/home/me" }), "/home/me/.docker")
      assert.strictEqual(yield* where({ HOME: "/home/me", DOCKER_CONFIG: "/etc/d" }), "/etc/d")
    }))
})
