/**
 * The API's definition.
 */
import { assert, describe, it } from "@effect/vitest"
import { OpenApi } from "effect/http-api"
import manifest from "../../package.json" with { type: "json" }
import { Api } from "../../src/api/Api.ts"
import { ProblemCode, problems, statusOf } from "../../src/api/Problem.ts"
import { socketPathOf } from "../../src/api/SocketPath.ts"
import { version } from "../../src/api/Version.ts"
import { Code } from "../../src/launcher/LauncherError.ts"
import { StartCode } from "../../src/launcher/StartBorder.ts"

describe("the API's definition", () => {
  it("has the package's version", () => {
    assert.strictEqual(version, manifest.version)
  })

  it("makes an OpenAPI 3.1 document, in which every endpoint says what it is for and how it fails", () => {
    const document = OpenApi.fromApi(Api)
    assert.strictEqual(document.openapi, "3.1.0")
    for (const [path, item] of Object.entries(document.paths)) {
      for (const operation of [item.get, item.post, item.delete]) {
        if (operation === undefined) continue
        assert.isString(operation.summary, path)
        if (path.startsWith("/v1")) {
          assert.includeMembers(Object.keys(operation.responses), ["400", "401", "403", "404", "409", "500", "503"])
        }
      }
    }
  })

  it("has a code and a status for every failure of a launcher", () => {
    const codes: ReadonlyArray<string> = ProblemCode.literals
    for (const code of [...Code.literals, ...StartCode.literals]) assert.include(codes, code)
    const declared = problems.map((problem) =>
      problem.ast.annotations?.["httpApiStatus"] ?? problem.ast.context?.annotations?.["httpApiStatus"]
    )
    for (const status of Object.values(statusOf)) assert.include(declared, status)
  })

  it("says where a daemon's socket is", () => {
    assert.strictEqual(socketPathOf({ isRoot: true }), "/run/vivarium/vivd.sock")
    assert.strictEqual(socketPathOf({ isRoot: true, stateDirectory: "/s" }), "/s/vivd.sock")
    assert.strictEqual(
      socketPathOf({ isRoot: false, runtimeDirectory: "/run/user/7" }),
      "/run/user/7/vivarium/vivd.sock"
    )
    assert.strictEqual(socketPathOf({ isRoot: false, home: "/home/a" }), "/home/a/.local/state/vivarium/vivd.sock")
  })
})
